// cross_entropy_loss against float64 and hands.
#include <gmock/gmock.h>

#include "every_order.h"
#include "logit_batch.h"

namespace reckon::cuda {
namespace {

struct Results {
  std::vector<bf16> dlogits;
  std::vector<float> loss, logprob, entropy;
};

Results run(const RowPlan& plan, const LogitBatch& batch, const std::vector<float>& weights,
            float temperature = 1) {
  DeviceLogits logits(batch);
  RowColumn weight(weights), loss(batch.rows);
  TokenColumns token(batch.rows);
  cross_entropy_loss(plan, logits.rows, logits.tokens.data(), weight.data(), temperature, loss.data(),
                     token.outputs(), nullptr);
  return {logits.values.download(), loss.download(), token.logprob.download(), token.entropy.download()};
}
Results run(const LogitBatch& batch, const std::vector<float>& weights, float temperature = 1) {
  return run(plan_row(batch.vocab, device_info()), batch, weights, temperature);
}

std::vector<float> weights_of(std::int64_t rows) {
  std::vector<float> weights;
  for (std::int64_t r = 0; r < rows; ++r) weights.push_back(0.25f + 0.5f * static_cast<float>(r % 3));
  return weights;
}

void expect_reference(const LogitBatch& batch, float temperature) {
  const auto weights = weights_of(batch.rows);
  const Results actual = run(batch, weights, temperature);
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    const RowReference expected(batch.row(r), temperature);
    const double weight = weights[i];
    const double logprob = expected.log_p[batch.tokens[i]];
    ASSERT_NEAR(actual.loss[i], -weight * logprob, kLogprobError * weight * (1 + std::abs(logprob)));
    ASSERT_NEAR(actual.entropy[i], expected.entropy, kLogprobError * (1 + expected.entropy));
    for (std::int64_t v = 0; v < batch.vocab; ++v) {
      const double p = expected.p[static_cast<std::size_t>(v)];
      const double is_token = v == batch.tokens[i] ? 1 : 0;
      const double value = weight / temperature * (p - is_token);
      // Half a unit in the last place of bfloat16, and what float32 lacks; 1e-38 is rounded to 0.
      const double bound =
          0x1.0p-8 * std::abs(value) + kLogprobError * weight / temperature * (p + is_token) + 2e-38;
      ASSERT_NEAR(to_float(actual.dlogits[static_cast<std::size_t>(r * batch.stride + v)]), value, bound)
          << "row " << r << ", word " << v << " of " << batch.vocab;
    }
    for (std::int64_t v = batch.vocab; v < batch.stride; ++v) {
      const auto at = static_cast<std::size_t>(r * batch.stride + v);
      ASSERT_EQ(actual.dlogits[at].bits, batch.values[at].bits) << "behind the vocabulary";
    }
  }
}

TEST_P(EveryOrder, CrossEntropyMatchesFloat64) {
  for (const std::int64_t vocab : {1, 2, 31, 32, 33, 255, 256, 257, 4096}) {
    for (const float temperature : {1.0f, 0.6f}) expect_reference(LogitBatch(3, vocab, 5), temperature);
  }
  expect_reference(LogitBatch(70, 33), 1);
  expect_reference(LogitBatch(3, 1000, 5, 100, -1e4), 1);
}

TEST_P(EveryOrder, CrossEntropyMatchesFloat64OfLargeVocabularies) {
  for (const std::int64_t vocab : {49152 + 8, 151936}) expect_reference(LogitBatch(2, vocab, 3, 3.0), 1);
}

// p = (1/2, 1/4, 1/4), token 0, weight 2: -2 log(1/2), gradient 2 (p - 1[v = 0]).
TEST_P(EveryOrder, CrossEntropyIsWhatAHandComputes) {
  LogitBatch batch(1, 3, 1, 0.0);
  batch.at(0, 0) = to_bf16(0.69531f);  // log 2 is 0.693147
  batch.tokens = {0};
  const Results actual = run(batch, {2});
  EXPECT_NEAR(actual.loss[0], 1.38629, 3e-3);
  EXPECT_NEAR(to_float(actual.dlogits[0]), -1, 5e-3);
  EXPECT_NEAR(to_float(actual.dlogits[1]), 0.5, 5e-3);
  EXPECT_NEAR(to_float(actual.dlogits[2]), 0.5, 5e-3);
}

TEST_P(EveryOrder, CrossEntropyDoesNotReadRowsWithoutWeight) {
  LogitBatch batch(3, 300);
  for (std::int64_t v = 0; v < 300; ++v) batch.at(1, v) = to_bf16(kNan);
  const Results actual = run(batch, {1, 0, 1});
  EXPECT_EQ((std::vector{actual.loss[1], actual.logprob[1], actual.entropy[1]}), std::vector<float>(3, 0.0f));
  for (std::int64_t v = 0; v < 300; ++v)
    ASSERT_EQ(actual.dlogits[static_cast<std::size_t>(batch.stride + v)].bits, 0);
  EXPECT_TRUE(std::isfinite(actual.loss[0]) && std::isfinite(actual.loss[2]));
}

TEST_P(EveryOrder, CrossEntropyHasTheBitsOfTokenLogprobOnBothPathsAndInAnyBatch) {
  for (const std::int64_t vocab : {257, 40001}) {
    const LogitBatch batch(3, vocab);
    const auto plans = plans_of(vocab);
    const Results a = run(plans[0], batch, {1, 2, 3});
    const Results b = run(plans[1], batch.picked({2, 1, 0}), {3, 2, 1});
    DeviceLogits logits(batch);
    TokenColumns out(3);
    token_logprob(logits.rows, logits.tokens.data(), 1, out.outputs(), nullptr);
    EXPECT_EQ(bits_of(a.logprob), bits_of(out.logprob.download()));
    for (std::size_t r = 0; r < 3; ++r) {
      EXPECT_EQ(bits_of(std::vector{a.loss[r]}), bits_of(std::vector{b.loss[2 - r]}));
      for (std::int64_t v = 0; v < vocab; ++v) {
        ASSERT_EQ(
            a.dlogits[r * static_cast<std::size_t>(batch.stride) + static_cast<std::size_t>(v)].bits,
            b.dlogits[(2 - r) * static_cast<std::size_t>(batch.stride) + static_cast<std::size_t>(v)].bits);
      }
    }
  }
}

TEST(CrossEntropy, OfNoRowsDoesNothing) {
  cross_entropy_loss({nullptr, 0, 32, 32}, nullptr, nullptr, 1, nullptr, {}, nullptr);
}

std::string message_of(const LogitRows& logits) {
  try {
    cross_entropy_loss(logits, nullptr, nullptr, 1, nullptr, {}, nullptr);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(CrossEntropy, SaysWhatIsWrongWithItsArguments) {
  EXPECT_EQ(message_of({nullptr, 2, 32, 36}),
            "cross_entropy_loss: stride 36 for V = 32 (need a multiple of 8, at least V)");
  EXPECT_EQ(message_of({nullptr, 2, 32, 32}), "cross_entropy_loss: token_ids or weight is null (need both)");
}

}  // namespace
}  // namespace reckon::cuda
