// Exact products: that a row's sum does not depend on how many rows there are, for the weights of real
// models.
#include <gtest/gtest.h>

#include <algorithm>

#include "device_values.h"
#include "reckon/cuda/gemm.h"

namespace reckon::cuda {
namespace {

using testing::normal_bf16;
using testing::on_device;

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
