#pragma once

#include <bit>
#include <cstdint>

#ifdef __CUDACC__
#define RECKON_HOST_DEVICE __host__ __device__
#else
#define RECKON_HOST_DEVICE
#endif

namespace reckon {

/// A bfloat16 number: the upper half of a float32.
struct bf16 {
  std::uint16_t bits = 0;
};

[[nodiscard]] RECKON_HOST_DEVICE inline float to_float(bf16 value) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
#else
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
#endif
}

/// The nearest bfloat16, ties to even; a NaN stays one.
[[nodiscard]] RECKON_HOST_DEVICE inline bf16 to_bf16(float value) {
#ifdef __CUDA_ARCH__
  unsigned short bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return {bits};
#else
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return {0x7fff};  // as cvt.rn.bf16 gives it
  return {static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16)};
#endif
}

}  // namespace reckon
