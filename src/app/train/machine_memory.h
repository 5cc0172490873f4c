#pragma once

#include "reckon/base/memory_limit.h"
#include "reckon/dist/communicator.h"

namespace reckon {

/// What this rank's machine has for a run, as it is before there are weights.
struct MachineMemory {
  MemoryLimit limit;
  int ranks_here = 1;     ///< ranks of the run on this machine
  double program_mb = 0;  ///< resident of this rank
};

/// Collective: every rank has looked before any goes on.
[[nodiscard]] MachineMemory machine_memory(Communicator& world);

}  // namespace reckon
