#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/plan/stage_load.h"

namespace reckon {

/// What `reckon plan` was told beside the recipe.
struct PlanOptions {
  std::string file;
  std::vector<std::string> overrides;
  std::int64_t nodes = 1;
  std::int64_t gpus_per_node = 8;
  std::int64_t ranks_per_node = 0;  ///< of a machine without GPUs; 0: its cores
  std::string gpu;                  ///< empty: the processor of this machine
  double node_gbps = 400;           ///< of a node's links together
  std::string shard = "auto";       ///< or a name of plan::Sharding
  // Tokens; 0: from the recipe.
  double mean_tokens = 0, p95_tokens = 0, prompt_tokens = 0;
  std::string from_run;
  bool json = false;
  bool simulate = false;
  std::vector<std::int64_t> ranks = {16, 128, 1024, 10000};
  std::int64_t sim_steps = 12;  ///< of which the first four are not counted
};

}  // namespace reckon
