#include <gtest/gtest.h>

#include "cuda/device_values.h"
#include "cuda/every_order.h"
#include "ops/row_bits.h"
#include "reckon/cuda/norm_rope.h"

namespace reckon::cuda {
namespace {

using testing::bf16_on_device;
using testing::Doubles;
using testing::doubles;
using testing::expect_close;
using testing::expect_rounded;
using testing::floats_of;
using testing::normal_bf16;
using testing::normal_values;
using testing::on_device;
using testing::refusal_of;
namespace reference = testing::reference;

constexpr float kEps = 1e-2f;  // large enough to be seen

// Squares are summed along 16 to 20 additions, each of which rounds by 2^-24; half of it reaches the root.
constexpr double kTolerance = 1e-6;

struct Forward {
  std::vector<float> y, inverse;
};
Forward run_forward(const std::vector<float>& x, const std::vector<float>& weight, float eps = kEps) {
  const auto width = static_cast<std::int64_t>(weight.size());
  const auto rows = static_cast<std::int64_t>(x.size()) / width;
  DeviceArray<bf16> y(x.size());
  DeviceArray<float> inverse(static_cast<std::size_t>(rows));
  rms_norm(on_device(x).data(), bf16_on_device(weight).data(), eps, rows, width, y.data(), inverse.data(),
           nullptr);
  return {floats_of(y), inverse.download()};
}

TEST_P(EveryOrder, RmsNormMatchesHandWorkedNumbers) {
  // mean of 3^2 and 4^2 is 12.5; 1 / sqrt(12.5) = 0.2828427. 3 of these are 0.848528, 217.2 steps of 2^-8;
  // twice 4 of them are 2.262742, 144.8 steps of 2^-6.
  const auto [y, inverse] = run_forward({3, 4, 3, 4, 3, 4, 3, 4}, {1, 2, 1, 2, 1, 2, 1, 2}, 0.0f);
  EXPECT_NEAR(inverse[0], 0.2828427, 1e-7);
  EXPECT_EQ(y[0], 217.0f / 256);
  EXPECT_EQ(y[7], 145.0f / 64);
}

TEST_P(EveryOrder, RmsNormMatchesFloat64) {
  for (const std::size_t width : {8u, 120u, 128u, 136u, 896u, 2056u, 8192u}) {
    for (const double scale : {1.0, 1e4}) {
      const auto x = normal_values(3 * width, 1, scale), weight = normal_bf16(width, 2);
      const auto [y, inverse] = run_forward(x, weight);
      expect_rounded(y, reference::rms_norm(doubles(x), doubles(weight), kEps), kTolerance);
      Doubles expected;
      for (std::size_t row = 0; row < 3; ++row) {
        const double squares =
            testing::dot(std::span(x).subspan(row * width, width), std::span(x).subspan(row * width, width));
        expected.push_back(1.0 / std::sqrt(squares / static_cast<double>(width) + kEps));
      }
      expect_close(inverse, expected, 0, kTolerance);
    }
  }
}

struct Gradients {
  std::vector<float> dx, rounded, dweight;
};

/// Adds to 0.5 and 0.25; what was there is taken away again.
Gradients run_backward(const std::vector<float>& dy, const std::vector<float>& x,
                       const std::vector<float>& weight) {
  const auto width = static_cast<std::int64_t>(weight.size());
  const auto rows = static_cast<std::int64_t>(x.size()) / width;
  auto dx = on_device(std::vector<float>(x.size(), 0.5f));
  auto dweight = on_device(std::vector<float>(weight.size(), 0.25f));
  DeviceArray<bf16> rounded(x.size());
  DeviceArray<float> workspace(static_cast<std::size_t>(gradient_workspace(rows, width)));
  const auto inverse = on_device(run_forward(x, weight).inverse);
  rms_norm_backward(on_device(dy).data(), on_device(x).data(), bf16_on_device(weight).data(), inverse.data(),
                    rows, width, dx.data(), rounded.data(), dweight.data(), workspace.data(), nullptr);
  Gradients result{dx.download(), floats_of(rounded), dweight.download()};
  EXPECT_EQ(result.rounded, testing::rounded_to_bf16(result.dx));
  for (float& value : result.dx) value -= 0.5f;
  for (float& value : result.dweight) value -= 0.25f;
  return result;
}

// One, two and four groups of values a thread; rows that fill chunks of 64 and that do not.
TEST_P(EveryOrder, RmsNormBackwardMatchesFloat64) {
  struct Case {
    std::size_t rows, width;
  };
  for (const auto& [rows, width] : {Case{1, 8}, Case{65, 40}, Case{64, 136}, Case{131, 136}, Case{3, 2048},
                                    Case{3, 2056}, Case{2, 4104}, Case{1, 8192}}) {
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width));
    const auto x = normal_values(rows * width, 1), weight = normal_bf16(width, 2);
    const auto dy = normal_values(rows * width, 3);
    const Gradients actual = run_backward(dy, x, weight);
    const auto expected = reference::rms_norm_backward(doubles(dy), doubles(x), doubles(weight), kEps);
    expect_close(actual.dx, expected.input, kTolerance, kTolerance);
    expect_close(actual.dweight, expected.weight, kTolerance, kTolerance);
  }
}

TEST_P(EveryOrder, RmsNormOfARowHasTheSameBitsInEveryBatch) {
  constexpr std::size_t kWidth = 136;
  const testing::RowValues x(kWidth, 1), dy(kWidth, 3);
  const auto weight = normal_bf16(kWidth, 2);
  testing::expect_rows_alone(
      [&](std::span<const std::uint64_t> numbers) {
        const auto values = x.rows(numbers);
        const auto [y, inverse] = run_forward(values, weight);
        const auto dx = run_backward(dy.rows(numbers), values, weight).dx;
        std::vector<float> rows;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          rows.insert(rows.end(), y.begin() + static_cast<std::ptrdiff_t>(i * kWidth),
                      y.begin() + static_cast<std::ptrdiff_t>((i + 1) * kWidth));
          rows.insert(rows.end(), dx.begin() + static_cast<std::ptrdiff_t>(i * kWidth),
                      dx.begin() + static_cast<std::ptrdiff_t>((i + 1) * kWidth));
          rows.push_back(inverse[i]);
        }
        return rows;
      },
      std::array<std::int64_t, 4>{2, 5, 64, 70});
}

TEST(RmsNorm, WritesNothingBesideWhatIsAskedFor) {
  const auto x = normal_values(24, 1), weight = normal_bf16(8, 2);
  DeviceArray<bf16> y(24);
  rms_norm(on_device(x).data(), bf16_on_device(weight).data(), kEps, 3, 8, y.data(), nullptr, nullptr);
  EXPECT_EQ(floats_of(y), run_forward(x, weight).y);

  auto dx = on_device(std::vector<float>(24, 0.5f));
  auto dweight = on_device(std::vector<float>(8, 0.0f));
  DeviceArray<float> workspace(8);
  const auto inverse = on_device(run_forward(x, weight).inverse);
  rms_norm_backward(on_device(x).data(), on_device(x).data(), bf16_on_device(weight).data(), inverse.data(),
                    3, 8, dx.data(), nullptr, dweight.data(), workspace.data(), nullptr);
  auto without = dx.download();
  for (float& value : without) value -= 0.5f;
  EXPECT_EQ(without, run_backward(x, x, weight).dx);
}

TEST(RmsNorm, DoesNothingForNoRows) {
  rms_norm(nullptr, nullptr, kEps, 0, 8, nullptr, nullptr, nullptr);
  rms_norm_backward(nullptr, nullptr, nullptr, nullptr, 0, 8, nullptr, nullptr, nullptr, nullptr, nullptr);
}

TEST(RmsNorm, RefusesWidthsItCannotHold) {
  EXPECT_EQ(refusal_of([] { rms_norm(nullptr, nullptr, 0, 1, 12, nullptr, nullptr, nullptr); }),
            "rms_norm: width 12 (need a multiple of 8)");
  EXPECT_EQ(refusal_of([] {
              rms_norm_backward(nullptr, nullptr, nullptr, nullptr, 1, 8200, nullptr, nullptr, nullptr,
                                nullptr, nullptr);
            }),
            "rms_norm_backward: width 8200 (need at most 8192)");
}

}  // namespace
}  // namespace reckon::cuda
