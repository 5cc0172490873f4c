#include "reckon/ops/norm_rope.h"

#include <array>
#include <cmath>

#include "vector_math.h"

namespace reckon {
namespace {

using simd::f32x16;

float mean_square(const float* x, std::int64_t width) {
  f32x16 total = simd::broadcast(0.0f);
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const f32x16 v = simd::load(x + i);
    total += v * v;
  }
  if (i < width) {
    const f32x16 v = simd::load_partial(x + i, width - i);
    total += v * v;
  }
  return simd::sum(total) / static_cast<float>(width);
}

float normalise_row(const float* x, const float* weight, std::int64_t width, float eps, float* y) {
  const float inverse = 1.0f / std::sqrt(mean_square(x, width) + eps);
  for (std::int64_t i = 0; i < width; ++i) y[i] = x[i] * inverse * weight[i];
  return inverse;
}

/// With n = x * r (r the inverse root mean square) and g = dy * weight: dx = r * (g - n * mean(g * n)),
/// dweight += dy * n.
void normalise_row_backward(const float* dy, const float* x, const float* weight, float inverse,
                            std::int64_t width, float* dx, bool add, float* dweight) {
  f32x16 total = simd::broadcast(0.0f);
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const f32x16 n = simd::load(x + i) * inverse;
    const f32x16 d = simd::load(dy + i);
    total += d * simd::load(weight + i) * n;
    simd::store(dweight + i, simd::load(dweight + i) + d * n);
  }
  if (i < width) {
    const std::int64_t lanes = width - i;
    const f32x16 n = simd::load_partial(x + i, lanes) * inverse;
    const f32x16 d = simd::load_partial(dy + i, lanes);
    total += d * simd::load_partial(weight + i, lanes) * n;
    simd::store_partial(dweight + i, simd::load_partial(dweight + i, lanes) + d * n, lanes);
  }
  const float mean = simd::sum(total) / static_cast<float>(width);
  for (std::int64_t j = 0; j < width; ++j) {
    const float gradient = inverse * (dy[j] * weight[j] - x[j] * inverse * mean);
    dx[j] = add ? dx[j] + gradient : gradient;
  }
}

}  // namespace

void rms_norm(std::span<const float> x, std::span<const float> weight, double eps, std::span<float> y,
              std::span<float> inv_rms) {
  const auto width = static_cast<std::int64_t>(weight.size());
  const auto rows = static_cast<std::int64_t>(x.size()) / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float inverse = normalise_row(x.data() + row * width, weight.data(), width, static_cast<float>(eps),
                                        y.data() + row * width);
    if (!inv_rms.empty()) inv_rms[static_cast<std::size_t>(row)] = inverse;
  }
}

void rms_norm_backward(std::span<const float> dy, std::span<const float> x, std::span<const float> weight,
                       std::span<const float> inv_rms, std::span<float> dx, std::span<float> dweight) {
  const auto width = static_cast<std::int64_t>(weight.size());
  const auto rows = static_cast<std::int64_t>(x.size()) / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    normalise_row_backward(dy.data() + row * width, x.data() + row * width, weight.data(),
                           inv_rms[static_cast<std::size_t>(row)], width, dx.data() + row * width, true,
                           dweight.data());
  }
}

RopeTable::RopeTable(std::int64_t max_positions, std::int64_t head_dim, double theta)
    : max_positions_(max_positions), half_(head_dim / 2) {
  cos_.resize(static_cast<std::size_t>(max_positions * half_));
  sin_.resize(cos_.size());
  for (std::int64_t p = 0; p < max_positions; ++p) {
    for (std::int64_t i = 0; i < half_; ++i) {
      const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
      const double angle = static_cast<double>(p) * frequency;
      cos_[static_cast<std::size_t>(p * half_ + i)] = static_cast<float>(std::cos(angle));
      sin_[static_cast<std::size_t>(p * half_ + i)] = static_cast<float>(std::sin(angle));
    }
  }
}

void norm_rope(std::span<const float> qkv, const HeadSlice& slice, std::span<const float> weight, double eps,
               const RopeTable& table, std::span<const std::int32_t> positions, std::span<float> out,
               std::span<float> inv_rms) {
  const std::int64_t dim = slice.head_dim;
  const std::int64_t half = dim / 2;
  for (std::size_t row = 0; row < positions.size(); ++row) {
    const float* c = table.cosines(positions[row]);
    const float* s = table.sines(positions[row]);
    for (std::int64_t head = 0; head < slice.heads; ++head) {
      const std::int64_t index = static_cast<std::int64_t>(row) * slice.heads + head;
      const float* x = qkv.data() + static_cast<std::int64_t>(row) * slice.stride + slice.offset + head * dim;
      float* y = out.data() + index * dim;
      const float inverse = normalise_row(x, weight.data(), dim, static_cast<float>(eps), y);
      if (!inv_rms.empty()) inv_rms[static_cast<std::size_t>(index)] = inverse;
      for (std::int64_t i = 0; i < half; ++i) {
        const float first = y[i];
        const float second = y[i + half];
        y[i] = first * c[i] - second * s[i];
        y[i + half] = second * c[i] + first * s[i];
      }
    }
  }
}

void norm_rope_backward(std::span<const float> dout, std::span<const float> qkv, const HeadSlice& slice,
                        std::span<const float> weight, std::span<const float> inv_rms, const RopeTable& table,
                        std::span<const std::int32_t> positions, std::span<float> dqkv,
                        std::span<float> dweight) {
  const std::int64_t dim = slice.head_dim;
  const std::int64_t half = dim / 2;
  std::array<float, 256> turned_back{};  // head_dim is at most 256
  for (std::size_t row = 0; row < positions.size(); ++row) {
    const float* c = table.cosines(positions[row]);
    const float* s = table.sines(positions[row]);
    for (std::int64_t head = 0; head < slice.heads; ++head) {
      const std::int64_t index = static_cast<std::int64_t>(row) * slice.heads + head;
      const std::int64_t at = static_cast<std::int64_t>(row) * slice.stride + slice.offset + head * dim;
      const float* dy = dout.data() + index * dim;
      for (std::int64_t i = 0; i < half; ++i) {
        turned_back[static_cast<std::size_t>(i)] = dy[i] * c[i] + dy[i + half] * s[i];
        turned_back[static_cast<std::size_t>(i + half)] = dy[i + half] * c[i] - dy[i] * s[i];
      }
      normalise_row_backward(turned_back.data(), qkv.data() + at, weight.data(),
                             inv_rms[static_cast<std::size_t>(index)], dim, dqkv.data() + at, false,
                             dweight.data());
    }
  }
}

}  // namespace reckon
