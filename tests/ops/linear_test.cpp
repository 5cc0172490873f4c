#include "reckon/ops/linear.h"

#include <gtest/gtest.h>

#include <array>

#include "reckon/base/error.h"
#include "reckon/base/memory_use.h"
#include "reckon/ops/isa.h"
#include "support/finite_differences.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon {
namespace {

using testing::dot;
using testing::Doubles;
using testing::doubles;
using testing::expect_close;
using testing::expect_gradient;
using testing::normal_values;
using testing::rounded_to_bf16;
namespace reference = testing::reference;

// A float32 sum of `in` products of size 1 errs by about sqrt(in) 2^-24 of itself. Taken tenfold.
constexpr double kTolerance = 1e-6;

struct Shape {
  std::size_t rows, out, in;
};
// Widths around the panels of 128 outputs and the blocks of 64 rows; odd numbers of inputs, which bfloat16
// fills to pairs; a vocabulary.
constexpr std::array kShapes{Shape{1, 1, 1},     Shape{3, 5, 7},      Shape{2, 21, 64},  Shape{65, 37, 129},
                             Shape{7, 128, 256}, Shape{130, 129, 33}, Shape{9, 1000, 21}};

PackedWeight packed(const std::vector<float>& w, const Shape& s, ComputeDtype dtype = ComputeDtype::float32) {
  return {w, static_cast<std::int64_t>(s.out), static_cast<std::int64_t>(s.in), dtype};
}

bool has_bfloat16() {
  try {
    check_compute_dtype(ComputeDtype::bfloat16);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(Linear, MultipliesHandWorkedNumbers) {
  // [1 2] and [3 4] times the weight rows (1 0), (0 1), (1 1): sums worked by hand.
  const std::vector<float> x{1, 2, 3, 4};
  const std::vector<float> w{1, 0, 0, 1, 1, 1};
  const PackedWeight weight(w, 3, 2);
  std::vector<float> y(6);
  linear(x, weight, y);
  EXPECT_EQ(y, (std::vector<float>{1, 2, 3, 3, 4, 7}));
  linear(x, weight, y, Output::add);
  EXPECT_EQ(y, (std::vector<float>{2, 4, 6, 6, 8, 14}));
}

TEST(Linear, MatchesFloat64) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.rows << " rows, " << s.in << " to " << s.out);
    const auto x = normal_values(s.rows * s.in, 1), w = normal_values(s.out * s.in, 2);
    const PackedWeight weight = packed(w, s);
    std::vector<float> y(s.rows * s.out);
    Doubles expected = reference::linear(doubles(x), doubles(w), s.out, s.in);
    linear(x, weight, y);
    expect_close(y, expected, kTolerance, kTolerance);
    linear(x, weight, y, Output::add);
    for (double& value : expected) value *= 2;
    expect_close(y, expected, kTolerance, kTolerance);
  }
}

TEST(Linear, BackwardMatchesFloat64) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.rows << " rows, " << s.in << " to " << s.out);
    const auto x = normal_values(s.rows * s.in, 1), w = normal_values(s.out * s.in, 2);
    const auto dy = normal_values(s.rows * s.out, 3);
    const PackedWeight weight = packed(w, s);
    std::vector<float> dx(s.rows * s.in), dw(w.size(), 0.5f);
    Doubles expected = reference::linear_backward_input(doubles(dy), doubles(w), s.out, s.in);
    linear_backward_input(dy, weight, dx);
    expect_close(dx, expected, kTolerance, kTolerance);
    linear_backward_input(dy, weight, dx, Output::add);
    for (double& value : expected) value *= 2;
    expect_close(dx, expected, kTolerance, kTolerance);
    expected = reference::linear_backward_weight(doubles(dy), doubles(x), s.out, s.in);
    for (double& value : expected) value += 0.5;  // added to what was there
    linear_backward_weight(dy, x, weight.out_features(), weight.in_features(), dw);
    expect_close(dw, expected, kTolerance, kTolerance);
  }
}

TEST(Linear, GradientsMatchFiniteDifferences) {
  constexpr Shape kShape{3, 21, 13};
  const auto x = normal_values(kShape.rows * kShape.in, 1), w = normal_values(kShape.out * kShape.in, 2);
  const auto dy = normal_values(kShape.rows * kShape.out, 3);
  const PackedWeight weight = packed(w, kShape);
  std::vector<float> dx(x.size()), dw(w.size());
  linear_backward_input(dy, weight, dx);
  linear_backward_weight(dy, x, weight.out_features(), weight.in_features(), dw);
  const auto loss = [&](const Doubles& in, const Doubles& of) {
    return dot(reference::linear(in, of, kShape.out, kShape.in), dy);
  };
  expect_gradient(
      doubles(x), dx, [&](const Doubles& v) { return loss(v, doubles(w)); }, 1e-6);
  expect_gradient(
      doubles(w), dw, [&](const Doubles& v) { return loss(doubles(x), v); }, 1e-6);
}

TEST(Linear, GradientOfTheWeightIsSummedInBlocksOfRows) {
  const auto rows = static_cast<std::size_t>(kWeightGradientRows);
  for (const std::size_t count : {rows - 1, rows, rows + 1, 2 * rows + 3}) {
    constexpr std::size_t kOut = 67, kIn = 5;  // more outputs than one block of them
    const auto x = normal_values(count * kIn, 1), dy = normal_values(count * kOut, 2);
    std::vector<float> whole(kOut * kIn), in_parts(kOut * kIn);
    linear_backward_weight(dy, x, kOut, kIn, whole);
    expect_close(whole, reference::linear_backward_weight(doubles(dy), doubles(x), kOut, kIn), kTolerance,
                 kTolerance);
    for (std::size_t row = 0; row < count; row += rows) {
      const std::size_t part = std::min(rows, count - row);
      linear_backward_weight(std::span(dy).subspan(row * kOut, part * kOut),
                             std::span(x).subspan(row * kIn, part * kIn), kOut, kIn, in_parts);
    }
    EXPECT_EQ(whole, in_parts) << count;  // the bits
  }
}

/// The gradient of a weight from `count` rows, and from as many zero rows behind them as make 512.
void expect_zero_rows_change_no_bit(std::size_t count, ComputeDtype dtype) {
  constexpr std::size_t kOut = 67, kIn = 131;
  auto x = normal_values(count * kIn, 1), dy = normal_values(count * kOut, 2);
  std::vector<float> alone = normal_values(kOut * kIn, 3), filled = alone;
  linear_backward_weight(dy, x, kOut, kIn, alone, dtype);
  x.resize(kWeightGradientRows * kIn);
  dy.resize(kWeightGradientRows * kOut);
  linear_backward_weight(dy, x, kOut, kIn, filled, dtype);
  EXPECT_EQ(alone, filled) << count << " rows";
}

TEST(Linear, ZeroRowsChangeNoBitOfTheWeightsGradient) {
  for (std::size_t count = 1; count < 512; count += count < 70 ? 1 : 13) {
    expect_zero_rows_change_no_bit(count, ComputeDtype::float32);
    if (has_bfloat16()) expect_zero_rows_change_no_bit(count, ComputeDtype::bfloat16);
  }
}

// oneDNN keeps what it compiles for each shape: some 70 KiB for each number of rows, were they taken as they
// come.
TEST(Linear, LengthsOfBatchesDoNotFillTheMemory) {
  constexpr std::size_t kOut = 96, kIn = 80;
  std::vector<float> dw(kOut * kIn);
  const auto sweep = [&](std::size_t first, std::size_t step) {
    for (std::size_t count = first; count <= 512; count += step) {
      const std::vector<float> x(count * kIn, 1.0f), dy(count * kOut, 1.0f);
      linear_backward_weight(dy, x, kOut, kIn, dw);
    }
  };
  sweep(32, 32);
  const double before = memory_use().own_mb;
  sweep(1, 1);
  EXPECT_LT(memory_use().own_mb - before, 5);
}

// Products of two bfloat16 are exact in float32, so that against rounded factors the sum alone errs, as in
// float32. Rounding moves each factor by up to 2^-9 of itself and each product by 2^-8: the sum of products
// with random signs by less than 2^-8 of the largest.
void expect_near_rounded_and_exact(std::span<const float> actual, const Doubles& of_rounded,
                                   const Doubles& exact) {
  expect_close(actual, of_rounded, kTolerance, kTolerance);
  expect_close(actual, exact, 0, 0x1p-7);
}

TEST(Linear, Bfloat16IsTheProductOfRoundedFactors) {
  if (!has_bfloat16()) GTEST_SKIP() << "this machine has no AVX512_BF16";
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.rows << " rows, " << s.in << " to " << s.out);
    const auto x = normal_values(s.rows * s.in, 1), w = normal_values(s.out * s.in, 2);
    const auto dy = normal_values(s.rows * s.out, 3);
    const Doubles rx = doubles(rounded_to_bf16(x)), rw = doubles(rounded_to_bf16(w));
    const Doubles rdy = doubles(rounded_to_bf16(dy));
    const PackedWeight weight = packed(w, s, ComputeDtype::bfloat16);
    std::vector<float> y(dy.size()), dx(x.size()), dw(w.size());
    linear(x, weight, y);
    linear_backward_input(dy, weight, dx);
    linear_backward_weight(dy, x, weight.out_features(), weight.in_features(), dw, ComputeDtype::bfloat16);
    expect_near_rounded_and_exact(y, reference::linear(rx, rw, s.out, s.in),
                                  reference::linear(doubles(x), doubles(w), s.out, s.in));
    expect_near_rounded_and_exact(dx, reference::linear_backward_input(rdy, rw, s.out, s.in),
                                  reference::linear_backward_input(doubles(dy), doubles(w), s.out, s.in));
    expect_near_rounded_and_exact(dw, reference::linear_backward_weight(rdy, rx, s.out, s.in),
                                  reference::linear_backward_weight(doubles(dy), doubles(x), s.out, s.in));
    std::vector<float> twice = y;
    linear(x, weight, twice, Output::add);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(twice[i], 2 * y[i], 1e-5 * (1 + std::abs(y[i])));
  }
}

TEST(Linear, Bfloat16GradientOfTheWeightGoesOverBlocksOfOddLength) {
  if (!has_bfloat16()) GTEST_SKIP() << "this machine has no AVX512_BF16";
  constexpr std::size_t kRows = 2 * kWeightGradientRows + 3, kOut = 67, kIn = 130;
  const auto x = normal_values(kRows * kIn, 1), dy = normal_values(kRows * kOut, 2);
  std::vector<float> dw(kOut * kIn);
  linear_backward_weight(dy, x, kOut, kIn, dw, ComputeDtype::bfloat16);
  expect_near_rounded_and_exact(
      dw,
      reference::linear_backward_weight(doubles(rounded_to_bf16(dy)), doubles(rounded_to_bf16(x)), kOut, kIn),
      reference::linear_backward_weight(doubles(dy), doubles(x), kOut, kIn));
}

TEST(Linear, PackFollowsAChangeOfTheWeight) {
  std::vector<float> w{1, 2, 3, 4};
  PackedWeight weight(w, 2, 2);
  w = {5, 6, 7, 8};
  weight.pack();
  const std::vector<float> x{1, 10};
  std::vector<float> y(2);
  linear(x, weight, y);
  EXPECT_EQ(y, (std::vector<float>{65, 87}));
}

TEST(Linear, RefusesSizesThatDoNotFit) {
  const std::vector<float> w(6);
  const PackedWeight weight(w, 3, 2);
  const std::vector<float> x(5);
  std::vector<float> y(6);
  EXPECT_THROW(linear(x, weight, y), std::invalid_argument);
  EXPECT_THROW(PackedWeight(w, 4, 2), std::invalid_argument);
}

TEST(Bias, IsAddedToEveryRowAndItsGradientIsTheSumOfRows) {
  std::vector<float> y{1, 2, 3, 4, 5, 6};
  const std::vector<float> bias{10, 20, 30};
  add_bias(y, bias);
  EXPECT_EQ(y, (std::vector<float>{11, 22, 33, 14, 25, 36}));
  std::vector<float> dbias{1, 1, 1};
  bias_backward(y, dbias);
  EXPECT_EQ(dbias, (std::vector<float>{26, 48, 70}));
}

TEST(Bias, MatchesFloat64ForOddWidths) {
  for (const std::size_t width : {1u, 21u, 64u, 129u}) {
    constexpr std::size_t kRows = 37;
    const auto y = normal_values(kRows * width, 1), bias = normal_values(width, 2);
    std::vector<float> sum = y, dbias(width);
    add_bias(sum, bias);
    bias_backward(y, dbias);
    expect_close(sum, reference::add_bias(doubles(y), doubles(bias)), 0, 0x1p-24);  // one rounding
    expect_close(dbias, reference::bias_backward(doubles(y), width), kTolerance, kTolerance);
  }
}

}  // namespace
}  // namespace reckon
