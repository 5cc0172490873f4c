#pragma once

#include <string>
#include <vector>

#include "reckon/record/rollout_log.h"
#include "reckon/rollout/rollout.h"
#include "train_run.h"

namespace reckon {

/// Everything before the first step: recipe, tasks and their self-test, tokenizer, initial weights, run
/// folder. Each rank does the same; rank 0 writes. \throws Error
void set_up(TrainRun& run, const std::string& recipe_file, const std::vector<std::string>& overrides,
            const std::string& out);

/// What stands at the head of a stage's rollout log.
[[nodiscard]] RolloutLogInfo rollout_log_info(const TrainRun& run, const StageConfig& stage);

/// How a stage samples; `policy_version` is the number of updates the weights have seen.
[[nodiscard]] RolloutPlan rollout_plan(const TrainRun& run, const StageConfig& stage,
                                       std::int64_t policy_version);

}  // namespace reckon
