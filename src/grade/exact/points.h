#pragma once

#include <cstdint>

namespace reckon::exact {

/// The secret from which the points and primes follow at which expressions are tried: drawn once a process
/// from the system, so that no answer can be made to fit the points. A verdict depends on it only with a
/// probability below 2^-100 (rational functions), or where a difference lies outside of every region that is
/// sampled.
[[nodiscard]] std::uint64_t point_seed();

/// Another seed for this thread while it lives: for tests.
class ScopedPointSeed {
 public:
  explicit ScopedPointSeed(std::uint64_t seed);
  ~ScopedPointSeed();
  ScopedPointSeed(const ScopedPointSeed&) = delete;
  ScopedPointSeed& operator=(const ScopedPointSeed&) = delete;
};

}  // namespace reckon::exact
