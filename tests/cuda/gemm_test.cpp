// Products: their formulas, and that a row's sum does not depend on how many rows there are.
#include <gtest/gtest.h>

#include "device_values.h"
#include "reckon/cuda/gemm.h"

namespace reckon::cuda {
namespace {

using testing::bf16_on_device;
using testing::doubles;
using testing::floats_of;
using testing::normal_bf16;
using testing::on_device;

struct GemmShape {
  std::int64_t m, n, k;
};

class GemmTest : public ::testing::TestWithParam<GemmShape> {
 protected:
  std::int64_t m = GetParam().m, n = GetParam().n, k = GetParam().k;
  std::vector<float> x = normal_bf16(size(m, k), 1), w = normal_bf16(size(n, k), 2),
                     dy = normal_bf16(size(m, n), 3);
  DeviceArray<bf16> x_array = bf16_on_device(x), w_array = bf16_on_device(w), dy_array = bf16_on_device(dy);
  Gemm gemm{GemmSums::exact};

  static std::size_t size(std::int64_t rows, std::int64_t columns) {
    return static_cast<std::size_t>(rows * columns);
  }
  [[nodiscard]] testing::Doubles forward() const {
    return testing::reference::linear(doubles(x), doubles(w), static_cast<std::size_t>(n),
                                      static_cast<std::size_t>(k));
  }
  /// Each value within what float32 loses over `terms` products of size 1.
  static void expect_near(const std::vector<float>& actual, const testing::Doubles& expected,
                          std::int64_t terms) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], 1e-6 * static_cast<double>(terms)) << i;
  }
};
INSTANTIATE_TEST_SUITE_P(Shapes, GemmTest,
                         ::testing::Values(GemmShape{1, 8, 8}, GemmShape{5, 24, 16}, GemmShape{33, 40, 64},
                                           GemmShape{130, 136, 72}));

TEST_P(GemmTest, ForwardIsXTimesWTransposed) {
  DeviceArray<bf16> y(size(m, n));
  gemm.forward(x_array.data(), w_array.data(), y.data(), m, n, k, nullptr);
  testing::expect_rounded(floats_of(y), forward(), 1e-6);
}

TEST_P(GemmTest, ForwardAddsToAResidualElsewhereOrInPlace) {
  const std::vector<float> residual = testing::normal_values(size(m, n), 4, 1.0);
  testing::Doubles expected = forward();
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += static_cast<double>(residual[i]);
  const DeviceArray<float> before = on_device(residual);
  DeviceArray<float> y(residual.size());
  gemm.forward_add(x_array.data(), w_array.data(), before.data(), y.data(), m, n, k, nullptr);
  expect_near(y.download(), expected, k);
  EXPECT_EQ(before.download(), residual);
  DeviceArray<float> in_place = on_device(residual);
  gemm.forward_add(x_array.data(), w_array.data(), in_place.data(), in_place.data(), m, n, k, nullptr);
  EXPECT_EQ(in_place.download(), y.download());
}

TEST_P(GemmTest, BackwardGivesTheGradientsOfInputAndWeight) {
  const testing::Doubles dx = testing::reference::linear_backward_input(
      doubles(dy), doubles(w), static_cast<std::size_t>(n), static_cast<std::size_t>(k));
  DeviceArray<bf16> rounded(size(m, k));
  gemm.backward_input(dy_array.data(), w_array.data(), rounded.data(), m, n, k, nullptr);
  testing::expect_rounded(floats_of(rounded), dx, 1e-6);
  DeviceArray<float> plain(size(m, k));
  gemm.backward_input(dy_array.data(), w_array.data(), plain.data(), m, n, k, nullptr);
  expect_near(plain.download(), dx, n);

  testing::Doubles dw = testing::reference::linear_backward_weight(
      doubles(dy), doubles(x), static_cast<std::size_t>(n), static_cast<std::size_t>(k));
  for (double& value : dw) value += 2.0;
  DeviceArray<float> sum = on_device(std::vector<float>(size(n, k), 2.0f));
  gemm.backward_weight(dy_array.data(), x_array.data(), sum.data(), m, n, k, nullptr);
  expect_near(sum.download(), dw, m + 8);
}

TEST_P(GemmTest, RowsMayBeApart) {
  const std::int64_t stride = n + 8;
  std::vector<float> padded(size(m, stride), 7.0f);
  for (std::int64_t row = 0; row < m; ++row)
    std::copy_n(dy.begin() + row * n, n, padded.begin() + row * stride);
  const DeviceArray<bf16> apart = bf16_on_device(padded);
  DeviceArray<float> dx(size(m, k)), together(size(m, k));
  gemm.backward_input(apart.data(), w_array.data(), dx.data(), m, n, k, nullptr, stride);
  gemm.backward_input(dy_array.data(), w_array.data(), together.data(), m, n, k, nullptr);
  expect_near(dx.download(), doubles(together.download()), n);
  DeviceArray<float> dw = on_device(std::vector<float>(size(n, k))),
                     dw_together = on_device(std::vector<float>(size(n, k)));
  gemm.backward_weight(apart.data(), x_array.data(), dw.data(), m, n, k, nullptr, stride);
  gemm.backward_weight(dy_array.data(), x_array.data(), dw_together.data(), m, n, k, nullptr);
  expect_near(dw.download(), doubles(dw_together.download()), m);

  DeviceArray<bf16> y = bf16_on_device(padded);
  gemm.forward(x_array.data(), w_array.data(), y.data(), m, n, k, nullptr, stride);
  const std::vector<float> values = floats_of(y);
  const testing::Doubles expected = forward();
  for (std::int64_t row = 0; row < m; ++row) {
    for (std::int64_t column = 0; column < stride; ++column) {
      const float value = values[size(row, stride) + static_cast<std::size_t>(column)];
      if (column >= n) {
        ASSERT_EQ(value, 7.0f) << "behind the row";
      } else {
        const double wanted = expected[size(row, n) + static_cast<std::size_t>(column)];
        ASSERT_NEAR(value, wanted, testing::half_ulp(wanted) + 1e-5);
      }
    }
  }
}

TEST(GemmRows, NothingIsDoneForNoRows) {
  Gemm gemm(GemmSums::exact);
  gemm.forward(nullptr, nullptr, static_cast<bf16*>(nullptr), 0, 8, 8, nullptr);
  gemm.backward_weight(nullptr, nullptr, nullptr, 0, 8, 8, nullptr);
}

/// The weights of a model, [N, K] each: qkv, out, gate and up, down, and the head.
struct ModelWeights {
  const char* name;
  std::int64_t hidden, qkv, inner, vocab;
};

class GemmRowsOf : public ::testing::TestWithParam<ModelWeights> {};
/// The emulator sums every product alike: there the sweep only tests itself, and is small.
std::vector<ModelWeights> swept_models() {
#ifdef RECKON_EMULATE_CUDA
  return {{"small", 16, 32, 40, 64}};
#else
  return {{"qwen2_5_0_5b", 896, 1152, 4864, 151936},
          {"qwen2_5_1_5b", 1536, 2048, 8960, 151936},
          {"qwen2_5_7b", 3584, 4608, 18944, 152064}};
#endif
}
INSTANTIATE_TEST_SUITE_P(Models, GemmRowsOf, ::testing::ValuesIn(swept_models()),
                         [](const auto& instance) { return instance.param.name; });

/// Fewer rows that give other bits than in the product of all of them. \return its M, or 0
template <class Product>
std::int64_t first_difference(std::int64_t columns, std::int64_t most_rows, const Product& product) {
  using T = std::uint16_t;
  const auto rows_of = [&](std::int64_t rows, std::int64_t at) {
    DeviceArray<bf16> y(static_cast<std::size_t>(rows * columns));
    product(at, rows, y.data());
    std::vector<T> bits;
    for (const bf16 value : y.download()) bits.push_back(value.bits);
    return bits;
  };
  const std::vector<T> all = rows_of(most_rows, 0);
  for (const std::int64_t rows : {1, 2, 8, 17, 64, 256}) {
    if (rows >= most_rows) continue;
    const std::int64_t at = most_rows - rows - 3;  // other places of the tiles
    const std::vector<T> some = rows_of(rows, at);
    if (!std::equal(some.begin(), some.end(), all.begin() + at * columns)) return rows;
  }
  return 0;
}

TEST_P(GemmRowsOf, ExactSumsOfARowDoNotDependOnTheOthers) {
  const ModelWeights& model = GetParam();
  Gemm gemm(GemmSums::exact);
  struct Weight {
    const char* name;
    std::int64_t n, k;
  };
  for (const Weight& weight : {Weight{"qkv", model.qkv, model.hidden},
                               {"out", model.hidden, model.hidden},
                               {"gate_up", 2 * model.inner, model.hidden},
                               {"down", model.hidden, model.inner},
                               {"head", model.vocab, model.hidden}}) {
    const std::int64_t most_rows = is_emulated() ? 40 : weight.n > 100000 ? 512 : 2048;
    // A block of random numbers again and again: a billion of them would take longer than the products.
    const auto filled = [](std::int64_t count, std::uint64_t seed) {
      const std::vector<float> block = normal_bf16(100003, seed);
      std::vector<bf16> values(static_cast<std::size_t>(count));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = to_bf16(block[i % block.size()]);
      return on_device(values);
    };
    const DeviceArray<bf16> x = filled(most_rows * weight.k, 1), w = filled(weight.n * weight.k, 2);
    const std::int64_t rows =
        first_difference(weight.n, most_rows, [&](std::int64_t at, std::int64_t count, bf16* y) {
          gemm.forward(x.data() + at * weight.k, w.data(), y, count, weight.n, weight.k, nullptr);
        });
    EXPECT_EQ(rows, 0) << weight.name << " [" << weight.n << ", " << weight.k
                       << "]: rows differ at M = " << rows;
  }
}

TEST(GemmRows, TheSweepSeesARowThatDependsOnTheOthers) {
  const std::int64_t rows = first_difference(8, 40, [](std::int64_t, std::int64_t count, bf16* y) {
    std::vector<bf16> values(static_cast<std::size_t>(count * 8), to_bf16(count == 17 ? 1.0f : 2.0f));
    copy_to_device(y, values.data(), values.size() * sizeof(bf16), nullptr);
    synchronize(nullptr);
  });
  EXPECT_EQ(rows, 17);
}

}  // namespace
}  // namespace reckon::cuda
