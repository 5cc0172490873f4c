// RMSNorm and rotary positions: include/reckon/ops/norm_rope.h.
#include "vector_math.h"

namespace reckon::RECKON_KERNELS {
namespace {

RECKON_INLINE float mean_square(const float* x, std::int64_t width) {
  f32x16 total = broadcast(0.0f);
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) total = multiply_add(load(x + i), load(x + i), total);
  if (i < width) {
    const f32x16 v = load_partial(x + i, width - i);
    total = multiply_add(v, v, total);
  }
  return sum(total) / static_cast<float>(width);
}

RECKON_INLINE float normalise_row(const float* x, const float* weight, std::int64_t width, float eps,
                                  float* y) {
  const float inverse = 1.0f / __builtin_sqrtf(mean_square(x, width) + eps);
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) store(y + i, load(x + i) * inverse * load(weight + i));
  for (; i < width; ++i) y[i] = x[i] * inverse * weight[i];
  return inverse;
}

/// With n = x * r (r the inverse root mean square) and g = dy * weight: dx = r * (g - n * mean(g * n)),
/// dweight += dy * n.
RECKON_INLINE void normalise_row_backward(const float* dy, const float* x, const float* weight, float inverse,
                                          std::int64_t width, float* dx, bool add, float* dweight) {
  f32x16 total = broadcast(0.0f);
  for (std::int64_t i = 0; i < width; i += 16) {
    const std::int64_t lanes = width - i < 16 ? width - i : 16;
    const f32x16 n = load_partial(x + i, lanes) * inverse;
    const f32x16 d = load_partial(dy + i, lanes);
    total = multiply_add(d * load_partial(weight + i, lanes), n, total);
    store_partial(dweight + i, multiply_add(d, n, load_partial(dweight + i, lanes)), lanes);
  }
  const float mean = sum(total) / static_cast<float>(width);
  const float factor = -inverse * mean;
  for (std::int64_t i = 0; i < width; i += 16) {
    const std::int64_t lanes = width - i < 16 ? width - i : 16;
    const f32x16 g = load_partial(dy + i, lanes) * load_partial(weight + i, lanes);
    f32x16 gradient = multiply_add(factor, load_partial(x + i, lanes), g) * inverse;
    if (add) gradient += load_partial(dx + i, lanes);
    store_partial(dx + i, gradient, lanes);
  }
}

/// Turns by a position: (first, second) -> (first c - second s, second c + first s); with a sign of -1 the
/// way back, which is the transpose. `from` and `to` may be one.
RECKON_INLINE void turn(const float* from, const float* c, const float* s, std::int64_t half, float sign,
                        float* to) {
  for (std::int64_t i = 0; i < half; i += 16) {
    const std::int64_t lanes = half - i < 16 ? half - i : 16;
    const f32x16 first = load_partial(from + i, lanes);
    const f32x16 second = load_partial(from + half + i, lanes);
    const f32x16 cosine = load_partial(c + i, lanes);
    const f32x16 sine = load_partial(s + i, lanes) * sign;
    const f32x16 back = second * sine;
    const f32x16 up = first * sine;
    store_partial(to + i, multiply_add(first, cosine, broadcast(0.0f) - back), lanes);
    store_partial(to + half + i, multiply_add(second, cosine, up), lanes);
  }
}

}  // namespace

void rms_norm(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float eps, float* y,
              float* inv_rms) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float inverse = normalise_row(x + row * width, weight, width, eps, y + row * width);
    if (inv_rms != nullptr) inv_rms[row] = inverse;
  }
}

void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inv_rms,
                       std::int64_t rows, std::int64_t width, float* dx, float* dweight) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t at = row * width;
    normalise_row_backward(dy + at, x + at, weight, inv_rms[row], width, dx + at, true, dweight);
  }
}

void norm_rope(const HeadRows& heads, const float* qkv, const float* weight, float eps, float* out,
               float* inv_rms) {
  const std::int64_t half = heads.dim / 2;
  for (std::int64_t row = 0; row < heads.rows; ++row) {
    const std::int64_t angle = heads.positions[row] * half;
    for (std::int64_t head = 0; head < heads.heads; ++head) {
      const std::int64_t index = row * heads.heads + head;
      float* y = out + index * heads.dim;
      const float inverse = normalise_row(qkv + row * heads.stride + heads.offset + head * heads.dim, weight,
                                          heads.dim, eps, y);
      if (inv_rms != nullptr) inv_rms[index] = inverse;
      turn(y, heads.cosines + angle, heads.sines + angle, half, 1.0f, y);
    }
  }
}

void norm_rope_backward(const HeadRows& heads, const float* dout, const float* qkv, const float* weight,
                        const float* inv_rms, float* dqkv, float* dweight) {
  const std::int64_t half = heads.dim / 2;
  float turned_back[kLongestHead];
  for (std::int64_t row = 0; row < heads.rows; ++row) {
    const std::int64_t angle = heads.positions[row] * half;
    for (std::int64_t head = 0; head < heads.heads; ++head) {
      const std::int64_t index = row * heads.heads + head;
      const std::int64_t at = row * heads.stride + heads.offset + head * heads.dim;
      turn(dout + index * heads.dim, heads.cosines + angle, heads.sines + angle, half, -1.0f, turned_back);
      normalise_row_backward(turned_back, qkv + at, weight, inv_rms[index], heads.dim, dqkv + at, false,
                             dweight);
    }
  }
}

void rope(const HeadRows& heads, const float* qkv, float* out) {
  const std::int64_t half = heads.dim / 2;
  for (std::int64_t row = 0; row < heads.rows; ++row) {
    const std::int64_t angle = heads.positions[row] * half;
    for (std::int64_t head = 0; head < heads.heads; ++head) {
      const float* x = qkv + row * heads.stride + heads.offset + head * heads.dim;
      float* y = out + (row * heads.heads + head) * heads.dim;
      __builtin_memcpy(y, x, static_cast<std::size_t>(heads.dim) * sizeof(float));
      turn(y, heads.cosines + angle, heads.sines + angle, half, 1.0f, y);
    }
  }
}

void rope_backward(const HeadRows& heads, const float* dout, float* dqkv) {
  const std::int64_t half = heads.dim / 2;
  for (std::int64_t row = 0; row < heads.rows; ++row) {
    const std::int64_t angle = heads.positions[row] * half;
    for (std::int64_t head = 0; head < heads.heads; ++head) {
      turn(dout + (row * heads.heads + head) * heads.dim, heads.cosines + angle, heads.sines + angle, half,
           -1.0f, dqkv + row * heads.stride + heads.offset + head * heads.dim);
    }
  }
}

}  // namespace reckon::RECKON_KERNELS
