// Means over completions, and the loss of whole completions that they make (GSPO).
#include <gmock/gmock.h>

#include "every_order.h"
#include "logit_batch.h"

namespace reckon::cuda {
namespace {

using ::testing::ElementsAre;

TEST_P(EveryOrder, TheGapOfASequenceIsTheMeanOfItsTokens) {
  std::vector<float> logprob{-1, -2, -3, -1}, old{-2, -2, -2.5f, -1.25f};
  std::vector<std::int32_t> ends{0, 2, 2, 3, 4};  // the second is empty
  for (int i = 0; i < 300; ++i) {
    logprob.push_back(-0.5f);
    old.push_back(i == 299 ? -3.5f : -0.5f);
  }
  ends.push_back(304);
  RowColumn of_logprob(logprob), of_old(old), gap(304);
  DeviceArray<std::int32_t> offsets;
  offsets.upload(ends);
  sequence_logprob_gap(of_logprob.data(), of_old.data(), offsets.data(), 5, gap.data(), nullptr);
  const auto gaps = gap.download();
  EXPECT_THAT(std::vector(gaps.begin(), gaps.begin() + 4), ElementsAre(0.5f, 0.5f, -0.5f, 0.25f));
  EXPECT_THAT(std::vector(gaps.begin() + 4, gaps.end()), ::testing::Each(0.01f));
}

// Log ratios of 0.5 - 0.25, 0 + 0.7, -0.7, just under log 2, none, 300 of 0.01, and one that is no number;
// the cap is 2 = e^0.693.
TEST_P(EveryOrder, ACompletionIsLeftOutWhoseImportanceRatioIsOutOfBounds) {
  std::vector<float> old{-1, -1, -1, -0.25f, -2.75f, -1 + 0.69314712f};
  std::vector<float> sampler{-1.5f, -0.75f, -1, -0.95f, -2.05f, -1};
  std::vector<std::int32_t> ends{0, 2, 4, 5, 6, 6};
  for (int i = 0; i < 300; ++i) {
    old.push_back(-0.5f);
    sampler.push_back(-0.51f);
  }
  ends.push_back(306);
  old.push_back(-0.5f);
  sampler.push_back(std::nanf(""));
  ends.push_back(307);
  RowColumn of_old(old), of_sampler(sampler), keep(307);
  DeviceArray<std::int32_t> offsets;
  offsets.upload(ends);
  sequence_mask(of_old.data(), of_sampler.data(), offsets.data(), 7, 2.0, keep.data(), nullptr);
  const auto kept = keep.download();
  EXPECT_THAT(std::vector(kept.begin(), kept.begin() + 6), ElementsAre(1, 1, 0, 0, 0, 1));
  EXPECT_THAT(std::vector(kept.begin() + 6, kept.end() - 1), ::testing::Each(0.0f));
  EXPECT_TRUE(std::isnan(kept.back()));
}

/// GSPO's loss of one completion, Eq. 5 and 7: -sum_t w c_t min(s A, clip(s) A), s = exp(mean(log pi - log
/// old)); c_t are constants, 1 each where they are empty.
double completion_loss(const std::vector<std::vector<double>>& logits, const LogitBatch& batch,
                       const std::vector<float>& old, double advantage, double weight,
                       const std::vector<double>& importance, const GrpoSettings& settings) {
  double gap = 0;
  double weights = importance.empty() ? static_cast<double>(logits.size()) : 0;
  for (const double c : importance) weights += c;
  for (std::size_t t = 0; t < logits.size(); ++t)
    gap += RowReference(logits[t], settings.temperature).log_p[batch.tokens[t]] - static_cast<double>(old[t]);
  const double s = std::exp(gap / static_cast<double>(logits.size()));
  const double bounded = std::clamp(s, 1 - settings.clip_eps_low, 1 + settings.clip_eps_high);
  return -weight * weights * std::min(s * advantage, bounded * advantage);
}

TEST_P(EveryOrder, TheLossOfASequenceHasTheDerivativeOfItsRatio) {
  constexpr std::size_t kLength = 4;
  constexpr double kStep = 1e-5;
  const LogitBatch batch(kLength, 7, 3, 1.5);
  struct Case {
    double apart;
    float advantage;
    double cap;  // 0: OffPolicy::none
  };
  // Not clipped, clipped above, clipped below; with importance weights of which some are truncated.
  for (const auto& [apart, advantage, cap] : {Case{0.1, 1.5f, 0},
                                              {0.5, 1.5f, 0},
                                              {-0.5, -2.0f, 0},
                                              {0.5, -1.0f, 0},
                                              {0.1, 1.5f, 1.2},
                                              {0.5, -1.0f, 1.2}}) {
    std::vector<float> old, sampled;
    std::vector<double> importance;
    std::vector<std::vector<double>> logits;
    for (std::size_t t = 0; t < kLength; ++t) {
      logits.push_back(batch.row(static_cast<std::int64_t>(t)));
      const double wobble = t % 2 == 0 ? 0.3 : -0.3;
      old.push_back(
          static_cast<float>(RowReference(logits[t], 0.9f).log_p[batch.tokens[t]] - apart + wobble));
      sampled.push_back(old.back() - 0.15f * static_cast<float>(t));
      if (cap > 0)
        importance.push_back(
            std::min(std::exp(static_cast<double>(old[t]) - static_cast<double>(sampled[t])), cap));
    }
    const GrpoSettings settings{.temperature = 0.9f,
                                .off_policy = cap > 0 ? OffPolicy::tis : OffPolicy::none,
                                .off_policy_cap = std::max(cap, 1.0),
                                .level = ImportanceLevel::sequence};
    DeviceLogits on_device(batch);
    TokenColumns before(kLength);
    RowColumn sampler(cap > 0 ? sampled : old), of_old(old), gap(kLength), sequence_importance(kLength),
        loss(kLength);
    RowColumn advantages(std::vector<float>(kLength, advantage)), weights(std::vector<float>(kLength, 0.25f));
    DeviceArray<std::int32_t> offsets;
    offsets.upload(std::vector<std::int32_t>{0, kLength});
    token_logprob(on_device.rows, on_device.tokens.data(), 0.9f, before.outputs(), nullptr);
    sequence_logprob_gap(before.logprob.data(), of_old.data(), offsets.data(), 1, gap.data(), nullptr);
    cuda::sequence_importance(of_old.data(), sampler.data(), offsets.data(), 1, cap,
                              sequence_importance.data(), nullptr);
    grpo_loss(on_device.rows,
              {.token_ids = on_device.tokens.data(),
               .sampler_logprob = sampler.data(),
               .old_logprob = of_old.data(),
               .advantage = advantages.data(),
               .weight = weights.data(),
               .sequence_gap = gap.data(),
               .sequence_importance = sequence_importance.data()},
              settings, {.token = {}, .loss = loss.data()}, nullptr);
    const auto losses = loss.download();
    const auto dlogits = on_device.values.download();
    const auto loss_of = [&] {
      return completion_loss(logits, batch, old, advantage, 0.25, importance, settings);
    };
    EXPECT_NEAR(losses[0] + losses[1] + losses[2] + losses[3], loss_of(), 1e-5);
    for (std::size_t t = 0; t < kLength; ++t) {
      for (std::size_t v = 0; v < 7; ++v) {
        const double x = logits[t][v];
        logits[t][v] = x + kStep;
        const double above = loss_of();
        logits[t][v] = x - kStep;
        const double below = loss_of();
        logits[t][v] = x;
        const double expected = (above - below) / (2 * kStep);
        const float actual = to_float(dlogits[t * static_cast<std::size_t>(batch.stride) + v]);
        EXPECT_NEAR(actual, expected, 0x1.0p-8 * std::abs(expected) + 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace reckon::cuda
