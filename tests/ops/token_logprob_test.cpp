#include "reckon/ops/token_logprob.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/numbers.h"

namespace reckon {
namespace {

using testing::normal_values;

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

TEST(TokenLogprob, ForwardAndBackwardMatchFloat64) {
  for (const std::size_t vocab : {1u, 2u, 15u, 16u, 17u, 257u}) {
    constexpr std::size_t kRows = 4;
    const auto logits = normal_values(kRows * vocab, 1, 5.0);
    const auto coef = normal_values(kRows, 2);
    const float temperature = 0.7f;
    std::vector<std::uint32_t> ids;
    for (std::size_t r = 0; r < kRows; ++r) ids.push_back(static_cast<std::uint32_t>(r * 7 % vocab));
    std::vector<float> logprob(kRows), entropy(kRows), lse(kRows);
    token_logprob(logits, ids, temperature, logprob, entropy, lse);
    std::vector<float> gradient = logits;
    token_logprob_backward(coef, ids, temperature, lse, gradient);
    for (std::size_t r = 0; r < kRows; ++r) {
      double total = 0;
      for (std::size_t v = 0; v < vocab; ++v)
        total += std::exp(logits[r * vocab + v] / static_cast<double>(temperature));
      double expected_entropy = 0;
      for (std::size_t v = 0; v < vocab; ++v) {
        const double p = std::exp(logits[r * vocab + v] / static_cast<double>(temperature)) / total;
        if (p > 0) expected_entropy -= p * std::log(p);
        const double expected = coef[r] / static_cast<double>(temperature) * ((v == ids[r] ? 1.0 : 0.0) - p);
        ASSERT_NEAR(gradient[r * vocab + v], expected, 1e-5)
            << "row " << r << ", word " << v << " of " << vocab;
      }
      // |x| is up to 25 and half an ulp of it 1e-6; two such roundings.
      const double expected = logits[r * vocab + ids[r]] / static_cast<double>(temperature) - std::log(total);
      ASSERT_NEAR(logprob[r], expected, 1e-5);
      ASSERT_NEAR(entropy[r], expected_entropy, 2e-5);
    }
  }
}

TEST(TokenLogprob, HugeLogitsAndImpossibleWordsStayFinite) {
  const std::vector<float> logits{1e4f, -std::numeric_limits<float>::infinity(), 1e4f};
  std::vector<float> logprob(1), entropy(1);
  token_logprob(logits, std::vector<std::uint32_t>{0}, 1.0f, logprob);
  EXPECT_NEAR(logprob[0], std::log(0.5), 1e-3);
  EXPECT_THROW(token_logprob(logits, std::vector<std::uint32_t>{3}, 1.0f, logprob), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
