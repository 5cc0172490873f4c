#pragma once

namespace reckon {

/// \throws Error(environment) where this machine has not the instructions that reckon needs.
void check_machine();

/// Asked before MPI starts, which ends the process without a cause where it can open nothing.
/// \throws Error(environment) where the process may have too few files open.
void check_limits();

}  // namespace reckon
