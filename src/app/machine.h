#pragma once

namespace reckon {

/// \throws Error(environment) where this machine has not the instructions that reckon was built for.
void check_machine();

}  // namespace reckon
