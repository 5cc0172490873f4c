#include "reckon/ops/swiglu.h"

#include "vector_math.h"

namespace reckon {
namespace {

using simd::f32x16;

RECKON_INLINE f32x16 sigmoid(f32x16 x) {
  return 1.0f / (1.0f + simd::exp(0.0f - x));
}

/// Calls body(offset, lanes) for each sixteen of [0, width).
template <class Body>
RECKON_INLINE void for_blocks(std::int64_t width, Body body) {
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) body(i, 16);
  if (i < width) body(i, width - i);
}

}  // namespace

void swiglu(std::span<const float> gate_up, std::int64_t width, std::span<float> h) {
  const auto rows = static_cast<std::int64_t>(h.size()) / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* gate = gate_up.data() + row * 2 * width;
    float* to = h.data() + row * width;
    for_blocks(width, [&](std::int64_t i, std::int64_t lanes) {
      const f32x16 g = simd::load_partial(gate + i, lanes);
      const f32x16 u = simd::load_partial(gate + width + i, lanes);
      simd::store_partial(to + i, g * sigmoid(g) * u, lanes);
    });
  }
}

void swiglu_backward(std::span<const float> dh, std::span<const float> gate_up, std::int64_t width,
                     std::span<float> dgate_up) {
  const auto rows = static_cast<std::int64_t>(dh.size()) / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* gate = gate_up.data() + row * 2 * width;
    const float* from = dh.data() + row * width;
    float* to = dgate_up.data() + row * 2 * width;
    for_blocks(width, [&](std::int64_t i, std::int64_t lanes) {
      const f32x16 g = simd::load_partial(gate + i, lanes);
      const f32x16 u = simd::load_partial(gate + width + i, lanes);
      const f32x16 d = simd::load_partial(from + i, lanes);
      const f32x16 s = sigmoid(g);
      simd::store_partial(to + i, d * u * s * (1.0f + g * (1.0f - s)), lanes);
      simd::store_partial(to + width + i, d * g * s, lanes);
    });
  }
}

}  // namespace reckon
