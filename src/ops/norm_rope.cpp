#include "reckon/ops/norm_rope.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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

RopeTable::RopeTable(std::vector<float> frequencies, float scale)
    : frequencies_(std::move(frequencies)), scale_(scale) {}

std::vector<float> RopeTable::frequencies(std::int64_t head_dim, double theta) {
  std::vector<float> result;
  for (std::int64_t i = 0; i < head_dim; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(head_dim);
    result.push_back(1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  return result;
}

void RopeTable::extend_to(std::int64_t positions) {
  if (positions <= num_positions_) return;
  cos_.resize(static_cast<std::size_t>(positions) * frequencies_.size());
  sin_.resize(cos_.size());
  auto at = static_cast<std::size_t>(num_positions_) * frequencies_.size();
  for (std::int64_t p = num_positions_; p < positions; ++p) {
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(p) * frequency;
      cos_[at] = static_cast<float>(std::cos(static_cast<double>(angle))) * scale_;
      sin_[at] = static_cast<float>(std::sin(static_cast<double>(angle))) * scale_;
      ++at;
    }
  }
  num_positions_ = positions;
}

namespace {

/// y turns by its position: (first, second) -> (first c - second s, second c + first s). In place.
void turn(float* y, const float* c, const float* s, std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float first = y[i];
    const float second = y[i + half];
    y[i] = first * c[i] - second * s[i];
    y[i + half] = second * c[i] + first * s[i];
  }
}

/// The transpose of turn().
void turn_back(const float* dy, const float* c, const float* s, std::int64_t half, float* dx) {
  for (std::int64_t i = 0; i < half; ++i) {
    dx[i] = dy[i] * c[i] + dy[i + half] * s[i];
    dx[i + half] = dy[i + half] * c[i] - dy[i] * s[i];
  }
}

}  // namespace

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
      turn(y, c, s, half);
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
      turn_back(dy, c, s, half, turned_back.data());
      normalise_row_backward(turned_back.data(), qkv.data() + at, weight.data(),
                             inv_rms[static_cast<std::size_t>(index)], dim, dqkv.data() + at, false,
                             dweight.data());
    }
  }
}

void rope(std::span<const float> qkv, const HeadSlice& slice, const RopeTable& table,
          std::span<const std::int32_t> positions, std::span<float> out) {
  const std::int64_t dim = slice.head_dim;
  for (std::size_t row = 0; row < positions.size(); ++row) {
    const float* x = qkv.data() + static_cast<std::int64_t>(row) * slice.stride + slice.offset;
    float* y = out.data() + static_cast<std::int64_t>(row) * slice.heads * dim;
    std::copy_n(x, slice.heads * dim, y);
    for (std::int64_t head = 0; head < slice.heads; ++head) {
      turn(y + head * dim, table.cosines(positions[row]), table.sines(positions[row]), dim / 2);
    }
  }
}

void rope_backward(std::span<const float> dout, const HeadSlice& slice, const RopeTable& table,
                   std::span<const std::int32_t> positions, std::span<float> dqkv) {
  const std::int64_t dim = slice.head_dim;
  for (std::size_t row = 0; row < positions.size(); ++row) {
    const float* dy = dout.data() + static_cast<std::int64_t>(row) * slice.heads * dim;
    float* dx = dqkv.data() + static_cast<std::int64_t>(row) * slice.stride + slice.offset;
    for (std::int64_t head = 0; head < slice.heads; ++head) {
      turn_back(dy + head * dim, table.cosines(positions[row]), table.sines(positions[row]), dim / 2,
                dx + head * dim);
    }
  }
}

}  // namespace reckon
