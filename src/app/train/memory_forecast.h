#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/recipe.h"
#include "reckon/model/decoder_config.h"

namespace reckon {

/// What takes memory in a stage.
struct MemoryPart {
  std::string name;    ///< "optimizer"
  double mb = 0;       ///< of one rank, the one with the most
  std::string advice;  ///< what makes it less; empty where nothing does
};

/// The most that a rank holds at once, MiB.
struct MemoryForecast {
  std::string stage;              ///< where it does
  std::vector<MemoryPart> parts;  ///< of that stage, the largest first
  [[nodiscard]] double total_mb() const;
};

/// What a forecast is made of beside the recipe.
struct MemoryFacts {
  DecoderConfig model;
  std::int64_t num_logits = 0;  ///< rows of the output layer that are computed
  // Tokens of some problems of the tasks: all that is known of the problems to come.
  double longest_prompt = 0;
  double longest_example = 1, mean_example = 1;  ///< prompts with their reference solutions
  int ranks = 1;
  double program_mb = 0;                ///< of a rank, resident before there are weights
  bool copies_for_checkpoints = false;  ///< weights and optimizer are copied, to be written in the background
};

/// The most memory of a rank over all stages of a recipe for device = "cpu", where every completion is as
/// long as max_new_tokens allows: all weights that later stages need, the learner (optimizer moments,
/// gradients, the activations of the largest micro-batch), the sampler (keys and values of as many sequences
/// as are decoded together).
[[nodiscard]] MemoryForecast forecast_memory(const Recipe& recipe, const MemoryFacts& facts);

/// "weights 76, optimizer 153, ..." in MiB, those of at least a hundredth of the whole.
[[nodiscard]] std::string parts_text(const MemoryForecast& forecast);

}  // namespace reckon
