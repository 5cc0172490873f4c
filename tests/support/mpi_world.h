#pragma once

#include "reckon/dist/communicator.h"

namespace reckon::testing {

/// The ranks of a test that is registered with NP; the same object in the whole program.
Communicator& mpi_world();

}  // namespace reckon::testing
