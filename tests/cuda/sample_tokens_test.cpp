// sample_tokens against Gumbel-max in float64, token_logprob, and draws written down from the definition
// (tests/golden/gumbel_draws.py).
#include <gmock/gmock.h>

#include "every_order.h"
#include "logit_batch.h"
#include "reckon/base/philox.h"
#include "reckon/cuda/sample.h"

namespace reckon::cuda {
namespace {

DrawKey key_of(std::uint64_t seed, std::uint64_t prompt, std::uint32_t position, std::uint32_t sample,
               std::uint32_t visit = 0) {
  const std::uint64_t name = mix64(seed, 1, prompt);
  return {.key = {static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)},
          .position = position,
          .visit = visit,
          .sample_index = sample};
}
std::vector<DrawKey> keys_of(std::int64_t rows, std::uint32_t first = 0) {
  std::vector<DrawKey> keys;
  for (std::uint32_t r = 0; r < static_cast<std::uint32_t>(rows); ++r)
    keys.push_back(key_of(11, r / 7, 5 * r + first, r, r % 3));
  return keys;
}

/// gumbel_argmax() of reckon/ops/sample_token.h.
std::uint32_t gumbel_argmax(const std::vector<double>& logits, double temperature, const DrawKey& key) {
  std::uint32_t best = 0;
  double best_score = -HUGE_VAL;
  for (std::uint32_t v = 0; v < logits.size(); ++v) {
    const auto words =
        philox4x32({v / 4, key.position, key.visit, key.sample_index}, {key.key[0], key.key[1]});
    const double uniform = (static_cast<double>(words[v % 4]) + 0.5) * 0x1.0p-32;
    const double score = logits[v] / temperature - std::log(-std::log(uniform));
    if (score > best_score) {
      best_score = score;
      best = v;
    }
  }
  return best;
}

struct Results {
  std::vector<std::uint32_t> tokens;
  std::vector<float> logprob, entropy, lse;
};

Results run(const RowPlan& plan, const LogitBatch& batch, const std::vector<DrawKey>& draw_keys,
            float temperature = 1) {
  DeviceLogits logits(batch);
  DeviceArray<DrawKey> keys;
  keys.upload(draw_keys);
  DeviceArray<std::uint32_t> tokens(draw_keys.size());
  TokenColumns out(batch.rows);
  sample_tokens(plan, logits.rows, keys.data(), temperature, tokens.data(), out.outputs(), nullptr);
  EXPECT_EQ(bits_of(logits.values.download()), bits_of(batch.values)) << "the logits were changed";
  return {tokens.download(), out.logprob.download(), out.entropy.download(), out.lse.download()};
}
Results run(const LogitBatch& batch, const std::vector<DrawKey>& keys, float temperature = 1) {
  return run(plan_row(batch.vocab, device_info()), batch, keys, temperature);
}

void expect_reference(const LogitBatch& batch, float temperature, std::uint32_t first = 0) {
  const auto keys = keys_of(batch.rows, first);
  const Results actual = run(batch, keys, temperature);
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    ASSERT_EQ(actual.tokens[i], gumbel_argmax(batch.row(r), static_cast<double>(temperature), keys[i]))
        << "row " << r << " of " << batch.vocab << " words at temperature " << temperature;
  }
}

TEST_P(EveryOrder, DrawsAreTheSameNumbersForEver) {
  LogitBatch batch(12, 10);
  std::vector<DrawKey> keys;
  for (std::uint32_t position = 0; position < 12; ++position) {
    keys.push_back(key_of(7, 5, position, 3));
    for (std::int64_t v = 0; v < 10; ++v) batch.at(position, v) = to_bf16(static_cast<float>(v) / 4);
  }
  EXPECT_THAT(run(batch, keys).tokens, ::testing::ElementsAre(7, 9, 8, 5, 7, 9, 9, 8, 5, 9, 1, 9));
}

// Flat rows have many tokens near the best score, peaked ones a single one; a constant far from zero is where
// float32 knows least of the differences.
TEST_P(EveryOrder, SampledTokensAreTheGumbelArgmax) {
  for (const std::int64_t vocab : {1, 3, 31, 32, 33, 255, 256, 257, 4097}) {
    for (const auto& [scale, shift] :
         {std::pair{0.0, 0.0}, {1.0, 0.0}, {1.0, -3000.0}, {5.0, 3000.0}, {5.0, 0.0}, {100.0, 0.0}}) {
      for (const float temperature : {0.3f, 2.0f}) {
        expect_reference(LogitBatch(vocab > 1000 ? 2 : 5, vocab, 3, scale, shift), temperature);
      }
    }
  }
}

TEST_P(EveryOrder, SampledTokensAreTheGumbelArgmaxOfLargeVocabularies) {
  for (const std::int64_t vocab : {49152 + 8, 151936, 151669}) {
    for (const double scale : {0.0, 3.0}) expect_reference(LogitBatch(2, vocab, 5, scale), 0.7f);
  }
}

TEST_P(EveryOrder, EveryTokenOfAFlatRowIsDrawn) {
  LogitBatch batch(600, 12, 1, 0.0);
  std::vector<int> counts(12);
  for (const std::uint32_t token : run(batch, keys_of(600)).tokens) ++counts[token];
  // 50 expected, deviation 6.8.
  EXPECT_THAT(counts, ::testing::Each(::testing::AllOf(::testing::Gt(20), ::testing::Lt(85))));
}

TEST_P(EveryOrder, TheLogprobOfASampledTokenHasTheBitsOfTheLearner) {
  for (const std::int64_t vocab : {1, 33, 4099, 38017, 151936}) {
    const LogitBatch batch(2, vocab, 9, 2.0);
    for (const RowPlan& plan : plans_of(vocab)) {
      const Results drawn = run(plan, batch, keys_of(2), 0.8f);
      LogitBatch learned = batch;
      learned.tokens = drawn.tokens;
      DeviceLogits logits(learned);
      TokenColumns out(2);
      token_logprob(logits.rows, logits.tokens.data(), 0.8f, out.outputs(), nullptr);
      EXPECT_EQ(bits_of(drawn.logprob), bits_of(out.logprob.download())) << vocab;
      EXPECT_EQ(bits_of(drawn.entropy), bits_of(out.entropy.download())) << vocab;
      EXPECT_EQ(bits_of(drawn.lse), bits_of(out.lse.download())) << vocab;
    }
  }
}

TEST_P(EveryOrder, ADrawDoesNotDependOnTheBatchOrThePath) {
  for (const std::int64_t vocab : {1000, 40001}) {
    const LogitBatch batch(4, vocab, 2, 1.0);
    const auto keys = keys_of(4);
    const auto plans = plans_of(vocab);
    const Results all = run(plans[0], batch, keys);
    EXPECT_EQ(run(plans[1], batch, keys).tokens, all.tokens);
    // On a GPU three rows or more for each cluster that it has at once.
    std::vector<std::int64_t> which{3, 1};
    for (std::int64_t i = 0; i < (is_emulated() ? 7 : 1500); ++i) which.push_back((3 * i + i / 5) % 4);
    std::vector<DrawKey> some_keys;
    for (const std::int64_t r : which) some_keys.push_back(keys[static_cast<std::size_t>(r)]);
    const Results some = run(plans[0], batch.picked(which), some_keys);
    for (std::size_t i = 0; i < which.size(); ++i) {
      const auto r = static_cast<std::size_t>(which[i]);
      ASSERT_EQ(some.tokens[i], all.tokens[r]) << i;
      ASSERT_EQ(bits_of(std::vector{some.logprob[i]}), bits_of(std::vector{all.logprob[r]})) << i;
    }
  }
}

TEST_P(EveryOrder, AGreedyRowTakesTheFirstOfTheLargest) {
  for (const std::int64_t vocab : {9, 4099, 40001}) {
    LogitBatch batch(3, vocab);
    auto keys = keys_of(3);
    keys[0].greedy = keys[2].greedy = 1;
    for (const std::int64_t v : {3, 6, static_cast<int>(vocab) - 1}) batch.at(0, v) = to_bf16(50);
    batch.at(2, vocab - 1) = to_bf16(50);
    for (const RowPlan& plan : plans_of(vocab)) {
      const Results actual = run(plan, batch, keys);
      EXPECT_EQ(actual.tokens[0], 3U);
      EXPECT_EQ(actual.tokens[1], gumbel_argmax(batch.row(1), 1, keys[1]));
      EXPECT_EQ(actual.tokens[2], vocab - 1);
      EXPECT_NEAR(actual.logprob[0], std::log(1.0 / 3), 1e-6);
    }
  }
}

TEST_P(EveryOrder, ImpossibleTokensAreNotDrawn) {
  LogitBatch batch(20, 100, 1, 1.0);
  for (std::int64_t r = 0; r < 20; ++r) {
    for (std::int64_t v = 0; v < 100; ++v) {
      if (r < 10 ? v % 2 == 0 : v != 77) batch.at(r, v) = to_bf16(-kInfinity);
    }
  }
  expect_reference(batch, 0.7f);
  const auto tokens = run(batch, keys_of(20)).tokens;
  for (std::size_t r = 0; r < 20; ++r) EXPECT_TRUE(r < 10 ? tokens[r] % 2 == 1 : tokens[r] == 77);
}

TEST_P(EveryOrder, SampledTokensAreTheGumbelArgmaxBesideNaNAndInfinity) {
  LogitBatch batch(8, 100, 1, 3.0);
  for (const std::int64_t v : {0, 5, 99}) batch.at(0, v) = to_bf16(kNan);
  batch.at(1, 3) = batch.at(1, 90) = to_bf16(kInfinity);  // the first of two that tie
  for (std::int64_t v = 0; v < 100; ++v) {
    batch.at(2, v) = to_bf16(kNan);        // nothing can be drawn: 0
    batch.at(3, v) = to_bf16(-kInfinity);  // nor here
  }
  batch.at(4, 50) = to_bf16(kInfinity);
  batch.at(4, 51) = to_bf16(kNan);
  for (std::int64_t v = 0; v < 100; ++v) batch.at(5, v) = to_bf16(3e38f);  // x log2(e) / T overflows
  batch.at(6, 99) = to_bf16(-3e38f);
  for (const float temperature : {0.7f, 1.0f}) expect_reference(batch, temperature);
  const Results actual = run(batch, keys_of(8));
  EXPECT_EQ(actual.tokens[1], 3U);
  EXPECT_TRUE(std::isnan(actual.logprob[0]));
  EXPECT_TRUE(std::isfinite(actual.logprob[7]));
}

TEST(SampleTokens, OfNoRowsDoesNothing) {
  sample_tokens({nullptr, 0, 32, 32}, nullptr, 1, nullptr, {}, nullptr);
}

std::string message_of(float temperature) {
  try {
    sample_tokens({nullptr, 2, 32, 32}, nullptr, temperature, nullptr, {}, nullptr);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(SampleTokens, SaysWhatIsWrongWithItsArguments) {
  EXPECT_EQ(message_of(0), "sample_tokens: temperature 0.000000 (need a finite number above 0)");
  EXPECT_EQ(message_of(1), "sample_tokens: keys or token_ids is null (need both)");
}

}  // namespace
}  // namespace reckon::cuda
