#pragma once

#include <string>
#include <vector>

#include "app/recipe.h"
#include "app/train/problem_stream.h"
#include "reckon/model/decoder_config.h"
#include "reckon/plan/model_shape.h"
#include "reckon/plan/stage_load.h"
#include "reckon/text/prompt_format.h"

namespace reckon {

/// What the CPU's learner spreads over the ranks.
inline constexpr plan::Sharding kCpuSharding = plan::Sharding::optimizer;

/// Tokens of some problems of tasks: all that is known of the problems to come.
struct ProblemLengths {
  double mean_prompt = 0, longest_prompt = 0;
  double mean_example = 1, longest_example = 1;  ///< prompts with their reference solutions
  double mean_square_example = 1;
  std::vector<double> solutions;  ///< the solutions alone; empty where no task has any
};

/// Looks at some problems of each level: a run draws more than can be looked at.
[[nodiscard]] ProblemLengths measure_problems(const std::vector<const RecipeTask*>& tasks,
                                              const PromptFormat& prompts, std::uint64_t seed);

/// \param num_logits  rows of the output layer that are computed; 0: all
[[nodiscard]] plan::ModelShape shape_of(const DecoderConfig& config, std::int64_t num_logits);

/// What a stage asks of the machine. Completions are as long as max_new_tokens: a plan that knows more sets
/// them.
[[nodiscard]] plan::StageLoad load_of(const StageConfig& stage, const ProblemLengths& lengths,
                                      std::size_t num_tasks);

/// A stage with the weights that the run holds while it runs, and those among them that have been computed
/// with: the stage's own, and those that later stages start from.
struct HeldWeights {
  const StageConfig* stage = nullptr;
  double decoders = 1, packed = 1;
};

/// In the order in which the stages run. The recipe must outlive it.
[[nodiscard]] std::vector<HeldWeights> held_weights(const Recipe& recipe);

}  // namespace reckon
