#include "reckon/ops/norm_rope.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/kernels.h"

namespace reckon {
namespace {

std::int64_t rows_of(std::span<const float> x, std::span<const float> weight) {
  return static_cast<std::int64_t>(x.size() / weight.size());
}

HeadRows head_rows(const HeadSlice& slice, const RopeTable& table, std::span<const std::int32_t> positions) {
  if (slice.head_dim % 2 != 0 || slice.head_dim > kLongestHead) {
    throw std::invalid_argument("rope: head_dim " + std::to_string(slice.head_dim) +
                                " (need an even number up to " + std::to_string(kLongestHead) + ")");
  }
  return {static_cast<std::int64_t>(positions.size()),
          slice.stride,
          slice.offset,
          slice.heads,
          slice.head_dim,
          table.cosines(0),
          table.sines(0),
          positions.data()};
}

}  // namespace

void rms_norm(std::span<const float> x, std::span<const float> weight, double eps, std::span<float> y,
              std::span<float> inv_rms) {
  kernels().rms_norm(x.data(), weight.data(), rows_of(x, weight), static_cast<std::int64_t>(weight.size()),
                     static_cast<float>(eps), y.data(), inv_rms.empty() ? nullptr : inv_rms.data());
}

void rms_norm_backward(std::span<const float> dy, std::span<const float> x, std::span<const float> weight,
                       std::span<const float> inv_rms, std::span<float> dx, std::span<float> dweight) {
  kernels().rms_norm_backward(dy.data(), x.data(), weight.data(), inv_rms.data(), rows_of(x, weight),
                              static_cast<std::int64_t>(weight.size()), dx.data(), dweight.data());
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

void norm_rope(std::span<const float> qkv, const HeadSlice& slice, std::span<const float> weight, double eps,
               const RopeTable& table, std::span<const std::int32_t> positions, std::span<float> out,
               std::span<float> inv_rms) {
  kernels().norm_rope(head_rows(slice, table, positions), qkv.data(), weight.data(), static_cast<float>(eps),
                      out.data(), inv_rms.empty() ? nullptr : inv_rms.data());
}

void norm_rope_backward(std::span<const float> dout, std::span<const float> qkv, const HeadSlice& slice,
                        std::span<const float> weight, std::span<const float> inv_rms, const RopeTable& table,
                        std::span<const std::int32_t> positions, std::span<float> dqkv,
                        std::span<float> dweight) {
  kernels().norm_rope_backward(head_rows(slice, table, positions), dout.data(), qkv.data(), weight.data(),
                               inv_rms.data(), dqkv.data(), dweight.data());
}

void rope(std::span<const float> qkv, const HeadSlice& slice, const RopeTable& table,
          std::span<const std::int32_t> positions, std::span<float> out) {
  kernels().rope(head_rows(slice, table, positions), qkv.data(), out.data());
}

void rope_backward(std::span<const float> dout, const HeadSlice& slice, const RopeTable& table,
                   std::span<const std::int32_t> positions, std::span<float> dqkv) {
  kernels().rope_backward(head_rows(slice, table, positions), dout.data(), dqkv.data());
}

}  // namespace reckon
