#include "reckon/rollout/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "reckon/base/error.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/rollout/rollout.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

SampleKey key_of(std::uint32_t sample) {
  return {.seed = 7, .stage = 1, .prompt_id = 5, .visit = 0, .sample_index = sample};
}

TEST(GumbelArgmax, FollowsTheSoftmaxOfTheLogits) {
  // Shares 0.1, 0.2, 0.7 at temperature 1; 40,000 draws: three standard deviations are 0.007.
  const std::array<float, 3> logits{std::log(0.1f), std::log(0.2f), std::log(0.7f)};
  std::array<double, 3> counts{};
  constexpr std::uint32_t kDraws = 40000;
  for (std::uint32_t i = 0; i < kDraws; ++i) ++counts[gumbel_argmax(logits, 1.0, key_of(i), 0)];
  EXPECT_NEAR(counts[0] / kDraws, 0.1, 0.007);
  EXPECT_NEAR(counts[1] / kDraws, 0.2, 0.007);
  EXPECT_NEAR(counts[2] / kDraws, 0.7, 0.007);
  counts = {};  // at temperature 0.5 the shares are as 0.01 : 0.04 : 0.49
  for (std::uint32_t i = 0; i < kDraws; ++i) ++counts[gumbel_argmax(logits, 0.5, key_of(i), 0)];
  EXPECT_NEAR(counts[2] / kDraws, 0.49 / 0.54, 0.007);
}

TEST(GumbelArgmax, EachPartOfTheKeyAndThePositionMatter) {
  const std::vector<float> flat(64, 0.0f);
  const SampleKey base = key_of(0);
  const auto differs = [&](const SampleKey& other, std::uint32_t position_shift) {
    int different = 0;
    for (std::uint32_t p = 0; p < 50; ++p) {
      different +=
          gumbel_argmax(flat, 1.0, base, p) != gumbel_argmax(flat, 1.0, other, p + position_shift) ? 1 : 0;
    }
    return different;
  };
  EXPECT_EQ(differs(base, 0), 0);
  SampleKey other = base;
  other.seed = 8;
  EXPECT_GT(differs(other, 0), 40);
  other = base;
  other.stage = 2;
  EXPECT_GT(differs(other, 0), 40);
  other = base;
  other.prompt_id = 6;
  EXPECT_GT(differs(other, 0), 40);
  other = base;
  other.visit = 1;
  EXPECT_GT(differs(other, 0), 40);
  other = base;
  other.sample_index = 1;
  EXPECT_GT(differs(other, 0), 40);
  EXPECT_GT(differs(base, 1), 40);
}

TEST(GumbelArgmax, IsTheSameNumberForEver) {  // run logs are replayed by these draws: they may not change
  std::vector<float> logits(10);
  for (std::size_t v = 0; v < logits.size(); ++v) logits[v] = static_cast<float>(v) * 0.25f;
  Ids drawn;
  for (std::uint32_t p = 0; p < 12; ++p) drawn.push_back(gumbel_argmax(logits, 1.0, key_of(3), p));
  EXPECT_EQ(drawn, (Ids{7, 9, 8, 5, 7, 9, 9, 8, 5, 9, 1, 9}));  // tests/golden/gumbel_draws.py
}

TEST(Argmax, TiesGoToTheLowerId) {
  EXPECT_EQ(argmax(std::array{1.0f, 3.0f, 3.0f}), 1u);
}

class SamplerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Decoder> model = testing::tiny_model(1, 11, true, 0.2);
  Ids first{1, 2, 3}, second{4, 5};
  std::vector<SampleRequest> requests;

  void SetUp() override {
    for (std::uint32_t i = 0; i < 9; ++i) requests.push_back({first, key_of(i)});
    for (std::uint32_t i = 0; i < 5; ++i) requests.push_back({second, {7, 1, 6, 0, i}});
  }
};

TEST_F(SamplerTest, CompletionsDoNotDependOnBatchOrOrder) {
  Sampler sampler(*model);
  const auto whole = sampler.generate(requests, {.max_new_tokens = 30, .max_batch = 64});
  for (const std::int64_t batch : {1, 3, 7}) {
    const auto parts = sampler.generate(requests, {.max_new_tokens = 30, .max_batch = batch});
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(parts[i].token_ids, whole[i].token_ids);
      EXPECT_EQ(parts[i].logprob, whole[i].logprob);
    }
  }
  const std::vector<SampleRequest> reversed(requests.rbegin(), requests.rend());
  const auto backward = sampler.generate(reversed, {.max_new_tokens = 30, .max_batch = 4});
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(backward[requests.size() - 1 - i].token_ids, whole[i].token_ids);
  }
}

TEST_F(SamplerTest, TellsOfEachCompletionOnceWhenItHasEnded) {
  Sampler sampler(*model);
  for (const std::int64_t batch : {1, 4, 64}) {
    std::vector<std::size_t> order;
    std::vector<Sample> told(requests.size());
    SampleOptions options{.max_new_tokens = 30, .max_batch = batch};
    options.on_finished = [&](std::size_t request, const Sample& sample) {
      order.push_back(request);
      told.at(request) = sample;
    };
    const auto samples = sampler.generate(requests, options);
    ASSERT_EQ(order.size(), requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(std::count(order.begin(), order.end(), i), 1);
      EXPECT_EQ(told[i].token_ids, samples[i].token_ids);
      EXPECT_EQ(told[i].logprob, samples[i].logprob);
      EXPECT_EQ(told[i].finish_reason, samples[i].finish_reason);
    }
    // Together they end by length; one by one in the order of the requests.
    const auto shorter = [&](std::size_t a, std::size_t b) {
      return batch == 1 ? a < b : samples[a].token_ids.size() < samples[b].token_ids.size();
    };
    if (batch != 4) {
      EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), shorter));
    }
  }
}

TEST_F(SamplerTest, GroupsAreFilledInPlaceAsCompletionsEnd) {
  Sampler sampler(*model);
  const Tokenizer tokenizer = Tokenizer::character_level("012345");  // with its five tags 11 ids
  std::vector<Group> groups(2);
  groups[0].prompt.token_ids = first;
  groups[1].prompt.token_ids = second;
  groups[1].group_id = 4;
  RolloutPlan plan;
  plan.seed = 7;
  plan.stage = "rl";
  plan.group_size = 6;
  plan.policy_version = 3;
  plan.options = {.max_new_tokens = 12, .max_batch = 5};
  std::vector<const Completion*> told;
  plan.on_completion = [&](std::size_t group, Completion& completion) {
    EXPECT_EQ(&completion, &groups[group].completions.at(completion.sample_index));
    EXPECT_FALSE(completion.token_ids.empty());
    told.push_back(&completion);
  };
  sample_groups(sampler, tokenizer, plan, groups);
  EXPECT_EQ(told.size(), 12u);
  for (const Group& group : groups) {
    ASSERT_EQ(group.completions.size(), 6u);
    for (std::uint32_t i = 0; i < 6; ++i) {
      const Completion& completion = group.completions[i];
      EXPECT_EQ(std::count(told.begin(), told.end(), &completion), 1);  // it stayed where it was
      EXPECT_EQ(completion.sample_index, i);
      EXPECT_EQ(completion.group_id, group.group_id);
      EXPECT_EQ(completion.policy_version, 3u);
      const SampleRequest request{group.prompt.token_ids, {7, stage_key("rl"), 0, 0, i}};
      const Sample alone = sampler.generate({&request, 1}, {.max_new_tokens = 12}).front();
      EXPECT_EQ(completion.token_ids, alone.token_ids);
      EXPECT_EQ(completion.sampler_logprob, alone.logprob);
      EXPECT_EQ(completion.finish_reason, alone.finish_reason);
      std::vector<std::uint32_t> ids = alone.token_ids;
      if (alone.finish_reason == FinishReason::eos) ids.pop_back();
      EXPECT_EQ(completion.text, tokenizer.decode(ids));
    }
  }
}

TEST_F(SamplerTest, LogprobsAreTheLearnersBitForBit) {
  Sampler sampler(*model);
  const float temperature = 0.7f;
  const auto samples =
      sampler.generate(requests, {.max_new_tokens = 40, .temperature = static_cast<double>(temperature)});
  std::vector<TrainSequence> sequences;
  for (std::size_t i = 0; i < samples.size(); ++i)
    sequences.push_back({requests[i].prompt, samples[i].token_ids});
  PolicyPass pass(*model);
  pass.forward(sequences, temperature, Keep::nothing);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto learner = pass.leaf(0).logprob.subspan(pass.leaf(0).offsets[i], samples[i].logprob.size());
    ASSERT_EQ(std::memcmp(learner.data(), samples[i].logprob.data(), learner.size_bytes()), 0)
        << "completion " << i;
  }
}

TEST_F(SamplerTest, EndsAtEosOrAtTheLimit) {
  Sampler sampler(*model);
  int ended = 0;
  for (const Sample& sample : sampler.generate(requests, {.max_new_tokens = 12})) {
    ASSERT_EQ(sample.token_ids.size(), sample.logprob.size());
    const bool eos = sample.token_ids.back() == 0;
    EXPECT_EQ(sample.finish_reason, eos ? FinishReason::eos : FinishReason::length);
    EXPECT_TRUE(eos || sample.token_ids.size() == 12);
    EXPECT_EQ(std::count(sample.token_ids.begin(), sample.token_ids.end(), 0u), eos ? 1 : 0);
    ended += eos ? 1 : 0;
  }
  EXPECT_GT(ended, 0);
  EXPECT_LT(ended, 14);
}

TEST_F(SamplerTest, GreedyTakesTheLikeliestToken) {
  Sampler sampler(*model);
  const auto greedy =
      sampler.generate(std::span(requests).first(1), {.max_new_tokens = 5, .decoding = Decoding::greedy});
  Ids so_far = first;
  PolicyPass pass(*model);
  for (const std::uint32_t token : greedy[0].token_ids) {
    float best = -1e30f;
    std::uint32_t likeliest = 0;
    for (std::uint32_t v = 0; v < 11; ++v) {
      const Ids one{v};
      const TrainSequence sequence{so_far, one};
      pass.forward({&sequence, 1}, 1.0f, Keep::nothing);
      if (pass.leaf(0).logprob[0] > best) {
        best = pass.leaf(0).logprob[0];
        likeliest = v;
      }
    }
    EXPECT_EQ(token, likeliest);
    so_far.push_back(token);
  }
}

TEST_F(SamplerTest, RefusesWhatDoesNotFitThePositions) {
  Sampler sampler(*model);
  try {
    (void)sampler.generate(requests, {.max_new_tokens = 62});
    FAIL() << "3 + 62 tokens in 64 positions";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "sampler: a prompt of 3 tokens with max_new_tokens 62 (need at least 1, together at most "
                 "max_position_embeddings = 64)");
  }
}

}  // namespace
}  // namespace reckon
