#pragma once

// Sixteen floats at a time, with GCC's vector extension: the compiler lowers it to AVX2 or AVX-512 with the same
// operations in the same order, so that both give the same bits.

#include <cstdint>
#include <cstring>
#include <limits>

namespace reckon::simd {

using f32x16 = float __attribute__((vector_size(64)));
using i32x16 = std::int32_t __attribute__((vector_size(64)));

#define RECKON_INLINE [[gnu::always_inline]] inline

RECKON_INLINE f32x16 load(const float* from) {
  f32x16 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

RECKON_INLINE void store(float* to, f32x16 v) {
  std::memcpy(to, &v, sizeof v);
}

/// The first n lanes from memory (n <= 16), the others `fill`.
RECKON_INLINE f32x16 load_partial(const float* from, std::int64_t n, float fill = 0.0f) {
  f32x16 v = f32x16{} + fill;
  std::memcpy(&v, from, static_cast<std::size_t>(n) * sizeof(float));
  return v;
}

RECKON_INLINE void store_partial(float* to, f32x16 v, std::int64_t n) {
  std::memcpy(to, &v, static_cast<std::size_t>(n) * sizeof(float));
}

RECKON_INLINE i32x16 lane_numbers() {
  return i32x16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

RECKON_INLINE f32x16 maximum(f32x16 a, f32x16 b) {
  return a > b ? a : b;
}

/// Sum of the lanes along a fixed binary tree.
RECKON_INLINE float sum(f32x16 v) {
  float lane[16];
  std::memcpy(lane, &v, sizeof v);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

RECKON_INLINE float maximum(f32x16 v) {
  float lane[16];
  std::memcpy(lane, &v, sizeof v);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
  }
  return lane[0];
}

/// e^x, at most 2 units in the last place from the true value for x in [-87, 88]; 0 below, NaN stays NaN.
/// Cody-Waite reduction to r in [-ln2/2, ln2/2] and a polynomial of degree 6.
RECKON_INLINE f32x16 exp(f32x16 x) {
  constexpr float kLog2e = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const f32x16 low = f32x16{} - 87.0f;
  const f32x16 high = f32x16{} + 88.0f;
  const f32x16 clamped = x < low ? low : (x > high ? high : x);
  const f32x16 shifted = clamped * kLog2e + kRound;
  const f32x16 n = shifted - kRound;
  const f32x16 r = (clamped - n * kLn2High) - n * kLn2Low;
  f32x16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const f32x16 y = p * (r * r) + r + 1.0f;
  i32x16 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const i32x16 exponent = (bits - 0x4B400000 + 127) << 23;
  f32x16 power;
  std::memcpy(&power, &exponent, sizeof power);
  return x < low ? f32x16{} : y * power;
}

}  // namespace reckon::simd
