#pragma once

// Sizes of launches, and the checks of what kernels are called with.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "device.h"

namespace reckon::cuda {

[[nodiscard]] constexpr std::int64_t divide_up(std::int64_t count, std::int64_t by) {
  return (count + by - 1) / by;
}

/// Threads of a block that walks over `items` of a row: whole warps, at most `most`, as many as keep the last
/// round full. A function of the row's size alone, as the order of a row's sums must be.
[[nodiscard]] constexpr unsigned threads_for(std::int64_t items, std::int64_t most) {
  const std::int64_t rounds = divide_up(items, most);
  return rounds == 0 ? kWarp : static_cast<unsigned>(divide_up(divide_up(items, rounds), kWarp) * kWarp);
}

inline void require_multiple(const char* function, const char* name, std::int64_t value, std::int64_t of) {
  if (value % of != 0) {
    throw std::invalid_argument(std::string(function) + ": " + name + " " + std::to_string(value) +
                                " (need a multiple of " + std::to_string(of) + ")");
  }
}

inline void require_at_most(const char* function, const char* name, std::int64_t value, std::int64_t most) {
  if (value > most) {
    throw std::invalid_argument(std::string(function) + ": " + name + " " + std::to_string(value) +
                                " (need at most " + std::to_string(most) + ")");
  }
}

inline void require_aligned(const char* function, const char* name, const void* pointer, std::size_t bytes) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(pointer) % bytes;
  if (past != 0) {
    throw std::invalid_argument(std::string(function) + ": " + name + " starts " + std::to_string(past) +
                                " bytes past a multiple of " + std::to_string(bytes) + " (need 0)");
  }
}

}  // namespace reckon::cuda
