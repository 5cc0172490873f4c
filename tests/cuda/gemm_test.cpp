// The five products against float64: on a GPU, what cuBLASLt is told of shapes, strides and sums.
#include "reckon/cuda/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "device_values.h"

namespace reckon::cuda {
namespace {

using namespace reckon::testing;

struct Size {
  std::int64_t m, n, k;
};

// One row, rows that fill no tile, and a width n that is no multiple of 8 (its rows are apart by more).
constexpr Size kSizes[] = {{1, 24, 16}, {7, 203, 40}, {33, 16, 136}, {130, 64, 64}};

class Gemms : public ::testing::TestWithParam<GemmSums> {
 protected:
  void SetUp() override { gemm = std::make_unique<Gemm>(GetParam()); }  // not where there is no device

  std::unique_ptr<Gemm> gemm;

  /// Rows of n values, each followed by NaN up to the stride.
  [[nodiscard]] static std::vector<float> apart(const std::vector<float>& rows, std::int64_t n,
                                                std::int64_t stride) {
    std::vector<float> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      all.push_back(rows[i]);
      if ((i + 1) % static_cast<std::size_t>(n) == 0)
        all.resize(all.size() + static_cast<std::size_t>(stride - n), NAN);
    }
    return all;
  }
  [[nodiscard]] static std::int64_t stride_of(const Size& size) { return (size.n + 7) / 8 * 8; }
  [[nodiscard]] static std::vector<float> normal(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
    return normal_bf16(static_cast<std::size_t>(rows * width), seed);
  }
  // Of the largest result. Products of bfloat16 are exact in float32; each of up to 203 additions rounds by
  // 2^-24 of what is summed so far, or cuts off a bit as tensor cores do.
  static constexpr double kSum = 1e-5;
};

TEST_P(Gemms, ForwardIsXTimesTheTransposedWeight) {
  for (const Size& s : kSizes) {
    const auto x = normal(s.m, s.k, 1), w = normal(s.n, s.k, 2);
    const auto device_x = bf16_on_device(x), device_w = bf16_on_device(w);
    const std::int64_t stride = stride_of(s);
    auto y = bf16_on_device(std::vector<float>(static_cast<std::size_t>(s.m * stride), NAN));
    gemm->forward(device_x.data(), device_w.data(), y.data(), s.m, s.n, s.k, nullptr, stride);
    const std::vector<float> all = floats_of(y);
    std::vector<float> actual;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto column = static_cast<std::int64_t>(i) % stride;
      if (column < s.n) {
        actual.push_back(all[i]);
      } else {
        ASSERT_TRUE(std::isnan(all[i])) << "written behind a row: " << i;
      }
    }
    const auto n = static_cast<std::size_t>(s.n), k = static_cast<std::size_t>(s.k);
    expect_rounded(actual, reference::linear(doubles(x), doubles(w), n, k), kSum);
  }
}

TEST_P(Gemms, ForwardAddAddsToTheResidualInPlaceAndElsewhere) {
  for (const Size& s : kSizes) {
    const auto x = normal(s.m, s.k, 1), w = normal(s.n, s.k, 2);
    const auto residual = normal_values(static_cast<std::size_t>(s.m * s.n), 3);
    const auto device_x = bf16_on_device(x), device_w = bf16_on_device(w);
    auto before = on_device(residual);
    DeviceArray<float> y(residual.size());
    gemm->forward_add(device_x.data(), device_w.data(), before.data(), y.data(), s.m, s.n, s.k, nullptr);
    EXPECT_EQ(before.download(), residual);
    Doubles expected = reference::linear(doubles(x), doubles(w), static_cast<std::size_t>(s.n),
                                         static_cast<std::size_t>(s.k));
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += residual[i];
    expect_close(y.download(), expected, 0, kSum);
    gemm->forward_add(device_x.data(), device_w.data(), before.data(), before.data(), s.m, s.n, s.k, nullptr);
    expect_close(before.download(), expected, 0, kSum);
  }
}

TEST_P(Gemms, BackwardInputIsDyTimesTheWeight) {
  for (const Size& s : kSizes) {
    const auto dy = normal(s.m, s.n, 1), w = normal(s.n, s.k, 2);
    const std::int64_t stride = stride_of(s);
    const auto device_w = bf16_on_device(w), far_dy = bf16_on_device(apart(dy, s.n, stride));
    const auto n = static_cast<std::size_t>(s.n), k = static_cast<std::size_t>(s.k);
    const Doubles expected = reference::linear_backward_input(doubles(dy), doubles(w), n, k);
    DeviceArray<float> dx(expected.size());
    gemm->backward_input(far_dy.data(), device_w.data(), dx.data(), s.m, s.n, s.k, nullptr, stride);
    expect_close(dx.download(), expected, 0, kSum);
    if (stride != s.n) continue;
    DeviceArray<bf16> rounded(expected.size());
    gemm->backward_input(far_dy.data(), device_w.data(), rounded.data(), s.m, s.n, s.k, nullptr);
    expect_rounded(floats_of(rounded), expected, kSum);
  }
}

TEST_P(Gemms, BackwardWeightAddsDyTransposedTimesX) {
  for (const Size& s : kSizes) {
    const auto dy = normal(s.m, s.n, 1), x = normal(s.m, s.k, 2);
    const std::int64_t stride = stride_of(s);
    const auto device_x = bf16_on_device(x), far_dy = bf16_on_device(apart(dy, s.n, stride));
    const auto before = normal_values(static_cast<std::size_t>(s.n * s.k), 3);
    auto dw = on_device(before);
    gemm->backward_weight(far_dy.data(), device_x.data(), dw.data(), s.m, s.n, s.k, nullptr, stride);
    Doubles expected = reference::linear_backward_weight(
        doubles(dy), doubles(x), static_cast<std::size_t>(s.n), static_cast<std::size_t>(s.k));
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += before[i];
    expect_close(dw.download(), expected, 0, kSum);
  }
}

TEST_P(Gemms, NoRowsDoNothing) {
  DeviceArray<float> dw(8);
  dw.fill_zero();
  gemm->forward(nullptr, nullptr, nullptr, 0, 8, 8, nullptr);
  gemm->backward_weight(nullptr, nullptr, dw.data(), 0, 1, 8, nullptr);
  EXPECT_EQ(dw.download(), std::vector<float>(8));
}

INSTANTIATE_TEST_SUITE_P(Sums, Gemms, ::testing::Values(GemmSums::fast, GemmSums::exact));

// K is that of a model's MLP: on a GPU a split of it would be worth while.
TEST(ExactGemm, ARowHasTheSameBitsBesideAnyOthers) {
  constexpr std::int64_t kMost = 600, kN = 16, kK = 2048;
  Gemm gemm(GemmSums::exact);
  const auto x = bf16_on_device(normal_bf16(kMost * kK, 1)), w = bf16_on_device(normal_bf16(kN * kK, 2));
  DeviceArray<bf16> y(kMost * kN);
  gemm.forward(x.data(), w.data(), y.data(), kMost, kN, kK, nullptr);
  const std::vector<float> expected = floats_of(y);
  for (const std::int64_t count : {1, 2, 9, 64, 100, 512}) {
    const std::int64_t first = kMost - count - count % 7;
    DeviceArray<bf16> some(static_cast<std::size_t>(count * kN));
    gemm.forward(x.data() + first * kK, w.data(), some.data(), count, kN, kK, nullptr);
    const std::vector<float> actual = floats_of(some);
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_EQ(actual[i], expected[i + static_cast<std::size_t>(first * kN)])
          << count << " rows, value " << i;
  }
}

}  // namespace
}  // namespace reckon::cuda
