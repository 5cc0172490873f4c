#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/plan/stage_loads.h"
#include "app/recipe.h"
#include "reckon/model/decoder_config.h"
#include "reckon/plan/memory.h"

namespace reckon {

/// The most that a rank holds at once, MiB.
struct MemoryForecast {
  std::string stage;                    ///< where it does
  std::vector<plan::MemoryPart> parts;  ///< of that stage, the largest first
  [[nodiscard]] double total_mb() const { return plan::total_mb(parts); }
};

/// What a forecast is made of beside the recipe.
struct MemoryFacts {
  DecoderConfig model;
  std::int64_t num_logits = 0;  ///< rows of the output layer that are computed
  ProblemLengths lengths = {};
  int ranks = 1;
  double program_mb = 0;                ///< of a rank, resident before there are weights
  bool copies_for_checkpoints = false;  ///< weights and optimizer are copied, to be written in the background
};

/// The most memory of a rank over all stages of a recipe for device = "cpu" (plan::stage_memory).
[[nodiscard]] MemoryForecast forecast_memory(const Recipe& recipe, const MemoryFacts& facts);

/// "weights 76, optimizer 153, ..." in MiB, those of at least a hundredth of the whole.
[[nodiscard]] std::string parts_text(const MemoryForecast& forecast);

}  // namespace reckon
