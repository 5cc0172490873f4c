// SwiGLU, embedding, AdamW.
#include <gtest/gtest.h>

#include <numeric>

#include "reckon/ops/adamw.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/swiglu.h"
#include "support/numbers.h"

namespace reckon {
namespace {

using testing::expect_close;
using testing::normal_values;

double silu(double g) {
  return g / (1.0 + std::exp(-g));
}

TEST(Swiglu, MatchesFloat64AndItsOwnDerivative) {
  constexpr std::size_t kWidth = 21, kRows = 3;  // one whole block of sixteen and a tail
  auto gate_up = normal_values(kRows * 2 * kWidth, 1, 3.0);
  gate_up[0] = -100.0f;  // e^100 overflows a float; silu is 0 there
  gate_up[1] = 100.0f;
  const auto dh = normal_values(kRows * kWidth, 2);
  std::vector<float> h(kRows * kWidth), dgate_up(gate_up.size());
  std::vector<double> expected(h.size()), expected_gradient(gate_up.size());
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t i = 0; i < kWidth; ++i) {
      const double g = gate_up[r * 2 * kWidth + i];
      const double u = gate_up[r * 2 * kWidth + kWidth + i];
      const double d = dh[r * kWidth + i];
      const double s = 1.0 / (1.0 + std::exp(-g));
      expected[r * kWidth + i] = silu(g) * u;
      expected_gradient[r * 2 * kWidth + i] = d * u * (s + g * s * (1 - s));
      expected_gradient[r * 2 * kWidth + kWidth + i] = d * silu(g);
    }
  }
  swiglu(gate_up, kWidth, h);
  swiglu_backward(dh, gate_up, kWidth, dgate_up);
  expect_close(h, expected, 1e-6, 1e-6);
  expect_close(dgate_up, expected_gradient, 1e-6, 1e-6);
}

TEST(Embedding, GathersRowsAndScattersGradients) {
  const std::vector<float> table{1, 2, 3, 4, 5, 6};
  const std::vector<std::uint32_t> ids{2, 0, 2};
  std::vector<float> x(6);
  embedding(table, 2, ids, x);
  EXPECT_EQ(x, (std::vector<float>{5, 6, 1, 2, 5, 6}));
  std::vector<float> dtable(6, 0.5f);
  embedding_backward(std::vector<float>{1, 2, 3, 4, 5, 6}, 2, ids, dtable);
  EXPECT_EQ(dtable, (std::vector<float>{3.5f, 4.5f, 0.5f, 0.5f, 6.5f, 8.5f}));  // row 2 got rows 0 and 2
  EXPECT_THROW(embedding(table, 2, std::vector<std::uint32_t>{3}, x), std::invalid_argument);
}

TEST(AdamW, MatchesHandWorkedSteps) {
  // b1 = 0.5, b2 = 0.5, lr = 0.1, eps = 0, decay 0.1, w = 1, g = 2:
  // m = 1, v = 2; corrected 2 and 4; direction 2 / 2 = 1; w = 1 - 0.1 (1 + 0.1) = 0.89.
  // Then g = 0: m = 0.5, v = 1; corrected 0.5 / 0.75 = 2/3, 1 / 0.75 = 4/3; direction 0.577350;
  // w = 0.89 - 0.1 (0.577350 + 0.089) = 0.823365.
  std::vector<float> w{1}, m{0}, v{0};
  AdamWStep step{
      .learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.5, .eps = 0, .weight_decay = 0.1, .gradient_scale = 0.5};
  step.step = 1;
  adamw(w, std::vector<float>{4}, m, v, step);  // scaled to 2
  EXPECT_NEAR(w[0], 0.89, 1e-6);
  EXPECT_NEAR(m[0], 1.0, 1e-6);
  EXPECT_NEAR(v[0], 2.0, 1e-6);
  step.step = 2;
  adamw(w, std::vector<float>{0}, m, v, step);
  EXPECT_NEAR(w[0], 0.823365, 1e-6);
}

TEST(SumOfSquares, AddsInFloat64) {
  // 10,000 times 1e-4 squared beside one 100 squared: float32 would lose the small ones.
  std::vector<float> values(10001, 1e-4f);
  values[0] = 100.0f;
  const double small = 1e-4f;  // the float nearest to it
  EXPECT_NEAR(sum_of_squares(values), 10000.0 + 10000 * small * small,
              4e-9);  // 4,096 additions in a block, each rounded by half an ulp of 1e4: 0.9e-12
}

}  // namespace
}  // namespace reckon
