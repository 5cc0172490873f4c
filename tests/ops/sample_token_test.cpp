// sample_token against gumbel_argmax, its definition, and token_logprob. What gumbel_argmax draws is held
// against numpy in tests/rollout/sampler_test.cpp.
#include "reckon/ops/sample_token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "reckon/base/philox.h"
#include "reckon/ops/token_logprob.h"
#include "support/numbers.h"

namespace reckon {
namespace {

using testing::normal_values;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::array kTemperatures{0.3, 0.7, 1.0, 2.0};

SampleKey key_of(std::uint32_t i) {
  return {.seed = 11, .stage = 3, .prompt_id = i / 7, .visit = i % 3, .sample_index = i};
}

/// At `draws` places: the same token, and the log-prob's bits.
void expect_same_draws(const std::vector<float>& logits, double temperature, std::uint32_t draws) {
  for (std::uint32_t i = 0; i < draws; ++i) {
    const SampleKey key = key_of(i);
    const SampledToken drawn = sample_token(logits, temperature, key, i * 5);
    ASSERT_EQ(drawn.token_id, gumbel_argmax(logits, temperature, key, i * 5))
        << "draw " << i << " of " << logits.size() << " at temperature " << temperature;
    std::vector<float> logprob(1);
    token_logprob(logits, std::array{drawn.token_id}, static_cast<float>(temperature), logprob);
    ASSERT_EQ(std::memcmp(&drawn.logprob, logprob.data(), sizeof(float)), 0)
        << drawn.logprob << " and " << logprob[0] << " of " << logits.size();
  }
}

/// Flat rows have many tokens near the best score, peaked ones a single one; scales as of trained models and
/// beyond. A constant far from zero is where float32 knows least of the differences.
void expect_same_draws_of_all_kinds(std::size_t vocab, std::uint32_t draws) {
  for (const double temperature : kTemperatures) {
    for (const double scale : {0.0, 0.01, 1.0, 5.0, 100.0}) {
      for (const float shift : {0.0f, 3000.0f, -3000.0f}) {
        auto logits = normal_values(vocab, 1 + vocab, scale);
        for (float& x : logits) x += shift;
        expect_same_draws(logits, temperature, draws);
      }
    }
    auto peaked = normal_values(vocab, 2);
    peaked[vocab / 2] += 30.0f;
    expect_same_draws(peaked, temperature, draws);
  }
}

TEST(SampleToken, IsTheGumbelArgmaxWithTheLogprobOfTheLearner) {
  for (const std::size_t vocab : {1u, 3u, 11u, 64u, 65u, 100u, 512u, 1000u}) {
    expect_same_draws_of_all_kinds(vocab, vocab > 500 ? 40 : 100);
  }
}

TEST(SampleToken, IsTheGumbelArgmaxOfALargeVocabulary) {
  constexpr std::size_t kVocab = 151665;
  for (const double scale : {0.0, 3.0}) {
    for (const double temperature : kTemperatures) {
      expect_same_draws(normal_values(kVocab, 5, scale), temperature, 3);
    }
  }
}

// Every token must be drawn sometimes: a test in which only one can win shows little.
TEST(SampleToken, DrawsEveryTokenOfAFlatRow) {
  const std::vector<float> flat(100, 1.0f);
  std::array<int, 100> counts{};
  for (std::uint32_t i = 0; i < 4000; ++i) ++counts[sample_token(flat, 1.0, key_of(i), 0).token_id];
  // 40 expected, deviation 6.3: beyond five of them once in 20,000 runs of other keys.
  EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 8);
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 75);
}

TEST(SampleToken, NeverDrawsAnImpossibleToken) {
  auto logits = normal_values(100, 1);
  for (std::size_t v = 0; v < 100; v += 2) logits[v] = -kInfinity;
  for (std::uint32_t i = 0; i < 300; ++i) EXPECT_EQ(sample_token(logits, 1.0, key_of(i), 0).token_id % 2, 1u);
  expect_same_draws(logits, 0.7, 100);
  std::fill(logits.begin(), logits.end(), -kInfinity);
  logits[77] = -5.0f;
  expect_same_draws(logits, 0.7, 20);
  EXPECT_EQ(sample_token(logits, 1.0, key_of(0), 0).token_id, 77u);
  logits[77] = -kInfinity;  // nothing can be drawn
  EXPECT_EQ(sample_token(logits, 1.0, key_of(0), 0).token_id, gumbel_argmax(logits, 1.0, key_of(0), 0));
}

/// The token alone: log-probs are not numbers here.
void expect_same_tokens(const std::vector<float>& logits) {
  for (const double temperature : kTemperatures) {
    for (std::uint32_t i = 0; i < 50; ++i) {
      ASSERT_EQ(sample_token(logits, temperature, key_of(i), i).token_id,
                gumbel_argmax(logits, temperature, key_of(i), i))
          << "draw " << i;
    }
  }
}

TEST(SampleToken, IsTheGumbelArgmaxBesideNaN) {
  for (const std::size_t at : {0u, 5u, 16u, 63u, 84u, 99u}) {
    auto logits = normal_values(100, 1, 3.0);
    logits[at] = kNan;
    expect_same_tokens(logits);
  }
  expect_same_tokens(std::vector<float>(100, kNan));
  // A NaN makes the maximum forget what stood before it in its lane, by more than e^x can hold.
  std::vector<float> logits(48, 0.0f);
  for (std::size_t v = 0; v < 16; ++v) logits[v] = 84.0f + static_cast<float>(v);
  for (std::size_t v = 16; v < 32; ++v) logits[v] = kNan;
  expect_same_tokens(logits);
}

TEST(SampleToken, IsTheGumbelArgmaxBesideInfinity) {
  for (const std::size_t at : {0u, 5u, 99u}) {
    auto logits = normal_values(100, 1);
    logits[at] = kInfinity;
    expect_same_tokens(logits);
  }
  auto logits = normal_values(100, 1);
  logits[3] = logits[90] = kInfinity;  // the first of two that tie
  expect_same_tokens(logits);
}

TEST(Argmax, TiesGoToTheLowerId) {
  EXPECT_EQ(argmax(std::array{1.0f, 3.0f, 2.0f, 3.0f}), 1u);
  EXPECT_EQ(argmax(std::array{-kInfinity, -kInfinity}), 0u);
  EXPECT_EQ(argmax(std::array{-2.0f}), 0u);
}

}  // namespace
}  // namespace reckon
