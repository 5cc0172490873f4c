// The sampler's log-probs against the learner's, and leaves against what they are packed with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "reckon/base/error.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/grpo.h"
#include "reckon/rollout/rollout.h"
#include "support/model_gradient.h"
#include "support/numbers.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

std::unique_ptr<Decoder> tiny(Precision precision) {
  auto model = std::make_unique<Decoder>(testing::tiny_config(), precision);
  model->initialise(1, 0.3);
  return model;
}

/// Four groups of six sampled completions; group 2 has no variance.
std::vector<Group> sampled_groups(const Decoder& model) {
  std::vector<Group> groups(4);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].prompt.id = g;
    for (std::size_t i = 0; i <= 6 * g; ++i)
      groups[g].prompt.token_ids.push_back(static_cast<std::uint32_t>(1 + (i + g) % 10));
  }
  RolloutPlan plan;
  plan.seed = 3;
  plan.stage = "rl";
  plan.group_size = 6;
  plan.options = {.max_new_tokens = 25, .temperature = 0.9, .max_batch = 5};
  Sampler sampler(model);
  sample_groups(sampler, Tokenizer::character_level("012345"), plan, groups);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (Completion& completion : groups[g].completions) {
      completion.verdict = Verdict::wrong;
      completion.reward = g == 2 ? 1.0f : static_cast<float>(completion.sample_index % 2);
    }
    assign_advantages(groups[g], AdvantageScale::group_std);
  }
  return groups;
}

struct Updated {
  GrpoStats stats;
  std::string weights;
};

Updated update(Decoder& model, std::span<const Group> groups, const BatchConfig& batch,
               GrpoConfig config = {}) {
  const auto world = make_serial_communicator();
  OptimizerConfig optimizer;
  optimizer.learning_rate = 1e-2;
  CpuLearner learner(model, optimizer, batch, *world, 4);
  config.group_size = 6;
  GrpoUpdater updater(learner, config, 25);
  return {updater.update(groups, 0.9f, 0), model.sha256()};
}

class ExactnessTest : public ::testing::TestWithParam<Precision> {};

TEST_P(ExactnessTest, TheFirstUpdateHasRatioOne) {
  const auto model = tiny(GetParam());
  const auto groups = sampled_groups(*model);
  const GrpoStats stats = update(*model, groups, {.leaf_sequences = 5}).stats;
  EXPECT_EQ(stats.sums.max_logprob_diff, 0.0);
  EXPECT_EQ(stats.sums.ratio, stats.sums.tokens);  // exactly 1 for every token
  EXPECT_EQ(stats.sums.clipped, 0.0);
  EXPECT_EQ(stats.zero_variance_groups, 1);
}

TEST_P(ExactnessTest, MicroBatchAndRecomputationDoNotChangeABit) {
  const auto expected = [&] {
    const auto model = tiny(GetParam());
    const auto groups = sampled_groups(*model);
    return update(*model, groups, {.leaf_sequences = 4, .micro_batch_leaves = 1});
  }();
  for (const std::int64_t leaves : {2, 3, 7}) {
    for (const bool recompute : {false, true}) {
      const auto model = tiny(GetParam());
      const auto groups = sampled_groups(*model);
      const Updated actual =
          update(*model, groups, {.leaf_sequences = 4, .micro_batch_leaves = leaves, .recompute = recompute});
      EXPECT_EQ(actual.weights, expected.weights) << leaves << " leaves";
      EXPECT_EQ(actual.stats.sums.loss, expected.stats.sums.loss);
      EXPECT_EQ(actual.stats.sums.grad_norm, expected.stats.sums.grad_norm);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, ExactnessTest,
                         ::testing::Values(Precision(), Precision(ComputeDtype::float32, KvDtype::bfloat16),
                                           Precision(ComputeDtype::bfloat16)),
                         [](const auto& param) {
                           return std::string(enum_name(param.param.compute)) + "_" +
                                  std::string(enum_name(param.param.kv));
                         });

TEST(Exactness, ADifferenceStopsBeforeTheWeightsChange) {
  const auto model = tiny(ComputeDtype::float32);
  auto groups = sampled_groups(*model);
  const std::string before = model->sha256();
  // One token of a completion that is trained on, and one of the group without variance.
  for (const std::size_t group : {std::size_t{1}, std::size_t{2}}) {
    auto broken = groups;
    float& logprob = broken[group].completions[3].sampler_logprob.front();
    logprob = std::nextafter(logprob, 0.0f);
    try {
      update(*model, broken, {});
      FAIL() << "group " << group << ": took a log-prob that is not the learner's";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
      EXPECT_NE(std::string(error.what()).find("differ from the sampler's by up to"), std::string::npos)
          << error.what();
      EXPECT_NE(std::string(error.what()).find("e-0"), std::string::npos) << "the difference is not 0";
    }
    EXPECT_EQ(model->sha256(), before);
  }
  // The recipe may say otherwise.
  auto broken = groups;
  broken[2].completions[3].sampler_logprob.front() -= 0.5f;
  GrpoConfig config;
  config.exactness = Exactness::trained;
  EXPECT_EQ(update(*model, broken, {}, config).stats.sums.max_logprob_diff, 0.0);
  broken = sampled_groups(*model);
  broken[1].completions[3].sampler_logprob.front() -= 0.5f;
  config.exactness = Exactness::report;
  EXPECT_NEAR(update(*model, broken, {}, config).stats.sums.max_logprob_diff, 0.5, 1e-6);
  EXPECT_NE(model->sha256(), before);
}

TEST(Exactness, AGateIsAskedAtEachUpdateAndSkipsOneOfThem) {
  const auto model = tiny(ComputeDtype::float32);
  const auto groups = sampled_groups(*model);
  const auto world = make_serial_communicator();
  CpuLearner learner(*model, {.learning_rate = 1e-2}, {}, *world, 4);
  GrpoConfig config;
  config.updates_per_step = 2;
  config.exactness = Exactness::all;
  GrpoUpdater updater(learner, config, 25);
  std::vector<double> norms;
  const GrpoStats stats = updater.update(groups, 0.9f, 0, [&](const UpdateStats& sums) {
    norms.push_back(sums.grad_norm);
    return norms.size() == 1 ? UpdateDecision::skip : UpdateDecision::apply;
  });
  ASSERT_EQ(norms.size(), 2u);
  EXPECT_GT(norms[0], 0);
  EXPECT_EQ(stats.sums.grad_norm, norms[1]);
  EXPECT_TRUE(stats.sums.applied);
  EXPECT_EQ(stats.skipped_updates, 1);
  EXPECT_EQ(learner.updates(), 1);
}

TEST(Exactness, ADifferenceStopsBeforeAGateIsAsked) {
  const auto model = tiny(ComputeDtype::float32);
  auto groups = sampled_groups(*model);
  groups[1].completions[3].sampler_logprob.front() -= 0.5f;
  const auto world = make_serial_communicator();
  CpuLearner learner(*model, {}, {}, *world, 4);
  GrpoUpdater updater(learner, {}, 25);
  const UpdateGate never = [](const UpdateStats&) {
    ADD_FAILURE() << "asked about an update that cannot be";
    return UpdateDecision::skip;
  };
  EXPECT_THROW((void)updater.update(groups, 0.9f, 0, never), Error);
}

/// Sampled groups as a sampler would give them that computes every log-prob a little too low.
std::vector<Group> shifted_groups(const Decoder& model, float shift) {
  auto groups = sampled_groups(model);
  for (Group& group : groups) {
    for (Completion& completion : group.completions) {
      for (float& logprob : completion.sampler_logprob) logprob -= shift;
    }
  }
  return groups;
}

GrpoConfig tis_config(std::int64_t updates_per_step) {
  GrpoConfig config;
  config.updates_per_step = updates_per_step;
  config.exactness = Exactness::report;
  config.loss.off_policy = OffPolicy::tis;
  return config;
}

// Every weight is exp(0.25), 1.284: the gradient is that of the exact sampler times 1.284.
TEST(TruncatedImportanceSampling, MakesUpForTheSamplersLogprobs) {
  const auto expected = [] {
    const auto model = tiny(ComputeDtype::float32);
    const auto groups = sampled_groups(*model);
    return update(*model, groups, {.leaf_sequences = 5});
  }();
  const auto model = tiny(ComputeDtype::float32);
  const auto groups = shifted_groups(*model, 0.25f);
  const UpdateStats sums = update(*model, groups, {.leaf_sequences = 5}, tis_config(1)).stats.sums;
  EXPECT_EQ(sums.ratio, sums.tokens);  // of the first update, exactly 1
  EXPECT_EQ(sums.clipped, 0);
  EXPECT_EQ(sums.truncated, 0);
  EXPECT_NEAR(sums.importance / sums.tokens, std::exp(0.25), 1e-6);
  EXPECT_NEAR(sums.max_logprob_diff, 0.25, 1e-6);
  EXPECT_NEAR(sums.grad_norm, std::exp(0.25) * expected.stats.sums.grad_norm, 1e-5);
}

// The ratios of the second update are what the first did to the policy, and the weights are still exp(0.25).
TEST(TruncatedImportanceSampling, LaterUpdatesHaveTheLearnersLogprobsOfTheWeightsThatSampled) {
  const auto model = tiny(ComputeDtype::float32);
  const auto groups = shifted_groups(*model, 0.25f);
  // Two updates by hand: the first share alone, then the second share's ratios under the new weights.
  const auto first = tiny(ComputeDtype::float32);
  const UpdateStats alone = update(*first, std::span(groups).first(2), {}, tis_config(1)).stats.sums;
  double ratio = 0, tokens = 0;  // group 2 has no variance
  for (const Completion& completion : groups[3].completions) {
    const TrainSequence sequence{groups[3].prompt.token_ids, completion.token_ids};
    PolicyPass pass(*first);
    pass.forward({&sequence, 1}, 0.9f, Keep::nothing);
    for (std::size_t t = 0; t < completion.token_ids.size(); ++t) {
      const double old = completion.sampler_logprob[t] + 0.25;
      ratio += std::exp(pass.leaf(0).logprob[t] - old);
      tokens += 1;
    }
  }
  const UpdateStats sums = update(*model, groups, {}, tis_config(2)).stats.sums;
  EXPECT_NEAR(sums.importance / sums.tokens, std::exp(0.25), 1e-6);
  EXPECT_NEAR(sums.ratio, alone.tokens + ratio, 1e-4);
  EXPECT_GT(std::abs(ratio - tokens), 1e-2) << "the first update changed nothing";
}

GrpoConfig mask_config(std::int64_t updates_per_step) {
  GrpoConfig config = tis_config(updates_per_step);
  config.loss.off_policy = OffPolicy::sequence_mask;
  return config;
}

// A shift of 0.25 a token is a ratio of e^0.5 in two tokens, and more than 2 in three.
TEST(SequenceMask, CompletionsThatAreFarOffAreLeftOut) {
  const auto model = tiny(ComputeDtype::float32);
  const auto groups = shifted_groups(*model, 0.25f);
  double masked = 0, tokens = 0;
  for (const std::size_t g : {0u, 1u, 3u}) {  // group 2 has no variance
    for (const Completion& completion : groups[g].completions) {
      const auto length = static_cast<double>(completion.token_ids.size());
      tokens += length;
      masked += length > 2 ? length : 0;
    }
  }
  for (const std::int64_t updates : {1, 2}) {
    const auto fresh = tiny(ComputeDtype::float32);
    const UpdateStats sums = update(*fresh, groups, {}, mask_config(updates)).stats.sums;
    EXPECT_EQ(sums.masked, masked);
    EXPECT_EQ(sums.importance, tokens - masked);
  }
  EXPECT_GT(masked, 0);
  EXPECT_LT(masked, tokens);
}

// Every completion of the step is over the cap: no gradient, and nothing that is no number.
TEST(SequenceMask, AStepOfWhichAllIsLeftOutHasNoGradient) {
  const auto model = tiny(ComputeDtype::float32);
  const UpdateStats sums =
      update(*model, shifted_groups(*model, 1.0f), {.leaf_sequences = 5}, mask_config(1)).stats.sums;
  EXPECT_EQ(sums.masked, sums.tokens);
  EXPECT_EQ(sums.importance, 0);
  EXPECT_EQ(sums.loss, 0);
  EXPECT_EQ(sums.grad_norm, 0);
}

/// Group 1 is of the version before, and its log-probs are not those of the learner's weights.
std::vector<Group> partly_stale_groups(const Decoder& model) {
  auto groups = sampled_groups(model);
  for (Group& group : groups) {
    for (Completion& completion : group.completions) completion.policy_version = &group == &groups[1] ? 6 : 7;
  }
  for (Completion& completion : groups[1].completions) {
    for (float& logprob : completion.sampler_logprob) logprob -= 0.25f;
  }
  return groups;
}

TEST(StaleTokens, AreLeftOutOfTheComparisonAndTheOthersAreNot) {
  for (const OffPolicy off_policy : {OffPolicy::none, OffPolicy::tis, OffPolicy::sequence_mask}) {
    for (const Exactness exactness : {Exactness::all, Exactness::trained}) {
      const auto model = tiny(ComputeDtype::float32);
      auto groups = partly_stale_groups(*model);
      const auto world = make_serial_communicator();
      CpuLearner learner(*model, {.learning_rate = 1e-2}, {}, *world, 4);
      GrpoConfig config;
      config.updates_per_step = 2;
      config.exactness = exactness;
      config.loss.off_policy = off_policy;
      GrpoUpdater updater(learner, config, 25);
      groups[0].completions[1].sampler_logprob[0] -= 0.5f;  // of the learner's version
      EXPECT_THROW((void)updater.update(groups, 0.9f, 7), Error);
      groups[0].completions[1].sampler_logprob[0] += 0.5f;
      EXPECT_THROW((void)updater.update(groups, 0.9f, 6), Error) << "a version that is yet to come";
      groups = partly_stale_groups(*model);
      EXPECT_EQ(updater.update(groups, 0.9f, 7).sums.max_logprob_diff, 0);
      EXPECT_EQ(learner.updates(), 2);
    }
  }
}

// Importance weights of e^0.25 for the stale group alone, whose tokens are a known share.
TEST(StaleTokens, AreWeightedWhereTheOthersCountInFull) {
  const auto model = tiny(ComputeDtype::float32);
  const auto groups = partly_stale_groups(*model);
  GrpoConfig config;
  config.loss.off_policy = OffPolicy::tis;
  const auto world = make_serial_communicator();
  CpuLearner learner(*model, {.learning_rate = 1e-2}, {}, *world, 4);
  GrpoUpdater updater(learner, config, 25);
  const UpdateStats sums = updater.update(groups, 0.9f, 7).sums;
  double stale = 0;
  for (const Completion& completion : groups[1].completions)
    stale += static_cast<double>(completion.token_ids.size());
  EXPECT_NEAR(sums.importance, sums.tokens - stale + stale * std::exp(0.25), 1e-3);
  EXPECT_EQ(sums.ratio, sums.tokens);
}

Completion completion_of(std::uint64_t policy_version, std::size_t length) {
  Completion completion;
  completion.policy_version = policy_version;
  completion.token_ids.resize(length);
  return completion;
}

TEST(Staleness, CountsTokensByTheVersionOfTheirCompletion) {
  std::vector<Group> groups(2);
  groups[0].completions = {completion_of(5, 3), completion_of(3, 1)};
  groups[1].completions = {completion_of(4, 4)};
  const Staleness staleness = staleness_of(groups, 5);
  EXPECT_EQ(staleness.tokens, 8);
  EXPECT_EQ(staleness.stale_tokens, 5);
  EXPECT_EQ(staleness.mean, (1 * 2 + 4 * 1) / 8.0);
  EXPECT_EQ(staleness.max, 2);
  EXPECT_EQ(staleness_of({}, 5).mean, 0);
  // Two tokens of the first one's weights are older than the last.
  groups[0].completions[0].policy_version = 1;
  groups[0].completions[0].versions = {{0, 1}, {2, 5}};
  EXPECT_TRUE(is_stale(groups[0].completions[0], 5));
  const Staleness mixed = staleness_of(groups, 5);
  EXPECT_EQ(mixed.stale_tokens, 7);
  EXPECT_EQ(mixed.mean, (2 * 4 + 1 * 2 + 4 * 1) / 8.0);
  EXPECT_EQ(mixed.max, 4);
  groups[0].completions[0] = completion_of(5, 3);
  try {
    (void)staleness_of(groups, 4);
    FAIL() << "took a version that is yet to come";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::internal);
    EXPECT_STREQ(
        error.what(),
        "staleness_of: a completion of group 0 is of policy version 5 (need at most the learner's, 4)");
  }
}

// Completions that share a prompt's rows: the gradient is what finite differences say, as for sequences
// alone.
TEST(Exactness, TheGradientThroughASharedPromptMatchesFiniteDifferences) {
  const auto model = tiny(ComputeDtype::float32);
  const Ids prompt{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 3, 5, 7, 9, 2, 4, 6, 8};  // a whole block and three
  const Ids completions[4] = {{1, 2, 0}, {4}, {5, 5, 5, 6}, {3, 0}};
  const Ids other{8, 8};
  std::vector<TrainSequence> sequences;
  for (const Ids& completion : completions) sequences.push_back({prompt, completion});
  sequences.push_back({other, completions[2]});
  PolicyPass pass(*model);
  pass.forward(sequences, 1.0f, Keep::layers);
  EXPECT_EQ(pass.leaf(0).rows, 19 + 2 + 0 + 3 + 1 + 2 + 3);
  const std::vector<float> coef = testing::normal_values(pass.leaf(0).logprob.size(), 5);
  std::vector<float> gradient(model->parameters().size());
  pass.backward(0, coef, gradient);
  const auto loss = [&] {
    PolicyPass alone(*model);
    double total = 0;
    std::size_t at = 0;
    for (const TrainSequence& sequence : sequences) {
      alone.forward({&sequence, 1}, 1.0f, Keep::nothing);
      for (const float logprob : alone.leaf(0).logprob) total += static_cast<double>(coef[at++]) * logprob;
    }
    return total;
  };
  testing::expect_model_gradient(*model, gradient, loss, 7, 5e-3);
}

}  // namespace
}  // namespace reckon
