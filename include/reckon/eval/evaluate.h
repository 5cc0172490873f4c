#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/eval/config.h"
#include "reckon/rollout/rollout.h"
#include "reckon/task/task.h"
#include "reckon/text/prompt_format.h"

namespace reckon {

/// Accuracy on the held-out problems of one task.
struct TaskEvaluation {
  std::string task;
  std::int64_t level = 0;
  std::int64_t n = 0;        ///< held-out problems
  std::int64_t samples = 0;  ///< completions sampled for each
  double pass_at_1 = 0;      ///< mean over problems of the share of samples that are right
  double ci95 = 0;           ///< half width of the 95 % interval of pass_at_1, see wilson_half_width()
  double greedy = 0;         ///< share of problems right with the likeliest token at each step
  double mean_tokens = 0;    ///< mean length of the samples, end-of-sequence token included
  double think_share = 0;    ///< share of samples that contain a <think> with something in it
  double truncated = 0;      ///< share of samples cut off at max_new_tokens
};

/// Half the width of the Wilson score interval at 95 % for a share p of n independent trials. With the number
/// of problems as n it is on the safe side for a mean over several samples of each.
[[nodiscard]] double wilson_half_width(double p, double n);

/// Samples eval_samples completions and one greedy one for each problem, and grades them. The problems are
/// spread over the ranks; the result is the same on every rank and for any number of them. Collective. \param
/// plan  seed, stage and options (temperature, max_new_tokens, max_batch) of the samples
[[nodiscard]] TaskEvaluation evaluate(Sampler& sampler, const PromptFormat& format, const Task& task,
                                      std::span<const Problem> problems, const EvalConfig& config,
                                      const RolloutPlan& plan, Communicator& world);

/// A problem as a prompt, rendered and turned into token ids.
[[nodiscard]] Prompt prompt_of(const Problem& problem, const PromptFormat& format);

}  // namespace reckon
