#include "reckon/ops/norm_rope.h"

#include <gtest/gtest.h>

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
namespace reference = testing::reference;

// A mean of squares over lanes, a square root, a division and two products: six roundings of 2^-24 and a sum
// that errs by less than those.
constexpr double kTolerance = 1e-6;

TEST(RmsNorm, MatchesHandWorkedNumbers) {
  // mean((3, 4)^2) = 12.5; 1 / sqrt(12.5) = 0.2828427; weights 1 and 2.
  const std::vector<float> x{3, 4};
  const std::vector<float> weight{1, 2};
  std::vector<float> y(2), inverse(1);
  rms_norm(x, weight, 0.0, y, inverse);
  expect_close(y, std::vector<double>{0.848528137, 2.262741700}, 1e-6);
  EXPECT_NEAR(inverse[0], 0.2828427, 1e-6);
}

class RmsNormWidth : public ::testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::size_t kRows = 3;
  static constexpr double kEps = 1e-2;  // large enough to be seen
  const std::size_t width = GetParam();
  const std::vector<float> x = normal_values(kRows * width, 1), weight = normal_values(width, 2);
  const std::vector<float> dy = normal_values(kRows * width, 3);
  std::vector<float> y = std::vector<float>(x.size()), inverse = std::vector<float>(kRows);
  std::vector<float> dx = std::vector<float>(x.size(), 0.5f), dweight = std::vector<float>(width, 0.25f);

  void SetUp() override {
    rms_norm(x, weight, kEps, y, inverse);
    rms_norm_backward(dy, x, weight, inverse, dx, dweight);
    for (float& value : dx) value -= 0.5f;  // added to what was there
    for (float& value : dweight) value -= 0.25f;
  }
};

TEST_P(RmsNormWidth, ForwardAndBackwardMatchFloat64) {
  expect_close(y, reference::rms_norm(doubles(x), doubles(weight), kEps), 0, kTolerance);
  const auto expected = reference::rms_norm_backward(doubles(dy), doubles(x), doubles(weight), kEps);
  expect_close(dx, expected.input, kTolerance, kTolerance);
  expect_close(dweight, expected.weight, kTolerance, kTolerance);
}

TEST_P(RmsNormWidth, GradientsMatchFiniteDifferences) {
  const auto loss = [&](const Doubles& in, const Doubles& w) {
    return dot(reference::rms_norm(in, w, kEps), dy);
  };
  expect_gradient(
      doubles(x), dx, [&](const Doubles& v) { return loss(v, doubles(weight)); }, 2e-6);
  expect_gradient(
      doubles(weight), dweight, [&](const Doubles& v) { return loss(doubles(x), v); }, 2e-6);
}

INSTANTIATE_TEST_SUITE_P(TailsAndBlocks, RmsNormWidth, ::testing::Values(2, 5, 16, 21, 37, 64, 257));

TEST(RmsNorm, HasTheSameBitsWithoutTheInverse) {
  const auto x = normal_values(42, 1), weight = normal_values(21, 2);
  std::vector<float> y(42), with(42), inverse(2);
  rms_norm(x, weight, 1e-6, y);
  rms_norm(x, weight, 1e-6, with, inverse);
  EXPECT_EQ(y, with);
}

TEST(NormRope, TurnsHandWorkedNumbers) {
  // One head (1, 0 | 0, 1) of size 4: mean square 0.5, so it becomes sqrt(2) times itself. At position 1 with
  // theta 1 both pairs turn by 1 radian: first = a cos - b sin, second = b cos + a sin.
  const std::vector<float> qkv{9, 1, 0, 0, 1, 9};
  const std::vector<float> weight(4, 1.0f);
  RopeTable table(RopeTable::frequencies(4, 1.0));
  table.extend_to(2);
  const std::vector<std::int32_t> positions{1};
  std::vector<float> out(4);
  norm_rope(qkv, {6, 1, 1, 4}, weight, 0.0, table, positions, out);
  const double root = std::sqrt(2.0);
  expect_close(out,
               std::vector<double>{root * std::cos(1.0), -root * std::sin(1.0), root * std::sin(1.0),
                                   root * std::cos(1.0)},
               1e-6);
}

TEST(NormRope, RefusesHeadsItCannotTurn) {
  for (const std::int64_t dim : {15, 258}) {
    RopeTable table(RopeTable::frequencies(dim, 100.0));
    table.extend_to(1);
    const std::vector<std::int32_t> positions{0};
    const std::vector<float> qkv(static_cast<std::size_t>(dim)), weight(qkv.size());
    std::vector<float> out(qkv.size()), inverse(1);
    const HeadSlice slice{dim, 0, 1, dim};
    EXPECT_THROW(norm_rope(qkv, slice, weight, 1e-6, table, positions, out, inverse), std::invalid_argument);
    EXPECT_THROW(rope(qkv, slice, table, positions, out), std::invalid_argument);
  }
}

TEST(RopeTable, HasTheFrequenciesOfThePaperAndKeepsWhatItHas) {
  // theta^(-2 i / dim): 10,000^0, ^(-1/2) for a head of 4.
  const std::vector<float> frequencies = RopeTable::frequencies(4, 10000.0);
  ASSERT_EQ(frequencies.size(), 2u);
  EXPECT_FLOAT_EQ(frequencies[0], 1.0f);
  EXPECT_FLOAT_EQ(frequencies[1], 0.01f);
  RopeTable grown(frequencies, 2.0f), at_once(frequencies, 2.0f);
  grown.extend_to(3);
  grown.extend_to(50);
  grown.extend_to(7);
  at_once.extend_to(50);
  ASSERT_EQ(grown.num_positions(), 50);
  EXPECT_FLOAT_EQ(grown.cosines(0)[1], 2.0f);
  for (std::int64_t p = 0; p < 50; ++p) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(grown.cosines(p)[i], at_once.cosines(p)[i]);
      EXPECT_EQ(grown.sines(p)[i], at_once.sines(p)[i]);
    }
  }
}

/// Queries of `heads` heads between other values of a row, at positions out of order.
class HeadDim : public ::testing::TestWithParam<std::int64_t> {
 protected:
  static constexpr double kEps = 1e-2;
  static constexpr std::int64_t kHeads = 3, kOffset = 5;
  const std::int64_t dim = GetParam();
  const HeadSlice slice{kOffset + kHeads * dim + 3, kOffset, kHeads, dim};
  const std::vector<std::int32_t> positions{39, 0, 7, 7};
  const reference::Rotation rotation{RopeTable::frequencies(dim, 100.0), 1.5};
  const std::vector<float> qkv = normal_values(4 * static_cast<std::size_t>(slice.stride), 1);
  const std::vector<float> weight = normal_values(static_cast<std::size_t>(dim), 2);
  const std::vector<float> dout = normal_values(4 * static_cast<std::size_t>(kHeads * dim), 3);
  RopeTable table{rotation.frequencies, 1.5f};
  std::vector<float> out = std::vector<float>(dout.size());
  std::vector<float> dqkv = std::vector<float>(qkv.size(), 0.0f);

  void SetUp() override { table.extend_to(40); }

  /// What the op left beside its slice.
  void expect_rest_untouched(float value) {
    for (std::size_t i = 0; i < dqkv.size(); ++i) {
      const auto column = static_cast<std::int64_t>(i) % slice.stride;
      if (column < kOffset || column >= kOffset + kHeads * dim) {
        ASSERT_EQ(dqkv[i], value) << "column " << column;
      }
    }
  }
};

// sin and cos are rounded once; the turn adds two products. 1.5 and values of up to 4.
TEST_P(HeadDim, RopeAndItsGradientMatchFloat64) {
  rope(qkv, slice, table, positions, out);
  expect_close(out, reference::rope(doubles(qkv), slice, rotation, positions), 0, kTolerance);
  rope_backward(dout, slice, table, positions, dqkv);
  expect_close(dqkv, reference::rope_backward(doubles(dout), slice, rotation, positions), 0, kTolerance);
  expect_gradient(
      doubles(qkv), dqkv,
      [&](const Doubles& v) { return dot(reference::rope(v, slice, rotation, positions), dout); }, 1e-6, 3);
  std::fill(dqkv.begin(), dqkv.end(), 7.0f);  // written, not added to
  rope_backward(dout, slice, table, positions, dqkv);
  expect_rest_untouched(7.0f);
  for (float& value : dqkv) value = value == 7.0f ? 0.0f : value;
  expect_close(dqkv, reference::rope_backward(doubles(dout), slice, rotation, positions), 0, kTolerance);
}

TEST_P(HeadDim, NormRopeAndItsGradientsMatchFloat64) {
  std::vector<float> inverse(4 * kHeads), dweight(weight.size(), 0.25f);
  norm_rope(qkv, slice, weight, kEps, table, positions, out, inverse);
  expect_close(out, reference::norm_rope(doubles(qkv), slice, doubles(weight), kEps, rotation, positions), 0,
               kTolerance);
  std::fill(dqkv.begin(), dqkv.end(), 7.0f);
  norm_rope_backward(dout, qkv, slice, weight, inverse, table, positions, dqkv, dweight);
  expect_rest_untouched(7.0f);
  for (float& value : dqkv) value = value == 7.0f ? 0.0f : value;
  for (float& value : dweight) value -= 0.25f;
  const auto expected = reference::norm_rope_backward(doubles(dout), doubles(qkv), slice, doubles(weight),
                                                      kEps, rotation, positions);
  expect_close(dqkv, expected.input, kTolerance, kTolerance);
  expect_close(dweight, expected.weight, kTolerance, kTolerance);
  const auto loss = [&](const Doubles& in, const Doubles& w) {
    return dot(reference::norm_rope(in, slice, w, kEps, rotation, positions), dout);
  };
  expect_gradient(
      doubles(qkv), dqkv, [&](const Doubles& v) { return loss(v, doubles(weight)); }, 2e-6, 3);
  expect_gradient(
      doubles(weight), dweight, [&](const Doubles& v) { return loss(doubles(qkv), v); }, 2e-6);
}

// Heads of 16 turn by half a vector; 24 and 80 leave tails.
INSTANTIATE_TEST_SUITE_P(Sizes, HeadDim, ::testing::Values(16, 24, 32, 48, 64, 80, 128));

}  // namespace
}  // namespace reckon
