// Continuous batching: whatever is decoded beside a completion, it comes out the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/rollout/rollout.h"
#include "reckon/rollout/stop_strings.h"
#include "support/allocations.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

/// Groups with prompts of every length from 1 to 40: with and without whole blocks of sixteen.
struct Requests {
  std::vector<Ids> prompts;
  std::vector<SampleRequest> list;

  Requests(std::size_t groups, std::uint32_t group_size) {
    RandomStream random(5, 1);
    for (std::size_t g = 0; g < groups; ++g) {
      Ids prompt;
      for (std::size_t i = 0; i <= (g * 7) % 40; ++i) prompt.push_back(1 + random.below(10));
      prompts.push_back(prompt);
    }
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::uint32_t i = 0; i < group_size; ++i) list.push_back({prompts[g], {7, 1, g, 0, i}});
    }
  }
};

class BatchingTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    model = std::make_unique<Decoder>(testing::tiny_config(), GetParam());
    model->initialise(1, 0.2);
  }
  std::unique_ptr<Decoder> model;
};

void expect_same(const std::vector<Sample>& actual, const std::vector<Sample>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].token_ids, expected[i].token_ids) << "request " << i;
    ASSERT_EQ(actual[i].logprob, expected[i].logprob) << "request " << i;
    ASSERT_EQ(actual[i].finish_reason, expected[i].finish_reason) << "request " << i;
  }
}

TEST_P(BatchingTest, AnyBatchLimitGivesTheSameCompletions) {
  const Requests requests(40, 5);
  Sampler sampler(*model);
  const auto expected = sampler.generate(requests.list, {.max_new_tokens = 20, .max_batch = 512});
  for (const std::int64_t limit : {1, 7, 64}) {
    expect_same(sampler.generate(requests.list, {.max_new_tokens = 20, .max_batch = limit}), expected);
  }
}

TEST_P(BatchingTest, AnyMemoryForKeysAndValuesGivesTheSameCompletions) {
  DecoderConfig config = testing::tiny_config();
  config.num_hidden_layers = 6;
  config.num_key_value_heads = 4;
  config.head_dim = 64;
  Decoder wide(config, GetParam());
  wide.initialise(1, 0.2);
  const Requests requests(30, 4);
  Sampler sampler(wide);
  const SampleOptions options{.max_new_tokens = 20, .max_batch = 256};
  const auto expected = sampler.generate(requests.list, options);
  // A block of 16 tokens is 6 layers x 2 x 4 heads x 64 x 16 values, 192 KiB in float32: five blocks in 1
  // MiB.
  for (const std::int64_t budget : {1, 2, 5}) {
    SampleOptions tight = options;
    tight.kv_budget_mib = budget;
    expect_same(sampler.generate(requests.list, tight), expected);
  }
}

TEST_P(BatchingTest, AnyOrderOfRequestsGivesTheSameCompletions) {
  const Requests requests(20, 3);
  Sampler sampler(*model);
  const SampleOptions options{.max_new_tokens = 20, .max_batch = 8};
  const auto expected = sampler.generate(requests.list, options);
  std::vector<std::size_t> order(requests.list.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i * 37 % order.size();  // 37 and 60 have no factor in common
  std::vector<SampleRequest> shuffled;
  for (const std::size_t i : order) shuffled.push_back(requests.list[i]);
  const auto samples = sampler.generate(shuffled, options);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ASSERT_EQ(samples[i].token_ids, expected[order[i]].token_ids);
    ASSERT_EQ(samples[i].logprob, expected[order[i]].logprob);
  }
}

TEST_P(BatchingTest, LogprobsAreTheLearnersBitForBit) {
  const Requests requests(40, 4);
  Sampler sampler(*model);
  const auto samples =
      sampler.generate(requests.list, {.max_new_tokens = 20, .temperature = 0.7, .max_batch = 50});
  std::vector<TrainSequence> sequences;
  for (std::size_t i = 0; i < samples.size(); ++i)
    sequences.push_back({requests.list[i].prompt, samples[i].token_ids});
  PolicyPass pass(*model);
  pass.forward(sequences, 6, 0.7f, Keep::nothing);  // leaves that cut groups in two
  std::size_t next = 0;
  std::size_t tokens = 0;
  for (std::size_t leaf = 0; leaf < pass.num_leaves(); ++leaf) {
    const LeafLogprobs logprobs = pass.leaf(leaf);
    for (std::size_t s = 0; s + 1 < logprobs.offsets.size(); ++s, ++next) {
      const std::vector<float>& expected = samples[next].logprob;
      ASSERT_EQ(logprobs.offsets[s + 1] - logprobs.offsets[s], expected.size());
      for (std::size_t t = 0; t < expected.size(); ++t) {
        ASSERT_EQ(logprobs.logprob[logprobs.offsets[s] + t], expected[t])
            << "sequence " << next << " token " << t;
      }
      tokens += expected.size();
    }
  }
  EXPECT_EQ(next, samples.size());
  EXPECT_GT(tokens, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, BatchingTest,
                         ::testing::Values(Precision(), Precision(ComputeDtype::float32, KvDtype::bfloat16),
                                           Precision(ComputeDtype::bfloat16)),
                         [](const auto& param) {
                           return std::string(enum_name(param.param.compute)) + "_" +
                                  std::string(enum_name(param.param.kv));
                         });

TEST(Batching, AFinishedSequenceIsReplacedAtTheNextToken) {
  const auto model = testing::tiny_model(1, 11, true, 0.2);
  const Requests requests(1, 40);
  Sampler sampler(*model);
  // Two at a time: with fixed batches the longer one of each pair would decide how long it takes.
  std::size_t events = 0;
  std::vector<std::size_t> first_token(requests.list.size()), last_token(requests.list.size());
  SampleOptions options{.max_new_tokens = 30, .max_batch = 2};
  std::vector<std::size_t> lengths(requests.list.size());
  options.on_token = [&](std::size_t request, std::uint32_t) {
    ++events;
    if (lengths[request]++ == 0) first_token[request] = events;
    last_token[request] = events;
  };
  (void)sampler.generate(requests.list, options);
  std::size_t alone = 0;
  for (std::size_t i = 2; i + 2 < requests.list.size(); ++i) {
    // Started before at most one of the earlier ones had still to end.
    std::size_t unfinished = 0;
    for (std::size_t j = 0; j < i; ++j) unfinished += last_token[j] > first_token[i] ? 1 : 0;
    EXPECT_LE(unfinished, 1u) << "request " << i;
    alone += unfinished == 0 ? 1 : 0;
  }
  EXPECT_LT(alone, requests.list.size() / 2);
}

// Nothing of ours does, and nothing grows with the batch: brgemm makes two small vectors a call.
TEST(Batching, DecodingDoesNotAllocate) {
  DecoderConfig config = testing::tiny_config();
  config.eos_token_ids.clear();
  Decoder model(config);
  model.initialise(1, 0.2);
  Sampler sampler(model);
  for (const std::uint32_t group_size : {2u, 30u}) {
    const Requests requests(1, group_size);
    const auto count = [&](std::int64_t tokens) {
      const std::size_t before = testing::allocations();
      (void)sampler.generate(requests.list, {.max_new_tokens = tokens});
      return testing::allocations() - before;
    };
    (void)count(50);  // buffers grow, kernels are made
    // 45 steps more, of four products in each of two layers and one of the head.
    EXPECT_EQ(count(50) - count(5), 45u * 9u * 2u);
  }
}

TEST(Batching, ABudgetTooSmallForOneSequenceIsRefused) {
  DecoderConfig config = testing::tiny_config();
  config.num_hidden_layers = 40;
  config.head_dim = 256;
  config.max_position_embeddings = 512;
  Decoder model(config);
  model.initialise(1, 0.1);
  Sampler sampler(model);
  const Ids prompt(100, 1);
  const SampleRequest request{prompt, {}};
  try {
    // A block is 40 x 2 x 2 x 256 x 16 x 4 bytes, 2.5 MiB. The prompt takes 7, its copied last one and the
    // other 24 of 100 + 399 tokens 26: 33 blocks are 82.5 MiB.
    (void)sampler.generate({&request, 1}, {.max_new_tokens = 400, .kv_budget_mib = 80});
    FAIL() << "33 blocks in 80 MiB";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_STREQ(error.what(), "sampler: kv_budget_mib is 80 (one sequence of 100 + 400 tokens needs 83)");
  }
}

TEST(Batching, KeysOfOtherWeightsCannotBeRead) {
  const auto model = testing::tiny_model(1);
  KvCache cache;
  model->reset_cache(cache, 4);
  const std::int32_t slot = cache.open(8);
  PackedRows rows;
  rows.add(1, slot, 0);
  Activations activations;
  std::vector<float> hidden(24);
  model->forward(rows, cache, activations, hidden);
  model->parameters()[0] += 1.0f;
  model->repack();
  rows.clear();
  rows.add(1, slot, 1);
  try {
    model->forward(rows, cache, activations, hidden);
    FAIL() << "read the keys of the weights before";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "Decoder::forward: slot 0 is of weight version 1 (the weights are version 2)");
  }
}

TEST(Batching, StopStringsEndACompletionAndStayInIt) {
  const auto model = testing::tiny_model(1, 11, true, 0.05);
  const Tokenizer tokenizer = Tokenizer::character_level("012345");  // with its five tags 11 ids
  std::vector<Group> groups(1);
  groups[0].prompt.token_ids = {1, 2, 3};
  RolloutPlan plan;
  plan.seed = 7;
  plan.stage = "rl";
  plan.group_size = 64;
  plan.options = {.max_new_tokens = 40, .max_batch = 9};
  Sampler sampler(*model);
  sample_groups(sampler, tokenizer, plan, groups);
  const std::vector<Completion> without = groups[0].completions;
  plan.stop = {"31", "4"};
  sample_groups(sampler, tokenizer, plan, groups);
  int stopped = 0;
  for (std::size_t i = 0; i < without.size(); ++i) {
    const Completion& completion = groups[0].completions[i];
    const std::string& text = without[i].text;
    const std::size_t a = text.find("31");
    const std::size_t b = text.find('4');
    const std::size_t end = std::min(a == std::string::npos ? a : a + 2, b == std::string::npos ? b : b + 1);
    EXPECT_EQ(completion.text, text.substr(0, end)) << text;
    if (end != std::string::npos && (end < text.size() || without[i].finish_reason == FinishReason::eos)) {
      EXPECT_EQ(completion.finish_reason, FinishReason::stop) << text;
      ++stopped;
    }
    EXPECT_TRUE(
        std::equal(completion.token_ids.begin(), completion.token_ids.end(), without[i].token_ids.begin()));
  }
  EXPECT_GT(stopped, 20);
}

}  // namespace
}  // namespace reckon
