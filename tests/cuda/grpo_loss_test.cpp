// grpo_loss against float64, autograd and hands; which rows it reads; the same bits whoever computes a row.
#include <gmock/gmock.h>

#include <array>

#include "every_order.h"
#include "grpo_reference.h"

namespace reckon::cuda {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

/// The columns of GrpoInputs.
struct Inputs {
  std::vector<float> sampler, old, reference, advantage, weight, gap, sequence_importance = {};
};

/// Log-probabilities around the policy's, so that ratios are 0.5 to 2 and clip on both sides, none near a
/// bound.
Inputs inputs_of(const LogitBatch& batch, float temperature) {
  constexpr std::array kApart{0.7, -0.35, 0.1, 0.0, -0.1, 0.35, -0.7};
  constexpr std::array kAdvantage{1.5f, -0.8f, 0.0f, 2.0f, -1.0f};
  Inputs in;
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    const double logprob = RowReference(batch.row(r), temperature).log_p[batch.tokens[i]];
    in.sampler.push_back(static_cast<float>(logprob - kApart[i % 7]));
    in.old.push_back(static_cast<float>(logprob - kApart[(i + 2) % 7]));
    in.reference.push_back(static_cast<float>(logprob + kApart[(i + 4) % 7]));
    in.gap.push_back(static_cast<float>(kApart[(i + 1) % 7]));
    in.sequence_importance.push_back(i % 6 == 5 ? 0.0f : static_cast<float>(std::exp(kApart[(i + 3) % 7])));
    in.advantage.push_back(kAdvantage[i % 5]);
    in.weight.push_back(i % 4 == 3 ? 0.5f : 0.0625f);
  }
  return in;
}

struct Results {
  std::vector<bf16> dlogits;  // [rows, stride]
  std::vector<float> logprob, entropy, lse, loss, ratio, kl, clipped, importance;
};

struct Options {
  GrpoSettings settings;
  bool has_old = true;
  bool wants_outputs = true;
};

Results run(const RowPlan& plan, const LogitBatch& batch, const Inputs& in, const Options& options) {
  DeviceLogits logits(batch);
  RowColumn sampler(in.sampler), old(in.old), reference(in.reference), advantage(in.advantage),
      weight(in.weight), gap(in.gap), sequence_importance(in.sequence_importance);
  TokenColumns token(batch.rows);
  RowColumn loss(batch.rows), ratio(batch.rows), kl(batch.rows), clipped(batch.rows), importance(batch.rows);
  const GrpoInputs inputs{logits.tokens.data(),
                          sampler.data(),
                          options.has_old ? old.data() : nullptr,
                          options.settings.kl_coef != 0 ? reference.data() : nullptr,
                          advantage.data(),
                          weight.data(),
                          gap.data(),
                          sequence_importance.data()};
  const GrpoOutputs outputs{token.outputs(), loss.data(),    ratio.data(),
                            kl.data(),       clipped.data(), importance.data()};
  grpo_loss(plan, logits.rows, inputs, options.settings, options.wants_outputs ? outputs : GrpoOutputs{},
            nullptr);
  return {logits.values.download(),
          token.logprob.download(),
          token.entropy.download(),
          token.lse.download(),
          loss.download(),
          ratio.download(),
          kl.download(),
          clipped.download(),
          importance.download()};
}
Results run(const LogitBatch& batch, const Inputs& in, const Options& options) {
  return run(plan_row(batch.vocab, device_info()), batch, in, options);
}

void expect_reference(const LogitBatch& batch, const Inputs& in, const Options& options) {
  const Results actual = run(batch, in, options);
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const auto i = static_cast<std::size_t>(r);
    const GrpoRow row{batch.tokens[i], in.sampler[i],   in.old[i],
                      in.reference[i], in.advantage[i], in.weight[i],
                      in.gap[i],       options.has_old, in.sequence_importance[i]};
    const GrpoReference expected(batch.row(r), row, options.settings);
    const double error = kLogprobError * (1 + std::abs(expected.logprob));
    ASSERT_NEAR(actual.logprob[i], expected.logprob, error);
    ASSERT_NEAR(actual.entropy[i], expected.entropy, kLogprobError * (1 + expected.entropy));
    ASSERT_NEAR(actual.ratio[i], expected.ratio, 2 * error * expected.ratio);
    ASSERT_NEAR(actual.kl[i], expected.kl, 3 * error);
    ASSERT_NEAR(actual.importance[i], expected.importance, 2 * error * expected.importance);
    ASSERT_EQ(actual.clipped[i], expected.is_clipped ? 1.0f : 0.0f) << "row " << r << ", V " << batch.vocab;
    ASSERT_NEAR(actual.loss[i], expected.loss, 10 * error * in.weight[i]);
    for (std::int64_t v = 0; v < batch.stride; ++v) {
      const auto at = static_cast<std::size_t>(r * batch.stride + v);
      if (v >= batch.vocab) {
        ASSERT_EQ(actual.dlogits[at].bits, batch.values[at].bits) << "behind the vocabulary";
        continue;
      }
      // Half a unit in the last place of bfloat16 and what float32 lacks; 1e-38 is rounded to 0.
      const double value = expected.dlogits[static_cast<std::size_t>(v)];
      const double bound = 0x1.0p-8 * std::abs(value) + expected.error[static_cast<std::size_t>(v)] + 2e-38;
      ASSERT_NEAR(to_float(actual.dlogits[at]), value, bound)
          << "row " << r << ", word " << v << " of " << batch.vocab;
    }
  }
}

const std::vector<Options>& all_options() {
  static const std::vector<Options> options{
      {.settings = {}},
      {.settings = {.temperature = 0.7f, .clip_eps_low = 0.2, .clip_eps_high = 0.28}},
      {.settings = {.clip_eps_low = 0.03, .clip_eps_high = 0.05, .kl_coef = 0.04}},
      {.settings = {.temperature = 1.5f, .entropy_coef = 0.02}},
      {.settings =
           {.kl_coef = 0.1, .off_policy = OffPolicy::tis, .off_policy_cap = 1.3, .entropy_coef = 0.01}},
      {.settings = {.off_policy = OffPolicy::tis}, .has_old = false},
      {.settings = {.kl_coef = 0.1, .off_policy = OffPolicy::sequence_mask}},
      {.settings = {.off_policy = OffPolicy::sequence_mask}, .has_old = false},
      {.settings = {.off_policy = OffPolicy::sequence_mask, .level = ImportanceLevel::sequence}},
      {.settings = {.kl_coef = 0.04, .level = ImportanceLevel::sequence}},
      {.settings = {.clip_eps_low = 3e-4,
                    .clip_eps_high = 4e-4,
                    .off_policy = OffPolicy::tis,
                    .off_policy_cap = 1.5,
                    .level = ImportanceLevel::sequence}},
  };
  return options;
}

TEST_P(EveryOrder, GrpoLossMatchesFloat64WithAllOptions) {
  const LogitBatch batch(35, 257, 11);  // all pairs of advantage and distance
  for (const Options& options : all_options())
    expect_reference(batch, inputs_of(batch, options.settings.temperature), options);
}

TEST_P(EveryOrder, GrpoLossMatchesFloat64OfAllSizes) {
  const Options options{.settings = {.temperature = 0.9f, .kl_coef = 0.04, .entropy_coef = 0.01}};
  for (const std::int64_t vocab : {1, 2, 31, 32, 33, 255, 256, 4096, 4099}) {
    for (const std::int64_t rows : {1, 3}) {
      const LogitBatch batch(rows, vocab, 7);
      expect_reference(batch, inputs_of(batch, 0.9f), options);
    }
  }
  const LogitBatch many(70, 33);
  expect_reference(many, inputs_of(many, 0.9f), options);
}

TEST_P(EveryOrder, GrpoLossMatchesFloat64OfLargeVocabularies) {
  for (const Options& options : {all_options()[1], all_options()[4]}) {
    for (const std::int64_t vocab : {49152 + 8, 151936, 151669}) {
      const LogitBatch batch(2, vocab, 3, 3.0);
      expect_reference(batch, inputs_of(batch, options.settings.temperature), options);
    }
  }
}

TEST_P(EveryOrder, GrpoLossKeepsDifferencesOfHugeLogits) {
  const LogitBatch batch(3, 1000, 5, 100, 1e4);
  expect_reference(batch, inputs_of(batch, 1.0f), {.settings = {.kl_coef = 0.04, .entropy_coef = 0.01}});
}

TEST_P(EveryOrder, GrpoLossTakesMinusInfinityOffTheToken) {
  LogitBatch batch(3, 300);
  for (std::int64_t r = 0; r < 3; ++r) {
    for (std::int64_t v = r; v < 300; v += 2) {
      if (v != batch.tokens[static_cast<std::size_t>(r)]) batch.at(r, v) = to_bf16(-kInfinity);
    }
  }
  expect_reference(batch, inputs_of(batch, 1.0f), {.settings = {.entropy_coef = 0.05}});
  expect_reference(batch, inputs_of(batch, 1.0f), {.settings = {.kl_coef = 0.05}});
}

// tests/golden/grpo_loss.py
TEST_P(EveryOrder, GrpoLossMatchesAutograd) {
  LogitBatch batch(4, 6);
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t v = 0; v < 6; ++v)
      batch.at(r, v) = to_bf16(static_cast<float>((7 * r + 3 * v) % 11 - 5) / 2);
  }
  batch.tokens = {0, 1, 2, 3};
  const Inputs in{{-3.5f, -0.5f, -2.75f, -3.0f}, {-3.75f, -0.25f, -1.0f, -3.25f},
                  {-3.0f, -0.75f, -3.0f, -2.0f}, {1.5f, -0.75f, 2.0f, -1.0f},
                  {0.25f, 0.25f, 0.125f, 0.5f},  {0, 0, 0, 0}};
  const Results actual = run(batch, in,
                             {.settings = {.temperature = 0.8f,
                                           .clip_eps_high = 0.28,
                                           .kl_coef = 0.04,
                                           .off_policy = OffPolicy::tis,
                                           .off_policy_cap = 1.5,
                                           .entropy_coef = 0.01}});
  EXPECT_THAT(actual.loss, Pointwise(FloatNear(2e-6f), {0.0935765f, 0.2052870f, -0.4729626f, 2.1266868f}));
  EXPECT_THAT(actual.ratio, Pointwise(FloatNear(1e-5f), {0.1245620f, 0.8603387f, 1.7953684f, 5.4664981f}));
  EXPECT_THAT(actual.importance, Pointwise(FloatNear(2e-6f), {0.7788008f, 1.2840254f, 1.5f, 0.7788008f}));
  EXPECT_THAT(actual.kl, Pointwise(FloatNear(5e-5f), {13.1626068f, 0.0545614f, 1.6605905f, 0.0871353f}));
  EXPECT_THAT(actual.clipped, ::testing::ElementsAre(0, 0, 1, 0));
  constexpr std::array kGradient{-0.2447458, 0.0044916,  0.0300191,  0.2005083,  0.0012655,  0.0084612,
                                 -0.0274067, 0.0878125,  -0.0012483, -0.0079672, -0.0508276, -0.0003627,
                                 -0.0001663, -0.0007875, 0.0025788,  -0.0000563, -0.0002823, -0.0012864,
                                 -1.9731483, -0.0134507, -0.0873290, 2.1028858,  -0.0038649, -0.0250929};
  for (std::size_t i = 0; i < kGradient.size(); ++i) {
    const auto at = i / 6 * static_cast<std::size_t>(batch.stride) + i % 6;
    EXPECT_NEAR(to_float(actual.dlogits[at]), kGradient[i], 0x1.0p-8 * std::abs(kGradient[i]) + 1e-6) << i;
  }
}

// With no outputs wanted a row of p = (1/2, 1/2), ratio 1, A = 2, weight 1/4: -1/4 2 (1 - 1/2).
TEST_P(EveryOrder, GrpoLossIsWhatAHandComputes) {
  LogitBatch batch(1, 2, 1, 0.0);
  batch.tokens = {1};
  const Inputs in{{std::log(0.5f)}, {0}, {0}, {2}, {0.25f}, {0}};
  const Results actual = run(batch, in, {.settings = {}, .wants_outputs = false});
  EXPECT_FLOAT_EQ(to_float(actual.dlogits[0]), 0.25f);
  EXPECT_FLOAT_EQ(to_float(actual.dlogits[1]), -0.25f);
  EXPECT_THAT(actual.loss, Each(::testing::IsNan())) << "was not wanted";
}

TEST_P(EveryOrder, GrpoLossHasRatioExactlyOneAtTheLogprobOfTheSampler) {
  const LogitBatch batch(5, 4099);
  Inputs in = inputs_of(batch, 0.7f);
  DeviceLogits logits(batch);
  TokenColumns out(5);
  token_logprob(logits.rows, logits.tokens.data(), 0.7f, out.outputs(), nullptr);
  in.sampler = out.logprob.download();
  const Results actual = run(batch, in, {.settings = {.temperature = 0.7f}});
  EXPECT_THAT(actual.ratio, Each(1.0f));
  EXPECT_THAT(actual.clipped, Each(0.0f));
  EXPECT_EQ(bits_of(actual.logprob), bits_of(in.sampler));
}

TEST_P(EveryOrder, GrpoLossHasTheBitsOfTokenLogprobAndOfTheOtherPath) {
  for (const std::int64_t vocab : {1, 33, 4099, 38017, 151936}) {
    const LogitBatch batch(2, vocab, 9);
    const Inputs in = inputs_of(batch, 1);
    const Options options{.settings = {.kl_coef = 0.1, .entropy_coef = 0.01}};
    const auto plans = plans_of(vocab);
    const Results a = run(plans[0], batch, in, options);
    const Results b = run(plans[1], batch, in, options);
    EXPECT_EQ(bits_of(a.dlogits), bits_of(b.dlogits)) << vocab;
    EXPECT_EQ(bits_of(a.loss), bits_of(b.loss)) << vocab;
    DeviceLogits logits(batch);
    TokenColumns out(2);
    token_logprob(logits.rows, logits.tokens.data(), 1, out.outputs(), nullptr);
    EXPECT_EQ(bits_of(a.logprob), bits_of(out.logprob.download())) << vocab;
    EXPECT_EQ(bits_of(a.entropy), bits_of(out.entropy.download())) << vocab;
    EXPECT_EQ(bits_of(a.lse), bits_of(out.lse.download())) << vocab;
  }
}

TEST_P(EveryOrder, GrpoLossOfARowDoesNotDependOnTheBatch) {
  const Options options{.settings = {.kl_coef = 0.1, .entropy_coef = 0.01}};
  for (const std::int64_t vocab : {1000, 40000}) {
    const LogitBatch batch(5, vocab);
    const Inputs in = inputs_of(batch, 1);
    const Results all = run(batch, in, options);
    std::vector<std::vector<std::int64_t>> picks{{3}, {4, 3}, {0, 0, 1, 3, 1, 2, 4, 3}};
    if (!is_emulated()) {  // three rows or more for each cluster that a GPU has at once
      picks.emplace_back();
      for (std::int64_t i = 0; i < 1500; ++i) picks.back().push_back((3 * i + i / 7) % 5);
    }
    for (const auto& which : picks) {
      Inputs some_in;
      for (const auto column : {&Inputs::sampler, &Inputs::old, &Inputs::reference, &Inputs::advantage,
                                &Inputs::weight, &Inputs::gap, &Inputs::sequence_importance}) {
        for (const std::int64_t r : which)
          (some_in.*column).push_back((in.*column)[static_cast<std::size_t>(r)]);
      }
      const Results some = run(batch.picked(which), some_in, options);
      for (std::size_t i = 0; i < which.size(); ++i) {
        const auto r = static_cast<std::size_t>(which[i]);
        const auto row_of = [&](const Results& results, std::size_t row) {
          const auto begin = results.dlogits.begin() + static_cast<std::int64_t>(row) * batch.stride;
          return bits_of(std::vector<bf16>(begin, begin + batch.stride));
        };
        EXPECT_EQ(row_of(some, i), row_of(all, r));
        EXPECT_EQ(bits_of(std::vector{some.loss[i], some.kl[i], some.ratio[i]}),
                  bits_of(std::vector{all.loss[r], all.kl[r], all.ratio[r]}));
      }
    }
  }
}

/// The gradient of row r is 0, bit for bit.
void expect_no_gradient(const Results& results, const LogitBatch& batch, std::int64_t r) {
  for (std::int64_t v = 0; v < batch.vocab; ++v)
    ASSERT_EQ(results.dlogits[static_cast<std::size_t>(r * batch.stride + v)].bits, 0) << r << ", " << v;
}

TEST_P(EveryOrder, GrpoLossDoesNotReadRowsWithoutWeight) {
  for (const std::int64_t vocab : {37, 40000}) {
    for (const RowPlan& plan : plans_of(vocab)) {
      LogitBatch batch(4, vocab);
      Inputs in = inputs_of(batch, 1);
      const Options options{.settings = {.entropy_coef = 0.01}};
      const Results before = run(plan, batch, in, options);
      for (const std::int64_t r : {0, 2}) {
        for (std::int64_t v = 0; v < vocab; ++v) batch.at(r, v) = to_bf16(kNan);
        in.weight[static_cast<std::size_t>(r)] = 0;
        in.sampler[static_cast<std::size_t>(r)] = kNan;
      }
      const Results actual = run(plan, batch, in, options);
      for (const std::size_t r : {0U, 2U}) {
        expect_no_gradient(actual, batch, static_cast<std::int64_t>(r));
        EXPECT_EQ((std::vector{actual.logprob[r], actual.entropy[r], actual.lse[r], actual.loss[r],
                               actual.ratio[r], actual.kl[r], actual.clipped[r], actual.importance[r]}),
                  std::vector<float>(8, 0.0f));
      }
      for (const std::size_t r : {1U, 3U}) EXPECT_EQ(actual.loss[r], before.loss[r]);
      EXPECT_EQ(actual.dlogits[static_cast<std::size_t>(batch.stride) + 5].bits,
                before.dlogits[static_cast<std::size_t>(batch.stride) + 5].bits);
    }
  }
}

TEST_P(EveryOrder, GrpoLossOnlyZeroesRowsWithoutAdvantageWhereNothingIsWanted) {
  LogitBatch batch(3, 45);
  Inputs in = inputs_of(batch, 1);
  in.advantage = {1, 0, 1};
  for (std::int64_t v = 0; v < 45; ++v) batch.at(1, v) = to_bf16(kNan);
  expect_no_gradient(run(batch, in, {.settings = {}, .wants_outputs = false}), batch, 1);
  // With a KL term it has a gradient, and must be read.
  const Results read = run(batch, in, {.settings = {.kl_coef = 0.1}, .wants_outputs = false});
  EXPECT_TRUE(std::isnan(to_float(read.dlogits[static_cast<std::size_t>(batch.stride)])));
}

TEST_P(EveryOrder, GrpoLossGivesOutputsOfRowsWithoutAdvantage) {
  const LogitBatch batch(2, 4099);
  Inputs in = inputs_of(batch, 1);
  in.advantage = {0, 0};
  const Results actual = run(batch, in, {.settings = {}});
  for (std::int64_t r = 0; r < 2; ++r) {
    expect_no_gradient(actual, batch, r);
    const auto i = static_cast<std::size_t>(r);
    EXPECT_NEAR(actual.logprob[i], RowReference(batch.row(r), 1).log_p[batch.tokens[i]], 1e-5);
  }
}

TEST_P(EveryOrder, GrpoLossOfNaNIsNotFiniteAndStaysInItsRow) {
  for (const double entropy_coef : {0.0, 0.01}) {
    LogitBatch batch(4, 300);
    Inputs in = inputs_of(batch, 1);
    in.advantage = {1, 1, 1, 1};
    batch.at(0, 299) = to_bf16(kNan);
    batch.at(1, 3) = to_bf16(kInfinity);
    batch.at(2, batch.tokens[2]) = to_bf16(-kInfinity);
    const Results actual = run(batch, in, {.settings = {.entropy_coef = entropy_coef}});
    for (const std::size_t r : {0U, 1U}) {
      EXPECT_TRUE(std::isnan(actual.logprob[r]));
      EXPECT_TRUE(std::isnan(actual.loss[r]));
      EXPECT_FALSE(std::isfinite(to_float(actual.dlogits[r * static_cast<std::size_t>(batch.stride) + 3])));
    }
    EXPECT_EQ(actual.logprob[2], -kInfinity);
    EXPECT_TRUE(std::isfinite(actual.loss[3]));
  }
}

TEST(GrpoLoss, OfNoRowsDoesNothing) {
  grpo_loss({nullptr, 0, 32, 32}, {}, {}, {}, nullptr);
}

/// The reference itself: central differences of its loss, every option.
TEST(GrpoReference, HasTheDerivativeOfItsLoss) {
  const LogitBatch batch(35, 9);
  for (const Options& options : all_options()) {
    const Inputs in = inputs_of(batch, options.settings.temperature);
    // The ratio of a sequence, and old log-probs that are the policy's, move with the logits in ways that a
    // row alone does not show.
    if (options.settings.level == ImportanceLevel::sequence || !options.has_old) continue;
    for (std::int64_t r = 0; r < batch.rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      const GrpoRow row{batch.tokens[i], in.sampler[i], in.old[i], in.reference[i],
                        in.advantage[i], in.weight[i],  in.gap[i]};
      auto logits = batch.row(r);
      const auto gradient = GrpoReference(logits, row, options.settings).dlogits;
      for (std::size_t v = 0; v < logits.size(); ++v) {
        constexpr double kStep = 1e-5;
        const double x = logits[v];
        logits[v] = x + kStep;
        const double above = GrpoReference(logits, row, options.settings).loss;
        logits[v] = x - kStep;
        const double below = GrpoReference(logits, row, options.settings).loss;
        logits[v] = x;
        ASSERT_NEAR((above - below) / (2 * kStep), gradient[v], 1e-8);
      }
    }
  }
}

std::string message_of(const GrpoInputs& in, const GrpoSettings& settings) {
  alignas(16) static bf16 some[8];
  try {
    grpo_loss({some, 1, 8, 8}, in, settings, {}, nullptr);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(GrpoLoss, SaysWhatIsWrongWithItsArguments) {
  const float some = 0;
  const std::uint32_t token = 0;
  GrpoInputs in{.token_ids = &token, .sampler_logprob = &some, .advantage = &some, .weight = &some};
  EXPECT_EQ(message_of(in, {.temperature = -1}),
            "grpo_loss: temperature -1.000000 (need a finite number above 0)");
  EXPECT_EQ(message_of(in, {.clip_eps_low = -0.5}), "grpo_loss: clip_eps_low -0.500000 (need 0 or more)");
  EXPECT_EQ(message_of(in, {.clip_eps_high = -1}), "grpo_loss: clip_eps_high -1.000000 (need 0 or more)");
  EXPECT_EQ(message_of(in, {.off_policy_cap = 0.5}), "grpo_loss: off_policy_cap 0.500000 (need 1 or more)");
  EXPECT_EQ(message_of(in, {.off_policy = OffPolicy::sequence_mask}),
            "grpo_loss: OffPolicy::sequence_mask without sequence_importance (need sequence_mask() first)");
  EXPECT_EQ(message_of(in, {.kl_coef = 0.25}),
            "grpo_loss: kl_coef 0.250000 without reference_logprob (need both)");
  EXPECT_EQ(message_of(in, {.level = ImportanceLevel::sequence}),
            "grpo_loss: ImportanceLevel::sequence without sequence_gap (need sequence_logprob_gap() first)");
  in.sampler_logprob = nullptr;
  EXPECT_EQ(message_of(in, {}),
            "grpo_loss: sampler_logprob is null (need it for the ratio and for OffPolicy::tis)");
  in.weight = nullptr;
  EXPECT_EQ(message_of(in, {}), "grpo_loss: token_ids, advantage or weight is null (need all three)");
}

}  // namespace
}  // namespace reckon::cuda
