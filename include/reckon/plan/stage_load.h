#pragma once

#include <cstdint>
#include <string>

#include "reckon/plan/lengths.h"

namespace reckon::plan {

/// What a stage asks of the machine; the settings of its recipe, by their names, and lengths.
enum class Work { sft, grpo, eval };

struct StageLoad {
  std::string name;
  Work work = Work::grpo;
  double rounds =
      1;  ///< steps; of eval, how often its samples are drawn: once a task, and once more greedily
  std::int64_t prompts = 0;  ///< of a step; of eval, all
  std::int64_t group_size = 1;
  std::int64_t updates_per_step = 1;
  std::int64_t tokens_per_step = 0;  ///< sft
  std::int64_t max_new_tokens = 0;
  std::int64_t max_batch = 0;
  std::int64_t kv_budget_mib = 0;
  std::int64_t leaf_sequences = 1;
  std::int64_t micro_batch_leaves = 1;
  bool recompute = false;
  bool has_reference = false;  ///< kl_coef is not 0
  bool compares_all = true;    ///< exactness = "all": groups without variance go through the learner too
  double untrained_share = 0;  ///< of the groups: equal rewards
  // Tokens. Of completions as they will come; memory takes all to be as long as max_new_tokens.
  double mean_prompt = 0, longest_prompt = 0;
  double mean_example = 1, longest_example = 1;  ///< a prompt with its reference solution
  double mean_square_example = 1;                ///< E[length^2]: what their attention costs
  Lengths completions = Lengths::constant(1);

  /// Sequences of an update, over all ranks.
  [[nodiscard]] std::int64_t sequences() const;
  /// Leaves of an update, over all ranks.
  [[nodiscard]] std::int64_t leaves() const;
};

/// What is spread over the learners.
enum class Sharding {
  none,       ///< every learner holds all
  optimizer,  ///< the moments of AdamW and, on a GPU, the master weights (ZeRO stage 1)
  gradients,  ///< and the summed gradients (ZeRO stage 2)
};

/// What a rank does in a stage.
enum class Role { both, worker, learner };

/// Who does a stage's work.
struct Placement {
  std::int64_t workers = 1;   ///< ranks that sample
  std::int64_t learners = 1;  ///< ranks that learn; the same ones where they are not split
  bool split = false;
  Sharding sharding = Sharding::none;
};

}  // namespace reckon::plan
