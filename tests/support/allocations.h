#pragma once

#include <cstddef>

namespace reckon::testing {

/// Calls of operator new so far, in a test program that links allocations.cpp.
[[nodiscard]] std::size_t allocations();

}  // namespace reckon::testing
