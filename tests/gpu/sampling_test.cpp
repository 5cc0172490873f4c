// Sampling on a GPU: the same completions whatever is decoded beside, and the learner's log-probs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "reckon/base/error.h"
#include "reckon/gpu/engine.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/rollout/continuous_sampler.h"
#include "sampling_backend.h"
#include "small_models.h"

namespace reckon::gpu {
namespace {

using ::testing::ThrowsMessage;
using Ids = std::vector<std::uint32_t>;

class GpuSampling : public ::testing::TestWithParam<ModelFamily> {
 protected:
  std::unique_ptr<Decoder> model = testing::small_model(GetParam());
  Engine engine{*model, Numerics::exact};
  std::unique_ptr<Communicator> world = make_serial_communicator();
  std::unique_ptr<DeviceCommunicator> devices = make_serial_device_communicator();

  [[nodiscard]] std::vector<Sample> generate(const testing::SampleGroups& groups, std::int64_t max_batch) {
    Sampler sampler(engine.sampling_backend());
    return sampler.generate(groups.requests, {.max_new_tokens = 24, .max_batch = max_batch});
  }
};
INSTANTIATE_TEST_SUITE_P(Families, GpuSampling,
                         ::testing::Values(ModelFamily::qwen2, ModelFamily::qwen3, ModelFamily::llama));

void expect_same(const std::vector<Sample>& actual, const std::vector<Sample>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].token_ids, expected[i].token_ids) << "request " << i;
    ASSERT_EQ(actual[i].logprob, expected[i].logprob) << "request " << i;
  }
}

TEST_P(GpuSampling, AnyBatchGivesTheSameCompletions) {
  const testing::SampleGroups groups({1, 3, 15, 16, 17, 40}, 3);
  const std::vector<Sample> expected = generate(groups, 64);
  std::size_t tokens = 0;
  for (const Sample& sample : expected) tokens += sample.token_ids.size();
  EXPECT_GT(tokens, 18u * 8u);  // completions that end at once would show little
  for (const std::int64_t limit : {1, 5}) expect_same(generate(groups, limit), expected);
}

TEST_P(GpuSampling, TheLearnersLogProbsHaveTheSamplersBits) {
  // Prompts longer than a split of the keys, shared by a group and alone.
  const testing::SampleGroups groups({2, 18, 127, 140}, 3);
  const std::vector<Sample> samples = generate(groups, 7);
  const auto learner = engine.learner({}, {.leaf_sequences = 5}, *world, *devices, 1, nullptr);
  std::vector<TrainSequence> sequences;
  std::vector<float> expected;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    sequences.push_back({groups.requests[i].prompt, samples[i].token_ids});
    expected.insert(expected.end(), samples[i].logprob.begin(), samples[i].logprob.end());
  }
  EXPECT_EQ(learner->logprobs(sequences, 1.0f), expected);
}

// One of each group is stopped before the weights change, and goes on behind what it has; the others go on as
// they are.
TEST_P(GpuSampling, WeightsThatChangeUnderWayGiveTheirLearnersLogProbs) {
  const testing::SampleGroups groups({2, 18, 140}, 3);
  const std::unique_ptr<Decoder> older = testing::small_model(GetParam());
  const std::unique_ptr<Decoder> newer = testing::small_model(GetParam(), 0.25);
  const std::unique_ptr<SamplingBackend> backend = engine.sampling_backend();
  std::map<std::uint64_t, std::size_t> request_of;  // by id
  std::map<std::size_t, Sample> samples;            // by request
  SampleOptions options{.max_new_tokens = 24, .max_batch = 6, .policy_version = 1};
  options.on_finished = [&](std::size_t id, const Sample& sample) { samples[request_of.at(id)] = sample; };
  ContinuousSampler sampler(*backend, options, {.longest_prompt = 140});
  sampler.add(groups.requests);
  for (std::size_t i = 0; i < groups.requests.size(); ++i) request_of[i] = i;
  for (int steps = 0; steps < 6; ++steps) sampler.step();
  std::vector<SampleRequest> again = groups.requests;
  std::vector<std::size_t> stopped;
  for (const std::size_t first : {0u, 3u, 6u}) {
    std::size_t unfinished = first;
    while (samples.contains(unfinished)) ++unfinished;
    ASSERT_LT(unfinished, first + 3);
    again[unfinished].so_far = sampler.take(unfinished);
    stopped.push_back(unfinished);
  }
  std::ranges::copy(newer->parameters(), model->parameters().begin());
  model->repack();
  engine.store_weights();
  sampler.weights_changed(2);
  for (const std::size_t i : stopped) request_of[sampler.add(std::span(again).subspan(i, 1))] = i;
  while (!sampler.is_idle()) sampler.step();

  std::vector<TrainSequence> sequences;
  for (const auto& [request, sample] : samples)
    sequences.push_back({groups.requests[request].prompt, sample.token_ids});
  ASSERT_EQ(sequences.size(), groups.requests.size());
  Engine engine_before(*older, Numerics::exact);
  const auto logprobs = [&](Engine& of) {
    return of.learner({}, {.leaf_sequences = 5}, *world, *devices, 1, nullptr)->logprobs(sequences, 1.0f);
  };
  const std::vector<float> before = logprobs(engine_before), after = logprobs(engine);
  std::size_t at = 0, num_before = 0, num_mixed = 0;
  for (const auto& [request, sample] : samples) {
    num_mixed += sample.versions.size() == 2 ? 1 : 0;
    for (std::size_t t = 0; t < sample.token_ids.size(); ++t, ++at) {
      const bool is_of_last_run = t >= sample.versions.back().first_token;
      const bool is_older = !is_of_last_run || sample.versions.back().version == 1;
      ASSERT_EQ(sample.logprob[t], (is_older ? before : after)[at])
          << "request " << request << ", token " << t;
      num_before += is_older ? 1 : 0;
    }
  }
  EXPECT_GE(num_mixed, 5u);
  EXPECT_GT(num_before, 20u);
  EXPECT_GT(at, 2 * num_before);
}

// bfloat16 keeps eight bits: through two layers and logits of size 3 a log-prob moves by some hundredths.
TEST_P(GpuSampling, LogProbsAreThoseOfTheDecoderOnTheCpu) {
  const testing::SampleGroups groups({2, 18, 140}, 2);
  const std::vector<Sample> samples = generate(groups, 64);
  double squares = 0;
  double count = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const TrainSequence sequence{groups.requests[i].prompt, samples[i].token_ids};
    PolicyPass pass(*model);
    pass.forward({&sequence, 1}, 1.0f, Keep::nothing);
    const std::span<const float> expected = pass.leaf(0).logprob;
    for (std::size_t t = 0; t < expected.size(); ++t) {
      ASSERT_NEAR(samples[i].logprob[t], expected[t], 0.15) << "request " << i << ", token " << t;
      squares += std::pow(samples[i].logprob[t] - expected[t], 2);
      count += 1;
    }
  }
  EXPECT_LT(std::sqrt(squares / count), 0.03);
}

TEST_P(GpuSampling, GreedyDecodingTakesTheLikeliestToken) {
  const testing::SampleGroups groups({5, 33}, 1);
  Sampler sampler(engine.sampling_backend());
  const SampleOptions options{.max_new_tokens = 8, .decoding = Decoding::greedy};
  for (const Sample& sample : sampler.generate(groups.requests, options)) {
    // Of 45 words the likeliest has at least 1 / 45.
    for (const float logprob : sample.logprob) EXPECT_GE(logprob, -std::log(45.0f));
  }
}

class GpuBackend : public ::testing::Test {
 protected:
  std::unique_ptr<Decoder> model = testing::small_model(ModelFamily::qwen3);
  cuda::OwnedStream stream;
  Weights weights{*model, WeightUse::infer, stream.get()};
  cuda::Gemm gemm{cuda::GemmSums::exact};
  GpuSamplingBackend backend{weights, gemm, stream.get()};

  /// The next tokens of three sequences, fed alone in passes of their own.
  [[nodiscard]] std::vector<SampledToken> choose_after(const std::vector<Ids>& prompts) {
    backend.reset_cache(32);
    PackedRows rows;
    std::vector<TokenChoice> choices;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::int32_t slot = backend.cache().open(40);
      for (std::size_t t = 0; t < prompts[i].size(); ++t)
        rows.add(prompts[i][t], slot, static_cast<std::int32_t>(t));
      choices.push_back(
          {.row = static_cast<std::int64_t>(rows.size()) - 1, .key = {.seed = 1, .prompt_id = i}});
    }
    backend.forward(rows);
    std::vector<SampledToken> tokens(choices.size());
    backend.choose(choices, 0.8, Decoding::sample, tokens);
    return tokens;
  }
};

TEST_F(GpuBackend, RecordedPassesOfOtherSizesGiveTheSameRows) {
  std::vector<std::vector<SampledToken>> all;
  for (const std::size_t count : {6u, 5u, 3u, 2u, 1u}) {
    backend.reset_cache(64);
    PackedRows prompt_rows;
    std::vector<std::int32_t> slots;
    for (std::size_t i = 0; i < count; ++i) {
      slots.push_back(backend.cache().open(40));
      for (std::int32_t t = 0; t < 20; ++t)
        prompt_rows.add(static_cast<std::uint32_t>(1 + i + static_cast<std::size_t>(t)), slots[i], t);
    }
    backend.forward(prompt_rows);
    std::vector<SampledToken> first_sequence;
    for (std::int32_t position = 20; position < 24; ++position) {
      PackedRows rows;
      std::vector<TokenChoice> choices;
      for (std::size_t i = 0; i < count; ++i) {
        rows.add(static_cast<std::uint32_t>(2 + i), slots[i], position);
        choices.push_back({.row = static_cast<std::int64_t>(i),
                           .key = {.prompt_id = i},
                           .position = static_cast<std::uint32_t>(position)});
      }
      backend.forward(rows);
      std::vector<SampledToken> tokens(count);
      backend.choose(choices, 1.0, Decoding::sample, tokens);
      first_sequence.push_back(tokens.front());
    }
    all.push_back(first_sequence);
  }
  EXPECT_EQ(backend.num_recorded(), 4u);  // of 8, 4, 2 and 1 rows
  for (const auto& sequence : all) {
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      EXPECT_EQ(sequence[i].token_id, all.front()[i].token_id);
      EXPECT_EQ(sequence[i].logprob, all.front()[i].logprob);
    }
  }
}

TEST_F(GpuBackend, KeptRowsOutliveTheirPass) {
  const std::vector<SampledToken> direct = choose_after({{1, 2, 3}, {4, 5}});
  backend.keep(2, 0);
  backend.keep(4, 3);
  PackedRows other;
  other.add(9, backend.cache().open(8), 0);
  backend.forward(other);
  const TokenChoice choices[] = {{.row = 3, .kept = true, .key = {.seed = 1, .prompt_id = 1}},
                                 {.row = 0, .kept = true, .key = {.seed = 1, .prompt_id = 0}}};
  std::vector<SampledToken> kept(2);
  backend.choose(choices, 0.8, Decoding::sample, kept);
  EXPECT_EQ(kept[0].token_id, direct[1].token_id);
  EXPECT_EQ(kept[0].logprob, direct[1].logprob);
  EXPECT_EQ(kept[1].logprob, direct[0].logprob);
}

TEST_F(GpuBackend, RefusesRowsAndPlacesThatAreNotThere) {
  (void)choose_after({{1, 2}});
  std::vector<SampledToken> tokens(1);
  const TokenChoice no_row[] = {{.row = 2}};
  EXPECT_THAT([&] { backend.choose(no_row, 1.0, Decoding::sample, tokens); },
              ThrowsMessage<std::invalid_argument>("SamplingBackend: row 2 of a pass of 2"));
  const TokenChoice no_place[] = {{.row = 1, .kept = true}};
  EXPECT_THAT([&] { backend.choose(no_place, 1.0, Decoding::sample, tokens); },
              ThrowsMessage<std::invalid_argument>("SamplingBackend: no row is kept at place 1"));
  EXPECT_THAT([&] { backend.keep(2, 0); },
              ThrowsMessage<std::invalid_argument>("SamplingBackend: row 2 of a pass of 2"));
}

TEST_F(GpuBackend, RefusesKeysOfOtherWeights) {
  backend.reset_cache(4);
  const std::int32_t slot = backend.cache().open(8);
  weights.mark_changed();
  PackedRows rows;
  rows.add(1, slot, 0);
  EXPECT_THROW(backend.forward(rows), std::logic_error);
}

TEST(GpuWeights, RefusesWidthsThatVectorLoadsDoNotFit) {
  DecoderConfig config = testing::small_config(ModelFamily::qwen3);
  config.intermediate_size = 20;
  const Decoder model(config);
  EXPECT_THAT([&] { Weights(model, WeightUse::infer, nullptr); },
              ::testing::ThrowsMessage<Error>(
                  ::testing::HasSubstr("(need widths that are multiples of 8 on a GPU)")));
}

}  // namespace
}  // namespace reckon::gpu
