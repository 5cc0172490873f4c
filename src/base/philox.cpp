#include "reckon/base/philox.h"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace reckon {

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::uint32_t a, std::uint32_t b, std::uint32_t c)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, counter_{0, a, b, c} {}

std::uint32_t RandomStream::next_u32() {
  if (used_ == 4) {
    words_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return words_[used_++];
}

std::uint64_t RandomStream::next_u64() {
  const std::uint64_t low = next_u32();
  return low | (static_cast<std::uint64_t>(next_u32()) << 32);
}

std::uint32_t RandomStream::below(std::uint32_t bound) {
  if (bound == 0) throw std::invalid_argument("RandomStream::below: bound is 0 (need at least 1)");
  // The words below 2^32 mod bound would make the low results likelier: drawn again.
  const std::uint32_t reject_below = (0u - bound) % bound;
  std::uint32_t word = next_u32();
  while (word < reject_below) word = next_u32();
  return word % bound;
}

double RandomStream::uniform() {
  return static_cast<double>(next_u64() >> 11) * 0x1.0p-53;
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::uint64_t mix64(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
  std::uint64_t state = 0;
  for (const std::uint64_t word : {a, b, c, d}) {
    state += word + 0x9E3779B97F4A7C15u;
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
    state ^= state >> 31;
  }
  return state;
}

}  // namespace reckon
