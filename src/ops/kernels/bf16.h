#pragma once

#include <cstdint>

namespace reckon {

/// The bits of the nearest bfloat16, ties to even; a NaN stays one. Never emitted as a function (kernels.h).
[[gnu::always_inline]] inline std::uint16_t bf16_bits(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  const std::uint32_t nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : nearest);
}

}  // namespace reckon
