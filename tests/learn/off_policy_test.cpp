// What becomes of completions that other weights sampled: truncated importance weights, masked completions.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "reckon/learn/objective.h"

namespace reckon {
namespace {

// The learner gives the sampled tokens 0.5, 1.25 and 4 times the probability the sampler gave them.
TEST(PolicyObjective, TruncatedImportanceWeightsMultiplyTheTermAndHaveNoGradient) {
  const std::vector<double> sampler{-1.0, -1.0, -3.0};
  const std::vector<double> old{-1.0 + std::log(0.5), -1.0 + std::log(1.25), -3.0 + std::log(4.0)};
  std::vector<double> coef(3);
  LossConfig config;
  config.off_policy = OffPolicy::tis;
  // The first update: ratios 1, whatever the sampler said.
  ObjectiveSums sums = policy_objective({old, sampler, {}, 3.0}, config, 0.1, coef);
  EXPECT_NEAR(sums.loss, -0.1 * 3.0 * (0.5 + 1.25 + 2.0), 1e-12);
  EXPECT_EQ(sums.ratio, 3.0);
  EXPECT_EQ(sums.clipped, 0);
  EXPECT_NEAR(sums.importance, 3.75, 1e-12);
  EXPECT_EQ(sums.truncated, 1);
  EXPECT_NEAR(coef[0], -0.1 * 3.0 * 0.5, 1e-12);
  EXPECT_NEAR(coef[1], -0.1 * 3.0 * 1.25, 1e-12);
  EXPECT_NEAR(coef[2], -0.1 * 3.0 * 2.0, 1e-12);
  EXPECT_NEAR(sums.max_logprob_diff, std::log(4.0), 1e-12);
  // A later one: ratios 1.1, 1.5 and 0.9 to the old policy; the second is clipped at 1.2.
  const std::vector<double> policy{old[0] + std::log(1.1), old[1] + std::log(1.5), old[2] + std::log(0.9)};
  sums = policy_objective({policy, sampler, {}, 3.0, old}, config, 0.1, coef);
  EXPECT_NEAR(sums.loss, -0.1 * 3.0 * (0.5 * 1.1 + 1.25 * 1.2 + 2.0 * 0.9), 1e-12);
  EXPECT_EQ(sums.clipped, 1);
  EXPECT_NEAR(sums.importance, 3.75, 1e-12);
  EXPECT_NEAR(coef[0], -0.1 * 3.0 * 0.5 * 1.1, 1e-12);
  EXPECT_EQ(coef[1], 0.0);
  EXPECT_NEAR(coef[2], -0.1 * 3.0 * 2.0 * 0.9, 1e-12);
  // Of a sequence, by the geometric mean of the ratios: (1.1 1.5 0.9)^(1/3) = 1.141, and 3.75 / 3 for each
  // token.
  config.importance_level = ImportanceLevel::sequence;
  sums = policy_objective({policy, sampler, {}, 3.0, old}, config, 0.1, coef);
  const double ratio = std::cbrt(1.1 * 1.5 * 0.9);
  EXPECT_NEAR(sums.loss, -0.1 * 3.0 * 3.75 * ratio, 1e-12);
  for (const double value : coef) EXPECT_NEAR(value, -0.1 * 3.0 * 1.25 * ratio, 1e-12);
  // The KL penalty is not weighted: d = ln 2 for each token.
  config = {.off_policy = OffPolicy::tis, .kl_coef = 0.5};
  const std::vector<double> reference{old[0] + std::log(2.0), old[1] + std::log(2.0), old[2] + std::log(2.0)};
  sums = policy_objective({old, sampler, reference, 0.0}, config, 0.1, coef);
  EXPECT_NEAR(sums.loss, 0.1 * 0.5 * 3 * (1.0 - std::log(2.0)), 1e-12);
  for (const double value : coef) EXPECT_NEAR(value, 0.1 * 0.5 * (1.0 - 2.0), 1e-12);
}

/// Log-probs whose ratios to -1 are these.
std::vector<double> with_ratios(const std::vector<double>& ratios) {
  std::vector<double> values;
  for (const double ratio : ratios) values.push_back(-1.0 + std::log(ratio));
  return values;
}

ObjectiveSums masked_objective(const std::vector<double>& ratios, double cap, std::vector<double>& coef) {
  const LossConfig config{.off_policy = OffPolicy::sequence_mask, .off_policy_cap = cap};
  const std::vector<double> sampler(ratios.size(), -1.0), old = with_ratios(ratios);
  coef.assign(ratios.size(), 7.0);
  return policy_objective({old, sampler, {}, 3.0}, config, 0.1, coef);
}

TEST(PolicyObjective, ACompletionWhoseImportanceRatioIsOutOfBoundsIsLeftOut) {
  std::vector<double> coef;
  // 1.5 * 1.25 = 1.875: it counts as if the sampler had been the old policy.
  ObjectiveSums sums = masked_objective({1.5, 1.25}, 2.0, coef);
  EXPECT_NEAR(sums.loss, -0.1 * 3.0 * 2, 1e-12);
  for (const double value : coef) EXPECT_NEAR(value, -0.1 * 3.0, 1e-12);
  EXPECT_EQ(sums.importance, 2);
  EXPECT_EQ(sums.masked, 0);
  EXPECT_EQ(sums.truncated, 0);
  // 1.5 * 1.5 = 2.25
  sums = masked_objective({1.5, 1.5}, 2.0, coef);
  EXPECT_EQ(sums.loss, 0);
  for (const double value : coef) EXPECT_EQ(value, 0);
  EXPECT_EQ(sums.importance, 0);
  EXPECT_EQ(sums.masked, 2);
  EXPECT_NEAR(sums.max_logprob_diff, std::log(1.5), 1e-12);
  // 0.4 is under 1/2; a product of 1 has no one token near it.
  EXPECT_EQ(masked_objective({0.5, 0.8}, 2.0, coef).masked, 2);
  EXPECT_EQ(masked_objective({8.0, 0.125, 1.0}, 2.0, coef).masked, 0);
}

// Log-probs of log 1/2 and log 1/4, whose difference is log 2 to the last bit.
TEST(PolicyObjective, ACompletionWhoseImportanceRatioIsABoundCounts) {
  const std::vector<double> half{-std::log(2.0)}, quarter{-2 * std::log(2.0)};
  std::vector<double> coef(1);
  LossConfig config{.off_policy = OffPolicy::sequence_mask};
  EXPECT_EQ(policy_objective({half, quarter, {}, 1.0}, config, 1.0, coef).masked, 0);
  EXPECT_EQ(policy_objective({quarter, half, {}, 1.0}, config, 1.0, coef).masked, 0);
  config.off_policy_cap = std::nextafter(2.0, 1.0) - 1e-12;
  EXPECT_EQ(policy_objective({half, quarter, {}, 1.0}, config, 1.0, coef).masked, 1);
  EXPECT_EQ(policy_objective({quarter, half, {}, 1.0}, config, 1.0, coef).masked, 1);
}

TEST(PolicyObjective, ALaterUpdateOfACompletionThatCountsHasTheRatiosToTheOldPolicy) {
  const std::vector<double> sampler{-1.0, -1.0}, old = with_ratios({1.5, 1.25});
  const std::vector<double> policy{old[0] + std::log(1.1), old[1] + std::log(1.5)};
  std::vector<double> coef(2);
  LossConfig config{.off_policy = OffPolicy::sequence_mask};
  ObjectiveSums sums = policy_objective({policy, sampler, {}, 3.0, old}, config, 0.1, coef);
  EXPECT_NEAR(sums.loss, -0.1 * 3.0 * (1.1 + 1.2), 1e-12);
  EXPECT_EQ(sums.clipped, 1);
  EXPECT_NEAR(coef[0], -0.1 * 3.0 * 1.1, 1e-12);
  EXPECT_EQ(coef[1], 0.0);
  // The ratio of the sequence, sqrt(1.1 * 1.5) = 1.285, is clipped at 1.2 for A > 0 only.
  config.importance_level = ImportanceLevel::sequence;
  sums = policy_objective({policy, sampler, {}, -3.0, old}, config, 0.1, coef);
  EXPECT_NEAR(sums.loss, 0.1 * 3.0 * 2 * std::sqrt(1.65), 1e-12);
  for (const double value : coef) EXPECT_NEAR(value, 0.1 * 3.0 * std::sqrt(1.65), 1e-12);
  config.off_policy_cap = 1.5;  // less than 1.875
  sums = policy_objective({policy, sampler, {}, -3.0, old}, config, 0.1, coef);
  EXPECT_EQ(sums.loss, 0);
  for (const double value : coef) EXPECT_EQ(value, 0);
}

// d = ln 2: the penalty holds the policy near the reference wherever it has been sampled.
TEST(PolicyObjective, TheKlPenaltyOfACompletionThatIsLeftOutStays) {
  const std::vector<double> sampler{-1.0}, policy = with_ratios({3.0});
  const std::vector<double> reference{policy[0] + std::log(2.0)};
  std::vector<double> coef(1);
  const LossConfig config{.off_policy = OffPolicy::sequence_mask, .kl_coef = 0.5};
  const ObjectiveSums sums = policy_objective({policy, sampler, reference, 9.0}, config, 0.1, coef);
  EXPECT_EQ(sums.masked, 1);
  EXPECT_NEAR(sums.loss, 0.1 * 0.5 * (1.0 - std::log(2.0)), 1e-12);
  EXPECT_NEAR(coef[0], 0.1 * 0.5 * (1.0 - 2.0), 1e-12);
}

// A ratio of e^800 is infinite, and 0 times that no number.
TEST(PolicyObjective, ARatioThatOverflowsDoesNotReachTheLossOfACompletionThatIsLeftOut) {
  const std::vector<double> sampler{-1.0}, old{-800.0}, policy{0.0};
  std::vector<double> coef(1);
  for (const ImportanceLevel level : {ImportanceLevel::token, ImportanceLevel::sequence}) {
    const LossConfig config{.importance_level = level, .off_policy = OffPolicy::sequence_mask};
    const ObjectiveSums sums = policy_objective({policy, sampler, {}, -1.0, old}, config, 1.0, coef);
    EXPECT_EQ(sums.loss, 0);
    EXPECT_EQ(coef[0], 0);
    EXPECT_EQ(sums.masked, 1);
  }
}

TEST(PolicyObjective, ImportanceThatIsNoNumberIsInTheLoss) {
  const std::vector<double> policy{-1.0, -2.0}, sampler{-1.0, std::nan("")};
  std::vector<double> coef(2);
  for (const OffPolicy off_policy : {OffPolicy::tis, OffPolicy::sequence_mask}) {
    const LossConfig config{.off_policy = off_policy};
    EXPECT_TRUE(std::isnan(policy_objective({policy, sampler, {}, 1.0}, config, 1.0, coef).loss));
  }
}

TEST(PolicyObjective, ImportanceWeightsAreOneWithoutTruncatedImportanceSampling) {
  const std::vector<double> policy{-1.0, -2.0}, sampler{-1.5, -0.5};
  std::vector<double> coef(2);
  const ObjectiveSums sums = policy_objective({policy, sampler, {}, 1.0, sampler}, {}, 1.0, coef);
  EXPECT_EQ(sums.importance, 2.0);
  EXPECT_EQ(sums.truncated, 0);
}

}  // namespace
}  // namespace reckon
