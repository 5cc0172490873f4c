#include "reckon/ops/linear.h"

#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace reckon {
namespace {

// Rows in one product: its activations stay in the second-level cache beside the weight.
constexpr std::int64_t kRowBlock = 64;
// Rows summed in one product of linear_backward_weight.
constexpr std::int64_t kSumBlock = 256;

std::int64_t rows_of(std::span<const float> x, std::int64_t width, std::span<const float> y,
                     std::int64_t y_width, const char* where) {
  const auto size = static_cast<std::int64_t>(x.size());
  if (size % width != 0 || static_cast<std::int64_t>(y.size()) != size / width * y_width) {
    throw std::invalid_argument(std::string(where) + ": " + std::to_string(x.size()) + " and " +
                                std::to_string(y.size()) + " values are not rows of " +
                                std::to_string(width) + " and " + std::to_string(y_width));
  }
  return size / width;
}

/// c [rows, n] = (c +) a [rows, k] b [k, n]
void multiply(std::int64_t rows, std::int64_t n, std::int64_t k, const float* a, const float* b, float* c,
              bool add) {
  for (std::int64_t row = 0; row < rows; row += kRowBlock) {
    at::native::cpublas::brgemm(std::min(kRowBlock, rows - row), n, k, k, n, n, add, a + row * k, b,
                                c + row * n);
  }
}

void transpose(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  constexpr std::int64_t kTile = 16;
  for (std::int64_t r0 = 0; r0 < rows; r0 += kTile) {
    for (std::int64_t c0 = 0; c0 < cols; c0 += kTile) {
      const std::int64_t r1 = std::min(r0 + kTile, rows);
      const std::int64_t c1 = std::min(c0 + kTile, cols);
      for (std::int64_t c = c0; c < c1; ++c) {
        for (std::int64_t r = r0; r < r1; ++r) to[c * to_stride + r] = from[r * from_stride + c];
      }
    }
  }
}

}  // namespace

PackedWeight::PackedWeight(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features)
    : weight_(weight), out_features_(out_features), in_features_(in_features) {
  if (static_cast<std::int64_t>(weight.size()) != out_features * in_features) {
    throw std::invalid_argument("PackedWeight: " + std::to_string(weight.size()) + " values are not " +
                                std::to_string(out_features) + " x " + std::to_string(in_features));
  }
  pack();
}

void PackedWeight::pack() {
  transposed_.resize(weight_.size());
  transpose(weight_.data(), out_features_, in_features_, in_features_, transposed_.data(), out_features_);
}

void linear(std::span<const float> x, const PackedWeight& weight, std::span<float> y, Output output) {
  const std::int64_t rows = rows_of(x, weight.in_features(), y, weight.out_features(), "linear");
  multiply(rows, weight.out_features(), weight.in_features(), x.data(), weight.transposed(), y.data(),
           output == Output::add);
}

void linear_backward_input(std::span<const float> dy, const PackedWeight& weight, std::span<float> dx,
                           Output output) {
  const std::int64_t rows =
      rows_of(dy, weight.out_features(), dx, weight.in_features(), "linear_backward_input");
  multiply(rows, weight.in_features(), weight.out_features(), dy.data(), weight.weight(), dx.data(),
           output == Output::add);
}

void linear_backward_weight(std::span<const float> dy, std::span<const float> x, std::int64_t out_features,
                            std::int64_t in_features, std::span<float> dw) {
  const std::int64_t rows = rows_of(dy, out_features, x, in_features, "linear_backward_weight");
  static thread_local AlignedBuffer dy_transposed;
  dy_transposed.resize(static_cast<std::size_t>(out_features * kSumBlock));
  for (std::int64_t row = 0; row < rows; row += kSumBlock) {
    const std::int64_t count = std::min(kSumBlock, rows - row);
    transpose(dy.data() + row * out_features, count, out_features, out_features, dy_transposed.data(), count);
    multiply(out_features, in_features, count, dy_transposed.data(), x.data() + row * in_features, dw.data(),
             true);
  }
}

void add_bias(std::span<float> y, std::span<const float> bias) {
  const std::size_t width = bias.size();
  for (std::size_t row = 0; row < y.size(); row += width) {
    for (std::size_t i = 0; i < width; ++i) y[row + i] += bias[i];
  }
}

void bias_backward(std::span<const float> dy, std::span<float> dbias) {
  const std::size_t width = dbias.size();
  for (std::size_t row = 0; row < dy.size(); row += width) {
    for (std::size_t i = 0; i < width; ++i) dbias[i] += dy[row + i];
  }
}

}  // namespace reckon
