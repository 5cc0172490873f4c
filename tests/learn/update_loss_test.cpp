#include "reckon/learn/update_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace reckon {
namespace {

using ::testing::ElementsAre;

/// Two sequences of two and one tokens.
struct Leaf {
  std::vector<float> logprob{-1.0f, -2.0f, -0.5f};
  std::vector<float> entropy{0.25f, 0.5f, 1.0f};
  std::vector<std::size_t> offsets{0, 2, 3};
  [[nodiscard]] LeafLogprobs view() const { return {logprob, entropy, offsets, 7}; }
};

// -(0.5 * -1 + 0.5 * -2 + 0.25 * -0.5): the leaf is the update's sequences 1 and 2.
TEST(EvaluateLoss, CrossEntropyIsTheWeightedSumOfLogprobs) {
  const Leaf leaf;
  const std::vector<SequenceTerms> terms{{.weight = 9.0}, {.weight = 0.5}, {.weight = 0.25}};
  std::vector<float> coef(3);
  const UpdateStats stats =
      evaluate_loss({.kind = LossKind::cross_entropy, .terms = terms}, 1, leaf.view(), {}, coef);
  EXPECT_EQ(stats.loss, 1.625);
  EXPECT_THAT(coef, ElementsAre(-0.5f, -0.5f, -0.25f));
  EXPECT_EQ(stats.entropy, 1.75);
  EXPECT_EQ(stats.tokens, 3);
  EXPECT_EQ(stats.rows, 7);
  EXPECT_EQ(stats.ratio, 0);
}

// Ratios 1 and 2 with A = 2, clipped at 1.25: gains 2 and 2.5. Ratio 1/2 with A = -1, clipped at 0.75: -0.75.
TEST(EvaluateLoss, APolicyLossIsTheObjectiveOfEachSequence) {
  const Leaf leaf;
  const auto log2 = static_cast<float>(std::log(2.0));
  const std::vector<float> first{-1.0f, -2.0f - log2}, second{-0.5f + log2};
  const std::vector<SequenceTerms> terms{{first, 2.0f, 0.5}, {second, -1.0f, 0.25}};
  LossConfig config;
  config.clip_eps_low = config.clip_eps_high = 0.25;
  std::vector<float> coef(3);
  UpdateStats stats =
      evaluate_loss({.kind = LossKind::policy, .config = config, .terms = terms}, 0, leaf.view(), {}, coef);
  EXPECT_NEAR(stats.loss, -(0.5 * (2.0 + 2.5) - 0.25 * 0.75), 1e-7);
  EXPECT_THAT(coef, ElementsAre(-1.0f, 0.0f, 0.0f));
  EXPECT_EQ(stats.clipped, 2);
  EXPECT_NEAR(stats.ratio, 3.5, 1e-6);
  EXPECT_NEAR(stats.max_logprob_diff, std::log(2.0), 1e-6);
  EXPECT_EQ(stats.kl, 0);
  // A reference that gives the second sequence's token e times the probability: k3 = e - 1 - 1.
  config.kl_coef = 0.1;
  const std::vector<float> reference{-1.0f, -2.0f, 0.5f};
  stats = evaluate_loss({.kind = LossKind::policy, .config = config, .terms = terms}, 0, leaf.view(),
                        reference, coef);
  EXPECT_NEAR(stats.kl, std::exp(1.0) - 2.0, 1e-7);
  EXPECT_NEAR(stats.loss, -(0.5 * 4.5 - 0.25 * 0.75 - 0.25 * 0.1 * (std::exp(1.0) - 2.0)), 1e-7);
  EXPECT_NEAR(coef[2], 0.25 * 0.1 * (1.0 - std::exp(1.0)), 1e-7);
}

// The first sequence's sampler is apart by log 2, the second's by log 4.
TEST(EvaluateLoss, SequencesThatOtherWeightsSampledAreNotCompared) {
  const Leaf leaf;
  const auto log2 = static_cast<float>(std::log(2.0));
  const std::vector<float> first{-1.0f, -2.0f - log2}, second{-0.5f + 2 * log2};
  std::vector<SequenceTerms> terms{{.sampler_logprob = first, .weight = 1},
                                   {.sampler_logprob = second, .weight = 1}};
  std::vector<float> coef(3);
  const auto difference = [&] {
    return evaluate_loss({.kind = LossKind::policy, .terms = terms}, 0, leaf.view(), {}, coef)
        .max_logprob_diff;
  };
  EXPECT_NEAR(difference(), std::log(4.0), 1e-6);
  terms[1].compare = false;
  EXPECT_NEAR(difference(), std::log(2.0), 1e-6);
  terms[0].compare = false;
  EXPECT_EQ(difference(), 0);
}

TEST(AddUpLeaves, AddsSumsAndKeepsTheLargestDifference) {
  const auto world = make_serial_communicator();
  std::vector<UpdateStats> leaves(2);
  leaves[0] = {.loss = 1,
               .entropy = 2,
               .kl = 3,
               .clipped = 4,
               .ratio = 5,
               .importance = 8,
               .truncated = 9,
               .masked = 11,
               .tokens = 6,
               .rows = 7,
               .max_logprob_diff = 0.5};
  leaves[1] = {.loss = 10,
               .entropy = 20,
               .kl = 30,
               .clipped = 40,
               .ratio = 50,
               .importance = 80,
               .truncated = 90,
               .masked = 110,
               .tokens = 60,
               .rows = 70,
               .max_logprob_diff = 0.25};
  UpdateStats total = add_up_leaves(*world, leaves);
  EXPECT_THAT(
      (std::vector{total.loss, total.entropy, total.kl, total.clipped, total.ratio, total.tokens, total.rows,
                   total.importance, total.truncated, total.masked, total.max_logprob_diff}),
      ElementsAre(11, 22, 33, 44, 55, 66, 77, 88, 99, 121, 0.5));
  leaves[0].max_logprob_diff = std::nan("");
  EXPECT_TRUE(std::isnan(add_up_leaves(*world, leaves).max_logprob_diff));
  EXPECT_EQ(add_up_leaves(*world, {}).tokens, 0);
}

}  // namespace
}  // namespace reckon
