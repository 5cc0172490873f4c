#pragma once

#include <cstdint>
#include <optional>

#include "app/guards.h"
#include "run.h"

namespace reckon {

/// The guards' verdict on a step: prints the alarms that begin and end, and enters what has happened so far
/// in the stage's entry of the summary. The same on every rank; not collective.
GuardVerdict judge_step(TrainRun& run, const StageConfig& stage, RunGuards& guards, std::int64_t step,
                        const std::optional<StepSignal>& signal = std::nullopt);

/// Ends the run, on every rank, where the verdict is a stop. \throws Error(internal)
void stop_if_judged(const StageConfig& stage, std::int64_t step, const GuardVerdict& verdict);

}  // namespace reckon
