#pragma once

#include <string>

namespace reckon::testing {

/// Processes, but for the test itself, whose command line holds a text. Those that ended and wait to be
/// collected have none.
int num_processes_with(const std::string& text);

/// Waits up to 10 s for there to be none. \return whether there is none
bool all_gone(const std::string& text);

}  // namespace reckon::testing
