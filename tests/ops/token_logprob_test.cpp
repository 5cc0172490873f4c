#include "reckon/ops/token_logprob.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/finite_differences.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon {
namespace {

using testing::dot;
using testing::Doubles;
using testing::doubles;
using testing::expect_close;
using testing::normal_values;
namespace reference = testing::reference;

TEST(TokenLogprob, MatchesHandWorkedNumbers) {
  // Logits (0, ln 3) are shares 1/4 and 3/4; at temperature 0.5 they are 1/10 and 9/10.
  const std::vector<float> logits{0.0f, std::log(3.0f)};
  const std::vector<std::uint32_t> id{1};
  std::vector<float> logprob(1), entropy(1);
  token_logprob(logits, id, 1.0f, logprob, entropy);
  EXPECT_NEAR(logprob[0], std::log(0.75), 1e-6);
  EXPECT_NEAR(entropy[0], -0.25 * std::log(0.25) - 0.75 * std::log(0.75), 1e-6);
  token_logprob(logits, id, 0.5f, logprob, entropy);
  EXPECT_NEAR(logprob[0], std::log(0.9), 1e-6);
  EXPECT_NEAR(entropy[0], -0.1 * std::log(0.1) - 0.9 * std::log(0.9), 1e-6);
}

struct Computed {
  std::vector<float> logprob, entropy, lse, gradient;
};

Computed compute(const std::vector<float>& logits, const std::vector<std::uint32_t>& ids, float temperature,
                 const std::vector<float>& coef) {
  const std::size_t rows = ids.size();
  Computed r{std::vector<float>(rows), std::vector<float>(rows), std::vector<float>(rows), logits};
  token_logprob(logits, ids, temperature, r.logprob, r.entropy, r.lse);
  token_logprob_backward(coef, ids, temperature, r.lse, r.gradient);
  return r;
}

std::vector<std::uint32_t> some_ids(std::size_t rows, std::size_t vocab) {
  std::vector<std::uint32_t> ids;
  for (std::size_t r = 0; r < rows; ++r)
    ids.push_back(static_cast<std::uint32_t>((r * 7 + vocab - 1) % vocab));
  return ids;
}

// x / T is up to 60 here: 1 / T and the product round by 2^-24 of it each, 7e-6 together. So do lse and
// log-prob; a sum of e^x of 2 ulp each is beside that.
constexpr double kTolerance = 1e-5;

TEST(TokenLogprob, ForwardAndBackwardMatchFloat64) {
  for (const std::size_t vocab : {1u, 2u, 11u, 15u, 16u, 17u, 257u, 512u, 1000u, 151665u}) {
    const std::size_t rows = vocab > 1000 ? 1 : 4;
    const auto ids = some_ids(rows, vocab);
    const auto logits = normal_values(rows * vocab, 1, 5.0), coef = normal_values(rows, 2);
    for (const float temperature : {0.3f, 0.7f, 1.0f, 2.0f}) {
      SCOPED_TRACE(::testing::Message() << "vocabulary " << vocab << ", temperature " << temperature);
      const Computed ours = compute(logits, ids, temperature, coef);
      const auto expected = reference::token_logprob(doubles(logits), ids, static_cast<double>(temperature));
      expect_close(ours.logprob, expected.logprob, kTolerance);
      expect_close(ours.lse, expected.lse, kTolerance);
      expect_close(ours.entropy, expected.entropy, 2 * kTolerance);
      const Doubles gradient = reference::token_logprob_backward(doubles(coef), doubles(logits), ids,
                                                                 static_cast<double>(temperature));
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        // p errs by kTolerance of itself; so does 1 - p.
        const double factor = std::abs(coef[i / vocab] / static_cast<double>(temperature));
        const double size = i % vocab == ids[i / vocab] ? factor : std::abs(gradient[i]);
        ASSERT_NEAR(ours.gradient[i], gradient[i], kTolerance * size + 1e-12) << "at " << i;
      }
    }
  }
}

TEST(TokenLogprob, GradientMatchesFiniteDifferences) {
  for (const std::size_t vocab : {2u, 11u, 37u}) {
    const auto ids = some_ids(3, vocab);
    const auto logits = normal_values(3 * vocab, 1), coef = normal_values(3, 2);
    const Computed ours = compute(logits, ids, 0.7f, coef);
    testing::expect_gradient(
        doubles(logits), ours.gradient,
        [&](const Doubles& x) {
          return dot(reference::token_logprob(x, ids, static_cast<double>(0.7f)).logprob, coef);
        },
        2e-6);
  }
}

TEST(TokenLogprob, IsExactlyZeroWhereThereIsOneWord) {
  for (const float logit : {0.0f, 0.1f, -37.3f, 1e4f}) {
    const Computed ours = compute({logit}, {0}, 0.7f, {1.0f});
    EXPECT_EQ(ours.logprob[0], 0.0f);
    EXPECT_NEAR(ours.entropy[0], 0.0, 1e-3);
  }
}

// The optional outputs do not change the others.
TEST(TokenLogprob, HasTheSameBitsWithoutEntropy) {
  for (const std::size_t vocab : {11u, 512u, 1000u}) {
    const auto ids = some_ids(4, vocab);
    const auto logits = normal_values(4 * vocab, 1, 5.0);
    const Computed ours = compute(logits, ids, 0.7f, std::vector<float>(4));
    std::vector<float> logprob(4), lse(4);
    token_logprob(logits, ids, 0.7f, logprob);
    EXPECT_EQ(logprob, ours.logprob);
    token_logprob(logits, ids, 0.7f, logprob, {}, lse);
    EXPECT_EQ(lse, ours.lse);
  }
}

TEST(TokenLogprob, HugeLogitsAndImpossibleWordsStayFinite) {
  const std::vector<float> logits{1e4f, -std::numeric_limits<float>::infinity(), 1e4f};
  std::vector<float> logprob(1), entropy(1);
  token_logprob(logits, std::vector<std::uint32_t>{0}, 1.0f, logprob);
  EXPECT_NEAR(logprob[0], std::log(0.5), 1e-3);
  EXPECT_THROW(token_logprob(logits, std::vector<std::uint32_t>{3}, 1.0f, logprob), std::invalid_argument);
}

TEST(TokenLogprob, ImpossibleWordsAddNothingToTheEntropy) {
  auto logits = normal_values(50, 1);
  for (const std::size_t at : {0u, 3u, 31u, 49u}) logits[at] = -std::numeric_limits<float>::infinity();
  const Computed ours = compute(logits, {7}, 0.7f, {1.0f});
  const auto expected = reference::token_logprob(doubles(logits), std::vector<std::uint32_t>{7}, 0.7);
  EXPECT_NEAR(ours.logprob[0], expected.logprob[0], 1e-6);
  EXPECT_NEAR(ours.entropy[0], expected.entropy[0], 1e-6);
  EXPECT_EQ(ours.gradient[3], 0.0f);
}

// A model that has left the numbers must not look as if it had log-probs.
TEST(TokenLogprob, IsNoNumberWhereOneLogitIsNone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {0u, 1u, 16u, 20u}) {
      auto logits = normal_values(21, 1);
      logits[at] = bad;
      const Computed ours = compute(logits, {7}, 1.0f, {1.0f});
      EXPECT_TRUE(std::isnan(ours.logprob[0])) << ours.logprob[0];
      EXPECT_TRUE(std::isnan(ours.entropy[0])) << ours.entropy[0];
      EXPECT_TRUE(std::isnan(ours.lse[0])) << ours.lse[0];
    }
  }
}

}  // namespace
}  // namespace reckon
