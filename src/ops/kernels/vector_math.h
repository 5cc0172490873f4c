#pragma once

// Sixteen floats at a time, with GCC's vector extension: one AVX-512 register or two AVX2 ones, with the same
// operations in the same order, so that both give the same bits. Nothing here or in the kernels may be
// emitted as a shared inline function: the linker could then run AVX-512 code where there is none.

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels.h"

#define RECKON_INLINE [[gnu::always_inline]] inline

namespace reckon::RECKON_KERNELS {

#ifdef __AVX512F__
constexpr int kParts = 1;
#else
constexpr int kParts = 2;
#endif
constexpr int kPartLanes = 16 / kParts;
using FloatPart = float __attribute__((vector_size(64 / kParts)));
using IntPart = std::int32_t __attribute__((vector_size(64 / kParts)));

struct f32x16 {
  FloatPart part[kParts];
};
/// All bits of a lane are set where it is true.
struct Mask {
  IntPart part[kParts];
};

RECKON_INLINE f32x16 broadcast(float value) {
  f32x16 v;
  for (auto& part : v.part) part = value - FloatPart{};  // + 0 would be computed: it turns -0 into 0
  return v;
}

#define RECKON_OPERATOR(op)                                              \
  RECKON_INLINE f32x16 operator op(f32x16 a, f32x16 b) {                 \
    for (int i = 0; i < kParts; ++i) a.part[i] = a.part[i] op b.part[i]; \
    return a;                                                            \
  }                                                                      \
  RECKON_INLINE f32x16 operator op(f32x16 a, float b) {                  \
    for (int i = 0; i < kParts; ++i) a.part[i] = a.part[i] op b;         \
    return a;                                                            \
  }                                                                      \
  RECKON_INLINE f32x16 operator op(float a, f32x16 b) {                  \
    for (int i = 0; i < kParts; ++i) b.part[i] = a op b.part[i];         \
    return b;                                                            \
  }                                                                      \
  RECKON_INLINE f32x16& operator op##=(f32x16& a, f32x16 b) {            \
    for (int i = 0; i < kParts; ++i) a.part[i] = a.part[i] op b.part[i]; \
    return a;                                                            \
  }
RECKON_OPERATOR(+)
RECKON_OPERATOR(-)
RECKON_OPERATOR(*)
RECKON_OPERATOR(/)
#undef RECKON_OPERATOR

/// to + a * b, rounded once. Nothing else is fused: left to the compiler (-ffp-contract=fast), of two
/// products that meet in a sum one was fused for AVX2 and the other for AVX-512.
RECKON_INLINE f32x16 multiply_add(f32x16 a, f32x16 b, f32x16 to) {
  for (int i = 0; i < kParts; ++i) {
#ifdef __AVX512F__
    to.part[i] = _mm512_fmadd_ps(a.part[i], b.part[i], to.part[i]);
#else
    to.part[i] = _mm256_fmadd_ps(a.part[i], b.part[i], to.part[i]);
#endif
  }
  return to;
}

RECKON_INLINE f32x16 multiply_add(float a, f32x16 b, f32x16 to) {
  return multiply_add(broadcast(a), b, to);
}

RECKON_INLINE float multiply_add(float a, float b, float to) {
  return __builtin_fmaf(a, b, to);
}

RECKON_INLINE Mask less(f32x16 a, f32x16 b) {
  Mask mask;
  for (int i = 0; i < kParts; ++i) mask.part[i] = a.part[i] < b.part[i];
  return mask;
}

/// The first n lanes.
RECKON_INLINE Mask first_lanes(std::int64_t n) {
  Mask mask;
  for (int i = 0; i < kParts; ++i) {
    IntPart lane;
    for (int j = 0; j < kPartLanes; ++j) lane[j] = i * kPartLanes + j;
    mask.part[i] = lane < static_cast<std::int32_t>(n);
  }
  return mask;
}

RECKON_INLINE f32x16 select(Mask mask, f32x16 yes, f32x16 no) {
  for (int i = 0; i < kParts; ++i) yes.part[i] = mask.part[i] ? yes.part[i] : no.part[i];
  return yes;
}

RECKON_INLINE f32x16 load(const float* from) {
  f32x16 v;
  for (int i = 0; i < kParts; ++i) std::memcpy(&v.part[i], from + i * kPartLanes, sizeof(FloatPart));
  return v;
}

RECKON_INLINE void store(float* to, f32x16 v) {
  for (int i = 0; i < kParts; ++i) std::memcpy(to + i * kPartLanes, &v.part[i], sizeof(FloatPart));
}

/// The first n lanes from memory (n <= 16), the others `fill`.
RECKON_INLINE f32x16 load_partial(const float* from, std::int64_t n, float fill = 0.0f) {
  if (n == 16) return load(from);
  float lanes[16];
  for (float& lane : lanes) lane = fill;
  std::memcpy(lanes, from, static_cast<std::size_t>(n) * sizeof(float));
  return load(lanes);
}

RECKON_INLINE void store_partial(float* to, f32x16 v, std::int64_t n) {
  if (n == 16) return store(to, v);
  float lanes[16];
  store(lanes, v);
  std::memcpy(to, lanes, static_cast<std::size_t>(n) * sizeof(float));
}

RECKON_INLINE f32x16 maximum(f32x16 a, f32x16 b) {
  return select(less(b, a), a, b);
}

/// Sum of the lanes along a fixed binary tree.
RECKON_INLINE float sum(f32x16 v) {
  float lane[16];
  store(lane, v);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

RECKON_INLINE float maximum(f32x16 v) {
  float lane[16];
  store(lane, v);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
  }
  return lane[0];
}

/// e^x, within 2 units in the last place for x in [-87, 88]; 0 below, e^88 above, NaN stays NaN.
/// Cody-Waite reduction to r in [-ln2/2, ln2/2] and a polynomial of degree 6.
RECKON_INLINE f32x16 exp(f32x16 x) {
  constexpr float kLog2e = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  constexpr std::int32_t kRoundBits = 0x4B400000;
  const f32x16 low = broadcast(-87.0f);
  const f32x16 high = broadcast(88.0f);
  const Mask underflow = less(x, low);
  const f32x16 clamped = select(underflow, low, select(less(high, x), high, x));
  const f32x16 shifted = multiply_add(kLog2e, clamped, broadcast(kRound));
  const f32x16 n = shifted - kRound;
  const f32x16 r = multiply_add(-kLn2Low, n, multiply_add(-kLn2High, n, clamped));
  f32x16 p = multiply_add(1.9875691500e-4f, r, broadcast(1.3981999507e-3f));
  p = multiply_add(p, r, broadcast(8.3334519073e-3f));
  p = multiply_add(p, r, broadcast(4.1665795894e-2f));
  p = multiply_add(p, r, broadcast(1.6666665459e-1f));
  p = multiply_add(p, r, broadcast(5.0000001201e-1f));
  const f32x16 y = multiply_add(p, r * r, r) + 1.0f;
  f32x16 power;
  for (int i = 0; i < kParts; ++i) {
    IntPart bits;
    std::memcpy(&bits, &shifted.part[i], sizeof bits);
    const IntPart exponent = (bits - kRoundBits + 127) << 23;
    std::memcpy(&power.part[i], &exponent, sizeof exponent);
  }
  return select(underflow, broadcast(0.0f), y * power);
}

/// ln x for a normal x > 0, within 2 units in the last place: x = 2^e m with m in [sqrt(1/2), sqrt(2)), and a
/// polynomial of degree 8 in m - 1 (the coefficients of the Cephes library, logf.c). Infinity and NaN stay.
RECKON_INLINE float logarithm(float x) {
  if (!(x < __builtin_inff())) return x;
  std::uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  std::int32_t exponent = static_cast<std::int32_t>(bits >> 23) - 126;
  bits = (bits & 0x007FFFFFu) | 0x3F000000u;
  float m;
  __builtin_memcpy(&m, &bits, sizeof m);  // in [1/2, 1)
  if (m < 0.707106781186547524f) {
    exponent -= 1;
    m += m;
  }
  m -= 1.0f;
  const auto e = static_cast<float>(exponent);
  const float square = m * m;
  float p = multiply_add(m, 7.0376836292e-2f, -1.1514610310e-1f);
  p = multiply_add(p, m, 1.1676998740e-1f);
  p = multiply_add(p, m, -1.2420140846e-1f);
  p = multiply_add(p, m, 1.4249322787e-1f);
  p = multiply_add(p, m, -1.6668057665e-1f);
  p = multiply_add(p, m, 2.0000714765e-1f);
  p = multiply_add(p, m, -2.4999993993e-1f);
  p = multiply_add(p, m, 3.3333331174e-1f);
  float y = p * m * square;
  y = multiply_add(e, -2.12194440e-4f, y);
  y = multiply_add(square, -0.5f, y);
  return multiply_add(e, 0.693359375f, m + y);
}

}  // namespace reckon::RECKON_KERNELS
