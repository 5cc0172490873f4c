#include "reckon/ops/norm_rope.h"

#include <gtest/gtest.h>

#include "support/numbers.h"

namespace reckon {
namespace {

using testing::dot;
using testing::expect_close;
using testing::normal_values;

TEST(RmsNorm, MatchesHandWorkedNumbers) {
  // mean((3, 4)^2) = 12.5; 1 / sqrt(12.5) = 0.2828427; weights 1 and 2.
  const std::vector<float> x{3, 4};
  const std::vector<float> weight{1, 2};
  std::vector<float> y(2), inverse(1);
  rms_norm(x, weight, 0.0, y, inverse);
  expect_close(y, std::vector<double>{0.848528137, 2.262741700}, 1e-6);
  EXPECT_NEAR(inverse[0], 0.2828427, 1e-6);
}

/// Central differences of f at x against the gradient: fp32 outputs and a step of 1e-2 leave about 1e-3 of
/// slack.
template <class Function>
void expect_gradient(std::vector<float> x, const std::vector<float>& gradient, Function f, double tolerance) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float kept = x[i];
    constexpr float kStep = 1e-2f;
    x[i] = kept + kStep;
    const double above = f(x);
    x[i] = kept - kStep;
    const double below = f(x);
    x[i] = kept;
    ASSERT_NEAR(gradient[i], (above - below) / (2 * kStep), tolerance) << "at " << i;
  }
}

TEST(RmsNorm, GradientMatchesFiniteDifferences) {
  for (const std::size_t width : {5u, 16u, 37u}) {  // a tail alone, whole blocks, both
    const auto x = normal_values(2 * width, 1);
    const auto weight = normal_values(width, 2);
    const auto dy = normal_values(2 * width, 3);
    std::vector<float> y(x.size()), inverse(2), dx(x.size()), dweight(width);
    const auto loss = [&](const std::vector<float>& in, const std::vector<float>& w) {
      rms_norm(in, w, 1e-6, y, inverse);
      return dot(y, dy);
    };
    loss(x, weight);
    rms_norm_backward(dy, x, weight, inverse, dx, dweight);
    expect_gradient(
        x, dx, [&](const auto& in) { return loss(in, weight); }, 2e-3);
    expect_gradient(
        weight, dweight, [&](const auto& w) { return loss(x, w); }, 2e-3);
  }
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

TEST(NormRope, GradientMatchesFiniteDifferences) {
  constexpr std::int64_t kDim = 16, kHeads = 2, kStride = 40, kOffset = 4;
  const std::vector<std::int32_t> positions{0, 3, 7};
  const HeadSlice slice{kStride, kOffset, kHeads, kDim};
  RopeTable table(RopeTable::frequencies(kDim, 100.0));
  table.extend_to(8);
  const auto qkv = normal_values(3 * kStride, 1);
  const auto weight = normal_values(kDim, 2);
  const auto dout = normal_values(3 * kHeads * kDim, 3);
  std::vector<float> out(dout.size()), inverse(3 * kHeads), dqkv(qkv.size(), 0.0f), dweight(kDim);
  const auto loss = [&](const std::vector<float>& in, const std::vector<float>& w) {
    norm_rope(in, slice, w, 1e-6, table, positions, out, inverse);
    return dot(out, dout);
  };
  loss(qkv, weight);
  norm_rope_backward(dout, qkv, slice, weight, inverse, table, positions, dqkv, dweight);
  expect_gradient(
      qkv, dqkv, [&](const auto& in) { return loss(in, weight); }, 2e-3);
  expect_gradient(
      weight, dweight, [&](const auto& w) { return loss(qkv, w); }, 2e-3);
}

TEST(Rope, TurnsAsNormRopeDoesAndItsGradientTurnsBack) {
  constexpr std::int64_t kDim = 16, kHeads = 3, kStride = 70;
  RopeTable table(RopeTable::frequencies(kDim, 100.0), 1.5f);
  table.extend_to(40);
  const HeadSlice slice{kStride, 5, kHeads, kDim};
  const std::vector<std::int32_t> positions{0, 7, 39};
  const std::vector<float> qkv = testing::normal_values(3 * kStride, 1);
  std::vector<float> out(3 * kHeads * kDim);
  rope(qkv, slice, table, positions, out);
  // Position 7, head 2, pair 1, by hand.
  const float first = qkv[kStride + 5 + 2 * kDim + 1], second = qkv[kStride + 5 + 2 * kDim + 1 + 8];
  const double angle = 7.0 * std::pow(100.0, -2.0 / 16.0);
  const std::size_t at = (1 * kHeads + 2) * kDim + 1;
  EXPECT_NEAR(out[at], 1.5 * (first * std::cos(angle) - second * std::sin(angle)), 1e-5);
  EXPECT_NEAR(out[at + 8], 1.5 * (second * std::cos(angle) + first * std::sin(angle)), 1e-5);
  // The map is linear: <dout, rope(x)> = <rope_backward(dout), x> for every x.
  const std::vector<float> dout = testing::normal_values(out.size(), 2);
  std::vector<float> dqkv(qkv.size());
  rope_backward(dout, slice, table, positions, dqkv);
  EXPECT_NEAR(testing::dot(dout, out), testing::dot(dqkv, qkv), 1e-4);
  EXPECT_EQ(dqkv[4], 0.0f);
  EXPECT_EQ(dqkv[5 + kHeads * kDim], 0.0f);
}

}  // namespace
}  // namespace reckon
