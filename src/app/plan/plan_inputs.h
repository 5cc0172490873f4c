#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/recipe.h"
#include "app/train/problem_stream.h"
#include "plan_options.h"
#include "reckon/plan/machine.h"
#include "reckon/plan/memory.h"
#include "reckon/plan/step_time.h"
#include "stage_loads.h"

namespace reckon {

/// A stage, as the plan sees it.
struct PlannedStage {
  const StageConfig* config = nullptr;
  plan::StageLoad load;
  double decoders = 1, packed = 1;  ///< HeldWeights
};

/// What a plan is made of: nothing here depends on what runs at the moment, but for the calibration.
struct PlanInputs {
  Recipe recipe;
  plan::ModelShape shape;
  std::optional<DecoderConfig> decoder;  ///< none where only the published shape is known
  std::vector<PlannedStage> stages;      ///< in the order in which they run
  std::vector<std::string> notes;        ///< what is assumed, a line each
  // The machine.
  bool is_gpu = false;
  std::string machine;  ///< in words
  plan::Rates rates;
  plan::Network network;
  plan::Bytes bytes;
  double memory_mb = 0;   ///< that a rank may take; infinite where nobody says
  double program_mb = 0;  ///< of a rank, before there are weights
  double grade_s = 0;     ///< of a completion; beside sampling, on threads of their own
  plan::Sharding sharding = plan::Sharding::none;
};

/// Reads the recipe, looks at its tasks and model as far as they are there, and tries the machine.
/// \throws Error
[[nodiscard]] PlanInputs plan_inputs(const PlanOptions& options);

/// Who does a stage's work in a job of so many ranks, by the recipe's [cluster].
[[nodiscard]] plan::Placement placement_of(const PlanInputs& inputs, const PlannedStage& stage,
                                           std::int64_t ranks);

}  // namespace reckon
