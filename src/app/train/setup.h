#pragma once

#include <string>
#include <vector>

#include "reckon/record/rollout_log.h"
#include "reckon/rollout/rollout.h"
#include "run.h"

namespace reckon {

/// What a run is made of, without its folder: recipe, tasks and their self-test, tokenizer, initial weights.
/// Each rank does the same. \throws Error
void set_up(TrainRun& run, const TrainArguments& arguments);

/// A problem with its prompt.
struct DrawnPrompt {
  DrawnProblem problem;
  Prompt prompt;
};

/// The next problem whose prompt leaves room for new_tokens; longer ones are passed over and counted.
/// \throws Error(usage) after a thousand of them in a row.
[[nodiscard]] DrawnPrompt draw_prompt(TrainRun& run, const std::vector<const RecipeTask*>& tasks,
                                      ProblemStream& stream, std::int64_t new_tokens, std::int64_t& too_long);

/// What stands at the head of a stage's rollout log.
[[nodiscard]] RolloutLogInfo rollout_log_info(const TrainRun& run, const StageConfig& stage);

/// How a stage samples; `policy_version` is the number of updates the weights have seen.
[[nodiscard]] RolloutPlan rollout_plan(const TrainRun& run, const StageConfig& stage,
                                       std::int64_t policy_version);

}  // namespace reckon
