#pragma once

#include "run.h"

namespace reckon {

/// Takes the run's folder: locks it, begins a run in it or goes on with the one that it holds. Afterwards
/// run.resume says where, the files of the run are as they were there, and they are open for writing.
/// Collective.
/// \throws AgreedError(environment) where the folder holds a run and `resume` was not asked for, another
/// process writes to it, or not all ranks see it; AgreedError(usage) where the recipe, AgreedError(bad_data)
/// where data or weights are not those of the run
void open_run(TrainRun& run, const TrainArguments& arguments);

}  // namespace reckon
