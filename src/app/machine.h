#pragma once

namespace reckon {

/// \throws Error(environment) where this machine has not the instructions that reckon needs.
void check_machine();

}  // namespace reckon
