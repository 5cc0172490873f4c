#pragma once

#include <array>
#include <cstdint>

namespace reckon {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3):
/// a bijection of the counter for each key. Four independent uniform 32-bit words; no state, so any draw can
/// be recomputed alone, on any rank, in any order.
[[nodiscard]] PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

/// A stream of random numbers named by what it is for, not by who draws it: the same (seed, name) gives the
/// same numbers everywhere.
class RandomStream {
 public:
  /// \param seed  64-bit seed, the key of every draw.
  /// \param a,b,c the stream's name: three words of the counter. The fourth counts the draws (four words
  /// each).
  RandomStream(std::uint64_t seed, std::uint32_t a, std::uint32_t b = 0, std::uint32_t c = 0);

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  /// Uniform in [0, bound), without bias (rejection). \throws std::invalid_argument where bound is 0.
  std::uint32_t below(std::uint32_t bound);
  /// Uniform in [0, 1): 53 random bits.
  double uniform();
  /// Standard normal (Box-Muller, float64).
  double normal();

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter words_{};
  unsigned used_ = 4;
};

/// Mixes words into one 64-bit value (SplitMix64's finaliser over each): seeds of streams from names.
[[nodiscard]] std::uint64_t mix64(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0,
                                  std::uint64_t d = 0);

}  // namespace reckon
