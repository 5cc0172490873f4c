// token_logprob against float64: values, edges, and the same bits whoever computes a row.
#include <gmock/gmock.h>

#include "every_order.h"
#include "logit_batch.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {
namespace {

struct Results {
  std::vector<float> logprob, entropy, lse;
};

Results run(const RowPlan& plan, const LogitBatch& batch, float temperature = 1) {
  DeviceLogits logits(batch);
  TokenColumns out(batch.rows);
  token_logprob(plan, logits.rows, logits.tokens.data(), temperature, out.outputs(), nullptr);
  EXPECT_EQ(bits_of(logits.values.download()), bits_of(batch.values)) << "the logits were changed";
  return {out.logprob.download(), out.entropy.download(), out.lse.download()};
}
Results run(const LogitBatch& batch, float temperature = 1) {
  return run(plan_row(batch.vocab, device_info()), batch, temperature);
}

void expect_reference(const LogitBatch& batch, float temperature) {
  const Results actual = run(batch, temperature);
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    const RowReference expected(batch.row(r), temperature);
    const double logprob = expected.log_p[batch.tokens[i]];
    ASSERT_NEAR(actual.logprob[i], logprob, kLogprobError * (1 + std::abs(logprob))) << batch.vocab;
    ASSERT_NEAR(actual.entropy[i], expected.entropy, kLogprobError * (1 + expected.entropy)) << batch.vocab;
    ASSERT_NEAR(actual.lse[i], expected.lse, kLogprobError * (1 + std::abs(expected.lse))) << batch.vocab;
  }
}

TEST_P(EveryOrder, TokenLogprobMatchesFloat64) {
  for (const std::int64_t vocab : {1, 7, 31, 32, 33, 255, 256, 257, 4096}) {
    for (const float temperature : {0.7f, 1.0f, 2.5f}) expect_reference(LogitBatch(3, vocab, 5), temperature);
  }
  expect_reference(LogitBatch(70, 33), 1);
}

TEST_P(EveryOrder, TokenLogprobMatchesFloat64OfLargeVocabularies) {
  expect_reference(LogitBatch(2, 49152 + 8), 1);
  expect_reference(LogitBatch(2, 151936, 3, 2.0), 0.6f);
  expect_reference(LogitBatch(1, 151936, 3, 0.0), 1);  // flat: the entropy is log V
}

TEST_P(EveryOrder, TokenLogprobIsWhatAHandComputes) {
  LogitBatch batch(3, 2);
  const float values[3][2] = {{1, 0}, {0, 0}, {-3, -kInfinity}};
  for (std::int64_t r = 0; r < 3; ++r) {
    for (std::int64_t v = 0; v < 2; ++v) batch.at(r, v) = to_bf16(values[r][v]);
  }
  batch.tokens = {0, 1, 0};
  const Results actual = run(batch);
  // log(e / (1 + e)), log(1 / 2), and a token that alone is possible.
  EXPECT_THAT(actual.logprob,
              ::testing::Pointwise(::testing::FloatNear(3e-7f), {-0.3132617f, -0.6931472f, 0.0f}));
  EXPECT_THAT(actual.entropy,
              ::testing::Pointwise(::testing::FloatNear(3e-7f), {0.5822031f, 0.6931472f, 0.0f}));
  EXPECT_THAT(actual.lse, ::testing::Pointwise(::testing::FloatNear(3e-7f), {1.3132617f, 0.6931472f, -3.0f}));
}

TEST_P(EveryOrder, TokenLogprobOfTheOnlyWordIsZero) {
  const Results actual = run(LogitBatch(4, 1, 2, 100));
  EXPECT_THAT(actual.logprob, ::testing::Each(0.0f));
  EXPECT_THAT(actual.entropy, ::testing::Each(0.0f));
}

TEST_P(EveryOrder, TokenLogprobKeepsDifferencesOfHugeLogits) {
  for (const double shift : {1e4, -1e4}) expect_reference(LogitBatch(3, 1000, 5, 100, shift), 0.9f);
}

TEST_P(EveryOrder, TokenLogprobTakesMinusInfinityOffTheToken) {
  LogitBatch batch(2, 300);
  for (std::int64_t v = 0; v < 300; ++v) {
    if (v != batch.tokens[0] && v % 3 != 0) batch.at(0, v) = to_bf16(-kInfinity);
    if (v != batch.tokens[1]) batch.at(1, v) = to_bf16(-kInfinity);
  }
  expect_reference(batch, 1);
}

TEST_P(EveryOrder, TokenLogprobOfAnImpossibleTokenOrOfNaNIsNotFinite) {
  LogitBatch batch(6, 300);
  batch.at(0, batch.tokens[0]) = to_bf16(-kInfinity);
  batch.at(1, 299) = to_bf16(kNan);  // anywhere
  batch.at(2, 17) = to_bf16(kInfinity);
  for (std::int64_t v = 0; v < 300; ++v) batch.at(3, v) = to_bf16(-kInfinity);
  batch.tokens[4] = 300;  // no such word
  const Results actual = run(batch);
  EXPECT_EQ(actual.logprob[0], -kInfinity);
  for (std::size_t r = 1; r < 5; ++r) EXPECT_TRUE(std::isnan(actual.logprob[r])) << r;
  EXPECT_TRUE(std::isfinite(actual.logprob[5])) << "the next row is not touched";
}

TEST_P(EveryOrder, TokenLogprobHasTheSameBitsOnBothPaths) {
  for (const std::int64_t vocab : {1, 33, 257, 4097, 38016, 38017, 49160, 151936}) {
    const LogitBatch batch(vocab > 10000 ? 1 : 3, vocab, 9);
    const auto plans = plans_of(vocab);
    EXPECT_EQ(plans[0].slices, plans[1].slices);
    EXPECT_NE(plans[0].path, plans[1].path);
    const Results a = run(plans[0], batch, 0.8f);
    const Results b = run(plans[1], batch, 0.8f);
    EXPECT_EQ(bits_of(a.logprob), bits_of(b.logprob)) << vocab;
    EXPECT_EQ(bits_of(a.entropy), bits_of(b.entropy)) << vocab;
    EXPECT_EQ(bits_of(a.lse), bits_of(b.lse)) << vocab;
  }
}

TEST_P(EveryOrder, TokenLogprobOfARowDoesNotDependOnTheBatch) {
  for (const std::int64_t vocab : {1000, 40000}) {
    const LogitBatch batch(5, vocab);
    const Results all = run(batch);
    for (const std::vector<std::int64_t>& which :
         {std::vector<std::int64_t>{3}, {4, 3}, {0, 0, 1, 1, 2, 4, 3}}) {
      const Results some = run(batch.picked(which));
      for (std::size_t i = 0; i < which.size(); ++i) {
        const auto r = static_cast<std::size_t>(which[i]);
        EXPECT_EQ(bits_of(std::vector{some.logprob[i], some.entropy[i], some.lse[i]}),
                  bits_of(std::vector{all.logprob[r], all.entropy[r], all.lse[r]}));
      }
    }
  }
}

TEST(TokenLogprob, OfNoRowsDoesNothing) {
  token_logprob({nullptr, 0, 32, 32}, nullptr, 1, {}, nullptr);
}

TEST(TokenLogprob, WritesOnlyWhatIsWanted) {
  DeviceLogits logits(LogitBatch(2, 40));
  RowColumn entropy(2);
  token_logprob(logits.rows, logits.tokens.data(), 1, {.entropy = entropy.data()}, nullptr);
  EXPECT_THAT(entropy.download(), ::testing::Each(::testing::Gt(0.0f)));
}

TEST(RowPlan, SplitsRowsThatOutgrowAThirdOfAMultiprocessor) {
  const DeviceInfo hopper{"", 132, 90, 0, 227 * 1024};
  EXPECT_EQ(plan_row(38016, hopper).slices, 1);
  EXPECT_EQ(plan_row(38017, hopper).slices, 2);
  EXPECT_EQ(plan_row(151936, hopper).slices, 4);
  EXPECT_EQ(plan_row(152064, hopper).slices, 4);
  EXPECT_EQ(plan_row(152064, hopper).shared_bytes(), 76800U);
  EXPECT_EQ(plan_row(151936, hopper, 2).slices, 8);  // beside a teacher's row
  EXPECT_EQ(plan_row(262144, hopper).slices, 8);
  EXPECT_EQ(plan_row(900000, hopper).path, RowPath::shared);
  EXPECT_EQ(plan_row(1000000, hopper).path, RowPath::streaming);
}

/// The message of the std::invalid_argument that token_logprob ends with.
std::string message_of(const LogitRows& logits, float temperature) {
  try {
    token_logprob(logits, nullptr, temperature, {}, nullptr);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(TokenLogprob, SaysWhatIsWrongWithItsArguments) {
  alignas(16) bf16 some[8];
  EXPECT_EQ(message_of({some, 1, 7, 7}, 1),
            "token_logprob: stride 7 for V = 7 (need a multiple of 8, at least V)");
  EXPECT_EQ(message_of({some, 1, 9, 8}, 1),
            "token_logprob: stride 8 for V = 9 (need a multiple of 8, at least V)");
  EXPECT_EQ(message_of({some, 1, 0, 8}, 1), "token_logprob: V = 0 (need 1 to 2^30)");
  EXPECT_EQ(message_of({some, -1, 8, 8}, 1), "token_logprob: -1 rows (need 0 or more)");
  EXPECT_EQ(message_of({some + 1, 1, 8, 8}, 1),
            "token_logprob: logits begin at an address that is no multiple of 16");
  EXPECT_EQ(message_of({some, 1, 8, 8}, 0),
            "token_logprob: temperature 0.000000 (need a finite number above 0)");
  EXPECT_EQ(message_of({some, 1, 8, 8}, 1), "token_logprob: token_ids is null (need it)");
  EXPECT_EQ(message_of({some, 1, 8, 8}, kNan),
            "token_logprob: temperature nan (need a finite number above 0)");
}

}  // namespace
}  // namespace reckon::cuda
