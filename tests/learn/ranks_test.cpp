// Updates have the same bits on 1, 2 and 4 ranks: each size runs against the same fixed digest of a serial
// run.
#include <gtest/gtest.h>

#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/grpo.h"
#include "reckon/learn/sft.h"
#include "support/mpi_world.h"
#include "support/numbers.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

std::vector<Group> make_groups() {
  RandomStream random(3, 1);
  std::vector<Group> groups(5);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].prompt.token_ids = {1, static_cast<std::uint32_t>(2 + g), 3};
    for (int i = 0; i < 3; ++i) {
      Completion completion;
      for (std::uint32_t t = 0; t <= random.below(6); ++t) {
        completion.token_ids.push_back(random.below(11));
        completion.sampler_logprob.push_back(-static_cast<float>(random.uniform() * 4));
      }
      completion.verdict = Verdict::wrong;
      completion.reward = static_cast<float>(g == 2 ? 1 : random.below(2));  // group 2 has no variance
      groups[g].completions.push_back(completion);
    }
    assign_advantages(groups[g], AdvantageScale::group_std);
  }
  return groups;
}

struct Result {
  std::string weights;
  UpdateStats stats;
  std::int64_t zero_variance = 0;
};

Result train(Communicator& world, LossConfig loss, std::int64_t leaf_sequences,
             std::int64_t updates_per_step = 1) {
  const auto model = testing::tiny_model(1);
  OptimizerConfig optimizer;
  optimizer.learning_rate = 1e-2;
  CpuLearner learner(*model, optimizer, {.leaf_sequences = leaf_sequences, .micro_batch_leaves = 1}, world, 4,
                     loss.kl_coef != 0.0 ? testing::tiny_model(9) : nullptr);
  GrpoConfig config;
  config.group_size = 3;
  config.exactness = Exactness::report;  // the log-probs above are made up
  config.updates_per_step = updates_per_step;
  config.loss = loss;
  GrpoUpdater updater(learner, config, 8);
  Result result;
  for (int step = 0; step < 3; ++step) {
    const GrpoStats stats = updater.update(make_groups(), 1.0f, 0);
    result.stats = stats.sums;
    result.zero_variance = stats.zero_variance_groups;
  }
  result.weights = model->sha256();
  return result;
}

TEST(Ranks, GrpoGivesTheBitsOfOneRank) {
  const auto alone = make_serial_communicator();
  for (const LossNormalise normalise :
       {LossNormalise::token, LossNormalise::sequence, LossNormalise::constant}) {
    for (const double kl_coef : {0.0, 0.04}) {
      const LossConfig loss{.kl_coef = kl_coef, .loss_normalise = normalise};
      const Result expected = train(*alone, loss, 2);
      const Result actual = train(testing::mpi_world(), loss, 2);
      EXPECT_EQ(actual.weights, expected.weights);
      EXPECT_EQ(actual.stats.loss, expected.stats.loss);
      EXPECT_EQ(actual.stats.grad_norm, expected.stats.grad_norm);
      EXPECT_EQ(actual.stats.max_logprob_diff, expected.stats.max_logprob_diff);
      EXPECT_GE(actual.zero_variance, 1);
    }
  }
}

// Of a group each: the updates after the first have the log-probs of a pass before it.
TEST(Ranks, OffPolicyCorrectionGivesTheBitsOfOneRank) {
  const auto alone = make_serial_communicator();
  for (const OffPolicy off_policy : {OffPolicy::tis, OffPolicy::sequence_mask}) {
    for (const ImportanceLevel level : {ImportanceLevel::token, ImportanceLevel::sequence}) {
      const LossConfig loss{.importance_level = level, .off_policy = off_policy, .off_policy_cap = 3};
      const Result expected = train(*alone, loss, 2, 5);
      const Result actual = train(testing::mpi_world(), loss, 2, 5);
      EXPECT_EQ(actual.weights, expected.weights);
      EXPECT_EQ(actual.stats.loss, expected.stats.loss);
      EXPECT_EQ(actual.stats.importance, expected.stats.importance);
      EXPECT_EQ(actual.stats.truncated, expected.stats.truncated);
      EXPECT_EQ(actual.stats.masked, expected.stats.masked);
      EXPECT_GT(expected.stats.truncated + expected.stats.masked, 0);
      EXPECT_LT(expected.stats.truncated + expected.stats.masked, expected.stats.tokens);
    }
  }
}

TEST(Ranks, LogprobsAreTheSameOnEveryRankAndInTheOrderGiven) {
  const auto model = testing::tiny_model(1);
  const std::vector<Group> groups = make_groups();
  std::vector<TrainSequence> sequences;
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions)
      sequences.push_back({group.prompt.token_ids, completion.token_ids});
  }
  CpuLearner learner(*model, {}, {.leaf_sequences = 4, .micro_batch_leaves = 2}, testing::mpi_world(), 1);
  std::vector<float> expected;
  for (const TrainSequence& sequence : sequences) {
    PolicyPass alone(*model);
    alone.forward({&sequence, 1}, 0.7f, Keep::nothing);
    expected.insert(expected.end(), alone.leaf(0).logprob.begin(), alone.leaf(0).logprob.end());
  }
  EXPECT_EQ(learner.logprobs(sequences, 0.7f), expected);  // every bit
  EXPECT_EQ(learner.updates(), 0);
  EXPECT_TRUE(learner.logprobs({}, 0.7f).empty());
}

TEST(Ranks, TheMicroBatchChangesTheGradientByRoundingOnly) {
  const Result small = train(testing::mpi_world(), LossConfig{}, 1);
  const Result large = train(testing::mpi_world(), LossConfig{}, 16);
  EXPECT_NEAR(small.stats.grad_norm, large.stats.grad_norm,
              1e-4 * large.stats.grad_norm);  // of the third step
  EXPECT_NEAR(small.stats.loss, large.stats.loss, 1e-4);
}

}  // namespace
}  // namespace reckon
