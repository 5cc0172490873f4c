#pragma once

#include <string>
#include <vector>

#include "reckon/plan/model_shape.h"
#include "reckon/plan/stage_load.h"

namespace reckon::plan {

/// What takes memory.
struct MemoryPart {
  std::string name;    ///< "optimizer"
  double mb = 0;       ///< MiB of one rank, the one with the most
  std::string advice;  ///< what makes it less; empty where nothing does
};

[[nodiscard]] double total_mb(const std::vector<MemoryPart>& parts);

/// Where the model is computed, as far as memory asks.
struct MemoryTarget {
  bool is_gpu = false;
  double kv_bytes = 4;                  ///< of a number in the key-value cache
  double program_mb = 0;                ///< of a rank, before there are weights; on a GPU the context
  double weight_sets = 1;               ///< decoders held, for this stage and later ones
  double packed_sets = 1;               ///< those among them that were computed with
  bool copies_for_checkpoints = false;  ///< weights and optimizer are copied, to be written in the background
};

/// The most that a rank of this role holds at once in a stage, the largest part first. Every completion is
/// taken to be as long as max_new_tokens allows. On a GPU: of its memory; what the host holds is
/// host_memory().
[[nodiscard]] std::vector<MemoryPart> stage_memory(const ModelShape& model, const StageLoad& load,
                                                   const Placement& placement, Role role,
                                                   const MemoryTarget& target);

/// MiB that a rank with a GPU holds in the host's memory: float32 copies of the weights, and those that are
/// written as a checkpoint.
[[nodiscard]] double host_memory_mb(const ModelShape& model, const Placement& placement,
                                    const MemoryTarget& target);

}  // namespace reckon::plan
