#include "reckon/ops/linear.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "support/numbers.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::expect_close;
using testing::normal_values;

std::vector<double> reference(const std::vector<float>& x, const std::vector<float>& w, std::size_t rows,
                              std::size_t out, std::size_t in) {
  std::vector<double> y(rows * out);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i)
        y[r * out + o] += static_cast<double>(x[r * in + i]) * w[o * in + i];
    }
  }
  return y;
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

TEST(Linear, MatchesFloat64ForOddShapes) {
  for (const auto& [rows, out, in] :
       {std::array<std::size_t, 3>{1, 1, 1}, {3, 5, 7}, {65, 37, 129}, {200, 48, 128}}) {
    const auto x = normal_values(rows * in, 1);
    const auto w = normal_values(out * in, 2);
    const PackedWeight weight(w, static_cast<std::int64_t>(out), static_cast<std::int64_t>(in));
    std::vector<float> y(rows * out);
    linear(x, weight, y);
    // Rounding of a float32 sum of `in` products of size 1: about sqrt(in) * 2^-24 * |sum|, taken tenfold.
    expect_close(y, reference(x, w, rows, out, in), 1e-6, 1e-6);
  }
}

TEST(Linear, BackwardMatchesFloat64) {
  constexpr std::size_t kRows = 300, kOut = 19, kIn = 33;
  const auto x = normal_values(kRows * kIn, 1);
  const auto w = normal_values(kOut * kIn, 2);
  const auto dy = normal_values(kRows * kOut, 3);
  const PackedWeight weight(w, kOut, kIn);
  std::vector<float> dx(kRows * kIn);
  linear_backward_input(dy, weight, dx);
  std::vector<double> expected_dx(dx.size());
  std::vector<float> dw = normal_values(kOut * kIn, 4);
  std::vector<double> expected_dw(dw.begin(), dw.end());
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t o = 0; o < kOut; ++o) {
      for (std::size_t i = 0; i < kIn; ++i) {
        expected_dx[r * kIn + i] += static_cast<double>(dy[r * kOut + o]) * w[o * kIn + i];
        expected_dw[o * kIn + i] += static_cast<double>(dy[r * kOut + o]) * x[r * kIn + i];
      }
    }
  }
  linear_backward_weight(dy, x, kOut, kIn, dw);
  expect_close(dx, expected_dx, 1e-6, 1e-6);
  expect_close(dw, expected_dw, 1e-6, 1e-6);  // added to what was there
}

/// Rows of a part of x against the same rows of the whole.
void expect_same_bits(std::size_t out, std::size_t in, std::span<const std::size_t> row_counts) {
  constexpr std::size_t kMost = 256;
  const auto x = normal_values(kMost * in, 5);
  const auto w = normal_values(out * in, 6);
  const PackedWeight weight(w, static_cast<std::int64_t>(out), static_cast<std::int64_t>(in));
  std::vector<float> all(kMost * out);
  linear(x, weight, all);
  for (const std::size_t rows : row_counts) {
    const std::size_t first = kMost - rows;  // other neighbours, another place in its block
    std::vector<float> part(rows * out);
    linear(std::span(x).subspan(first * in), weight, part);
    EXPECT_EQ(std::memcmp(part.data(), all.data() + first * out, part.size() * sizeof(float)), 0)
        << rows << " rows of " << in << " to " << out;
  }
}

TEST(Linear, BitsOfARowDoNotDependOnTheOthers) {
  constexpr std::array<std::size_t, 9> kRows{1, 2, 3, 5, 8, 17, 64, 100, 256};
  const std::vector<std::size_t> widths{1, 7, 16, 41, 72, 128, 256, 384, 768};
  // The sample: the shapes of the default model and two odd ones. All: every pair.
  const std::vector<std::array<std::size_t, 2>> sample{{256, 128}, {128, 128}, {768, 128},
                                                       {128, 384}, {41, 7},    {1, 72}};
  for (const auto& [out, in] : sample) expect_same_bits(out, in, kRows);
  if (testing::sweep_size(0, 1) == 0) return;
  for (const std::size_t out : widths) {
    for (const std::size_t in : widths) expect_same_bits(out, in, kRows);
  }
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

}  // namespace
}  // namespace reckon
