// SwiGLU, embedding, AdamW, sums.
#include <gtest/gtest.h>

#include "reckon/ops/adamw.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/sums.h"
#include "reckon/ops/swiglu.h"
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

// e^x errs by 2 ulp, the division, sums and products around it by half of one each.
TEST(Swiglu, ForwardAndBackwardMatchFloat64AndFiniteDifferences) {
  for (const std::size_t width : {1u, 16u, 21u, 64u}) {
    constexpr std::size_t kRows = 3;
    const auto gate_up = normal_values(kRows * 2 * width, 1, 3.0);
    const auto dh = normal_values(kRows * width, 2);
    std::vector<float> h(kRows * width), again(h.size()), dgate_up(gate_up.size(), 9.0f);
    swiglu(gate_up, width, h);
    swiglu_backward(dh, gate_up, width, dgate_up, again);
    EXPECT_EQ(h, again);  // the bits
    expect_close(h, reference::swiglu(doubles(gate_up), width), 1e-6, 1e-6);
    expect_close(dgate_up, reference::swiglu_backward(doubles(dh), doubles(gate_up), width), 1e-6, 1e-6);
    expect_gradient(
        doubles(gate_up), dgate_up, [&](const Doubles& x) { return dot(reference::swiglu(x, width), dh); },
        2e-6);
    std::vector<float> alone(gate_up.size());
    swiglu_backward(dh, gate_up, width, alone);
    EXPECT_EQ(alone, dgate_up);
  }
}

TEST(Swiglu, IsZeroOrTheProductWhereTheExponentialOverflows) {
  const std::vector<float> gate_up{-100.0f, 100.0f, 2.0f, 3.0f}, dh{1.0f, 1.0f};
  std::vector<float> h(2), dgate_up(4);
  swiglu(gate_up, 2, h);
  swiglu_backward(dh, gate_up, 2, dgate_up);
  expect_close(h, Doubles{0, 300}, 1e-6);
  expect_close(dgate_up, Doubles{0, 3, 0, 100}, 1e-6);  // silu' is 0 and 1
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

TEST(Embedding, MatchesFloat64ForOddWidths) {
  constexpr std::size_t kVocab = 11, kWidth = 21;
  const std::vector<std::uint32_t> ids{10, 0, 3, 3, 10, 7, 3};
  const auto table = normal_values(kVocab * kWidth, 1), dx = normal_values(ids.size() * kWidth, 2);
  std::vector<float> x(dx.size()), dtable(table.size());
  embedding(table, kWidth, ids, x);
  embedding_backward(dx, kWidth, ids, dtable);
  expect_close(x, reference::embedding(doubles(table), kWidth, ids), 0);
  // Three rows meet in one: two roundings.
  expect_close(dtable, reference::embedding_backward(doubles(dx), kWidth, ids, kVocab), 0, 0x1p-23);
  expect_gradient(
      doubles(table), dtable,
      [&](const Doubles& values) { return dot(reference::embedding(values, kWidth, ids), dx); }, 1e-6);
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

// Each step rounds a few times by 2^-24: of weights of 1, and of moments that later steps read. The betas are
// float32 in the op: 0.99 errs by 1e-8, which is 1e-6 of 1 - 0.99.
TEST(AdamW, MatchesFloat64OverSteps) {
  for (const std::size_t size : {1u, 15u, 21u, 64u, 1000u}) {
    std::vector<float> w = normal_values(size, 1), m(size), v(size);
    reference::AdamWState expected{doubles(w), Doubles(size), Doubles(size)};
    AdamWStep step{.learning_rate = 0.01,
                   .beta1 = 0.9,
                   .beta2 = 0.99,
                   .eps = 1e-3,
                   .weight_decay = 0.1,
                   .gradient_scale = 0.7};
    for (step.step = 1; step.step <= 20; ++step.step) {
      const auto gradient = normal_values(size, static_cast<std::uint64_t>(10 + step.step));
      adamw(w, gradient, m, v, step);
      reference::adamw(expected, doubles(gradient), step);
    }
    expect_close(w, expected.weight, 1e-6, 1e-6);
    expect_close(m, expected.first_moment, 1e-6, 1e-6);
    expect_close(v, expected.second_moment, 1e-6, 2e-6);
  }
}

// A shard of a parameter must come out as the whole does, wherever it is cut.
TEST(AdamW, BitsOfAValueDoNotDependOnItsPlace) {
  const auto weight = normal_values(257, 1), gradient = normal_values(257, 2);
  const auto first = normal_values(257, 3), second = [] {
    auto values = normal_values(257, 4);
    for (float& value : values) value *= value;
    return values;
  }();
  const AdamWStep step{.learning_rate = 0.01, .weight_decay = 0.1, .gradient_scale = 0.7, .step = 3};
  auto w = weight, m = first, v = second;
  adamw(w, gradient, m, v, step);
  auto cut_w = weight, cut_m = first, cut_v = second;
  std::size_t from = 0;
  for (const std::size_t length : {1u, 2u, 7u, 8u, 15u, 16u, 17u, 31u, 33u, 127u}) {
    adamw(std::span(cut_w).subspan(from, length), std::span(gradient).subspan(from, length),
          std::span(cut_m).subspan(from, length), std::span(cut_v).subspan(from, length), step);
    from += length;
  }
  ASSERT_EQ(from, 257u);
  EXPECT_EQ(w, cut_w);
  EXPECT_EQ(m, cut_m);
  EXPECT_EQ(v, cut_v);
}

TEST(SumOfSquares, AddsInFloat64) {
  // 10,000 times 1e-4 squared beside one 100 squared: float32 would lose the small ones.
  std::vector<float> values(10001, 1e-4f);
  values[0] = 100.0f;
  const double small = 1e-4f;  // the float nearest to it
  EXPECT_NEAR(sum_of_squares(values), 10000.0 + 10000 * small * small,
              4e-9);  // 4,096 additions in a block, each rounded by half an ulp of 1e4: 0.9e-12
}

TEST(SumOfSquares, MatchesExtendedPrecision) {
  for (const std::size_t size : {0u, 1u, 15u, 16u, 21u, 4095u, 4096u, 4097u, 10007u}) {
    const auto values = normal_values(size, 1);
    const double expected = reference::sum_of_squares(values);
    EXPECT_NEAR(sum_of_squares(values), expected, 1e-14 * expected) << size;  // 256 additions of 2^-53
  }
}

// Blocks of 4,096 in their order: a rank that holds some of them adds the same numbers.
TEST(SumOfSquares, IsTheSumOverItsBlocks) {
  const auto values = normal_values(4096 * 3 + 77, 1);
  double total = 0;
  for (std::size_t first = 0; first < values.size(); first += 4096) {
    total +=
        sum_of_squares(std::span(values).subspan(first, std::min<std::size_t>(4096, values.size() - first)));
  }
  EXPECT_EQ(sum_of_squares(values), total);
}

TEST(AddTo, AddsElementwise) {
  for (const std::size_t size : {1u, 21u, 64u}) {
    const auto from = normal_values(size, 1);
    std::vector<float> to = normal_values(size, 2);
    const std::vector<float> before = to;
    add_to(to, from);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(to[i], before[i] + from[i]);
  }
}

}  // namespace
}  // namespace reckon
