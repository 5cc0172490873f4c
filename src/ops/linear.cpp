#include "reckon/ops/linear.h"

#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/kernels.h"

namespace reckon {
namespace {

constexpr std::int64_t kPanel = PackedWeight::kPanel;
// Rows in one product: with a panel they stay in the second-level cache.
constexpr std::int64_t kRowBlock = 64;
// Values of a weight that stays in the third-level cache.
constexpr std::int64_t kCachedWeight = std::int64_t{1} << 20;

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

// The sums of a weight's gradient are over a multiple of so many rows, filled up with zeros, which change no
// bit. oneDNN compiles a product for each number of rows it meets, and keeps them all: without this a run
// would grow by every length of batch there is.
constexpr std::int64_t kSummedRows = 32;

std::int64_t filled_up(std::int64_t rows) {
  return (rows + kSummedRows - 1) / kSummedRows * kSummedRows;
}

std::int64_t even(std::int64_t n) {
  return n + n % 2;
}

/// Numbers of two bytes in a buffer of floats.
std::uint16_t* halves(AlignedBuffer& buffer, std::int64_t count) {
  buffer.resize(static_cast<std::size_t>((count + 1) / 2));
  return reinterpret_cast<std::uint16_t*>(buffer.data());
}

void brgemm(std::int64_t rows, std::int64_t n, std::int64_t k, std::int64_t a_stride, std::int64_t b_stride,
            std::int64_t c_stride, bool add, const float* a, const float* b, float* c) {
  at::native::cpublas::brgemm(rows, n, k, a_stride, b_stride, c_stride, add, a, b, c);
}

void brgemm(std::int64_t rows, std::int64_t n, std::int64_t k, std::int64_t a_stride, std::int64_t b_stride,
            std::int64_t c_stride, bool add, const std::uint16_t* a, const std::uint16_t* b, float* c) {
  at::native::cpublas::brgemm(rows, n, k, a_stride, b_stride, c_stride, add,
                              reinterpret_cast<const at::BFloat16*>(a),
                              reinterpret_cast<const at::BFloat16*>(b), c);
}

/// c [rows, n] = (c +) a [rows, k] b, where panel p of b holds the columns 128 p, 128 p + 1, ... and starts
/// at b + panel_at(p), its rows panel_stride(width of the panel) apart.
template <class T, class PanelAt, class PanelStride>
void multiply(std::int64_t rows, std::int64_t n, std::int64_t k, const T* a, const T* b,
              const PanelAt& panel_at, const PanelStride& panel_stride, float* c, bool add) {
  const auto block = [&](std::int64_t row, std::int64_t column) {
    const std::int64_t width = std::min(kPanel, n - column);
    brgemm(std::min(kRowBlock, rows - row), width, k, k, panel_stride(width), n, add, a + row * k,
           b + panel_at(column), c + row * n + column);
  };
  // What is read again and again should be the smaller one: the block of rows, or the panel of a weight that
  // does not stay in the cache. The order changes no sum.
  if (k * n <= kCachedWeight) {
    for (std::int64_t row = 0; row < rows; row += kRowBlock) {
      for (std::int64_t column = 0; column < n; column += kPanel) block(row, column);
    }
  } else {
    for (std::int64_t column = 0; column < n; column += kPanel) {
      for (std::int64_t row = 0; row < rows; row += kRowBlock) block(row, column);
    }
  }
}

/// The same with b in panels, one after the other.
template <class T>
void multiply_panels(std::int64_t rows, std::int64_t n, std::int64_t k, const T* a, const T* panels, float* c,
                     bool add) {
  multiply(
      rows, n, k, a, panels, [&](std::int64_t column) { return column * k; },
      [](std::int64_t width) { return width; }, c, add);
}

/// The same with b [k, n] row-major.
void multiply_rows(std::int64_t rows, std::int64_t n, std::int64_t k, const float* a, const float* b,
                   float* c, bool add) {
  multiply(
      rows, n, k, a, b, [](std::int64_t column) { return column; }, [&](std::int64_t) { return n; }, c, add);
}

/// The same in bfloat16: a [rows, width] is rounded, `rows_at_once` rows at a time, its rows filled to an
/// even length.
void multiply_rounded(std::int64_t rows, std::int64_t n, std::int64_t width, const float* a,
                      const std::uint16_t* panels, float* c, bool add) {
  constexpr std::int64_t kRowsAtOnce = 256;
  static thread_local AlignedBuffer rounded;
  const std::int64_t k = even(width);
  std::uint16_t* to = halves(rounded, std::min(rows, kRowsAtOnce) * k);
  for (std::int64_t row = 0; row < rows; row += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, rows - row);
    kernels().to_bf16(a + row * width, count, width, width, to, k);
    multiply_panels(count, n, k, static_cast<const std::uint16_t*>(to), panels, c + row * n, add);
  }
}

/// Panels of 128 columns of b [k, n], in pairs of rows; they have `rows` rows, those from k on zero.
void pack_panels(const float* b, std::int64_t k, std::int64_t n, std::int64_t rows, AlignedBuffer& to) {
  std::uint16_t* panels = halves(to, rows * n);
  for (std::int64_t column = 0; column < n; column += kPanel) {
    const std::int64_t width = std::min(kPanel, n - column);
    std::uint16_t* panel = panels + column * rows;
    kernels().pack_pairs(b + column, k, width, n, panel, 2 * width);
    std::fill(panel + even(k) * width, panel + rows * width, std::uint16_t{0});
  }
}

/// Columns `from` up to `width` of a matrix become zero.
void clear_columns(float* matrix, std::int64_t rows, std::int64_t width, std::int64_t from) {
  for (std::int64_t row = 0; row < rows; ++row)
    std::fill(matrix + row * width + from, matrix + (row + 1) * width, 0.0f);
}

/// Rows of x [count, width], with zeros behind them where `rows` are more.
const float* with_zero_rows(const float* x, std::int64_t count, std::int64_t rows, std::int64_t width,
                            AlignedBuffer& to) {
  if (rows == count) return x;
  to.resize(static_cast<std::size_t>(rows * width));
  std::copy_n(x, count * width, to.data());
  std::fill(to.data() + count * width, to.data() + rows * width, 0.0f);
  return to.data();
}

}  // namespace

PackedWeight::PackedWeight(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
                           ComputeDtype dtype)
    : weight_(weight), out_features_(out_features), in_features_(in_features), dtype_(dtype) {
  if (static_cast<std::int64_t>(weight.size()) != out_features * in_features) {
    throw std::invalid_argument("PackedWeight: " + std::to_string(weight.size()) + " values are not " +
                                std::to_string(out_features) + " x " + std::to_string(in_features));
  }
  pack();
}

void PackedWeight::pack() {
  static thread_local AlignedBuffer transposed;
  const bool is_bf16 = dtype_ == ComputeDtype::bfloat16;
  if (!is_bf16) panels_.resize(weight_.size());
  if (is_bf16) halves(panels_, even(in_features_) * out_features_);
  for (std::int64_t column = 0; column < out_features_; column += kPanel) {
    const std::int64_t width = std::min(kPanel, out_features_ - column);
    const float* rows = weight_.data() + column * in_features_;
    if (!is_bf16) {
      kernels().transpose(rows, width, in_features_, in_features_, panels_.data() + column * in_features_,
                          width);
      continue;
    }
    transposed.resize(static_cast<std::size_t>(width * in_features_));
    kernels().transpose(rows, width, in_features_, in_features_, transposed.data(), width);
    kernels().pack_pairs(transposed.data(), in_features_, width, width,
                         reinterpret_cast<std::uint16_t*>(panels_.data()) + column * even(in_features_),
                         2 * width);
  }
  if (is_bf16)
    pack_panels(weight_.data(), out_features_, in_features_, even(out_features_), backward_panels_);
}

const std::uint16_t* PackedWeight::forward_pairs() const {
  return reinterpret_cast<const std::uint16_t*>(panels_.data());
}

const std::uint16_t* PackedWeight::backward_pairs() const {
  return reinterpret_cast<const std::uint16_t*>(backward_panels_.data());
}

void linear(std::span<const float> x, const PackedWeight& weight, std::span<float> y, Output output) {
  const std::int64_t rows = rows_of(x, weight.in_features(), y, weight.out_features(), "linear");
  const bool add = output == Output::add;
  if (weight.dtype() == ComputeDtype::bfloat16) {
    multiply_rounded(rows, weight.out_features(), weight.in_features(), x.data(), weight.forward_pairs(),
                     y.data(), add);
  } else {
    multiply_panels(rows, weight.out_features(), weight.in_features(), x.data(), weight.panels(), y.data(),
                    add);
  }
}

void linear_backward_input(std::span<const float> dy, const PackedWeight& weight, std::span<float> dx,
                           Output output) {
  const std::int64_t rows =
      rows_of(dy, weight.out_features(), dx, weight.in_features(), "linear_backward_input");
  const bool add = output == Output::add;
  if (weight.dtype() == ComputeDtype::bfloat16) {
    multiply_rounded(rows, weight.in_features(), weight.out_features(), dy.data(), weight.backward_pairs(),
                     dx.data(), add);
  } else {
    multiply_rows(rows, weight.in_features(), weight.out_features(), dy.data(), weight.weight(), dx.data(),
                  add);
  }
}

void linear_backward_weight(std::span<const float> dy, std::span<const float> x, std::int64_t out_features,
                            std::int64_t in_features, std::span<float> dw, ComputeDtype dtype) {
  const std::int64_t rows = rows_of(dy, out_features, x, in_features, "linear_backward_weight");
  static thread_local AlignedBuffer dy_transposed, x_pairs, x_filled;
  for (std::int64_t row = 0; row < rows; row += kWeightGradientRows) {
    const std::int64_t count = std::min(kWeightGradientRows, rows - row);
    const std::int64_t summed = filled_up(count);
    const float* x_rows = x.data() + row * in_features;
    const bool is_bf16 = dtype == ComputeDtype::bfloat16;
    if (is_bf16) {
      pack_panels(x_rows, count, in_features, summed, x_pairs);
    } else {
      x_rows = with_zero_rows(x_rows, count, summed, in_features, x_filled);
    }
    for (std::int64_t out = 0; out < out_features; out += kRowBlock) {
      const std::int64_t outs = std::min(kRowBlock, out_features - out);
      const float* dy_columns = dy.data() + row * out_features + out;
      float* to = dw.data() + out * in_features;
      if (is_bf16) {
        std::uint16_t* columns = halves(dy_transposed, outs * summed);
        kernels().transpose_to_bf16(dy_columns, count, outs, out_features, columns, summed);
        multiply_panels(outs, in_features, summed, static_cast<const std::uint16_t*>(columns),
                        reinterpret_cast<const std::uint16_t*>(x_pairs.data()), to, true);
      } else {
        dy_transposed.resize(static_cast<std::size_t>(outs * summed));
        kernels().transpose(dy_columns, count, outs, out_features, dy_transposed.data(), summed);
        clear_columns(dy_transposed.data(), outs, summed, count);
        multiply_rows(outs, in_features, summed, dy_transposed.data(), x_rows, to, true);
      }
    }
  }
}

void add_bias(std::span<float> y, std::span<const float> bias) {
  const auto width = static_cast<std::int64_t>(bias.size());
  kernels().add_bias(y.data(), bias.data(), static_cast<std::int64_t>(y.size()) / width, width);
}

void bias_backward(std::span<const float> dy, std::span<float> dbias) {
  const auto width = static_cast<std::int64_t>(dbias.size());
  kernels().bias_backward(dy.data(), static_cast<std::int64_t>(dy.size()) / width, width, dbias.data());
}

}  // namespace reckon
