#pragma once

#include <string>

#include "machine_memory.h"
#include "memory_forecast.h"
#include "run.h"

namespace reckon {

/// Whether the memory of this machine suffices for the run, before the weights are made, for device = "cpu".
/// Leaves what is needed in run.memory_text; where it does not suffice, warns if guard.on_memory is "warn".
/// Reads run.recipe, tasks, prompts and machine. \param model  what the weights will be \throws
/// Error(environment) with what takes how much, and what makes it less
void check_memory(TrainRun& run, const DecoderConfig& model);

/// The error's text; empty where the memory suffices.
[[nodiscard]] std::string memory_problem(const MemoryForecast& forecast, const MachineMemory& machine);

}  // namespace reckon
