// Weights that are replaced while completions are under way: every token has the log-prob that the learner
// gives it under the weights of its version, as if the whole prefix had been computed by these.
#include <gtest/gtest.h>

#include <algorithm>

#include "reckon/learn/policy_pass.h"
#include "reckon/rollout/continuous_sampler.h"
#include "streamed_requests.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using testing::FinishedSamples;
using testing::StreamedRequests;

constexpr float kTemperature = 0.8f;
constexpr SampleCapacity kCapacity{.longest_prompt = 40};

/// The weights of version v are what initialise(v) makes.
std::unique_ptr<Decoder> weights_of(std::uint64_t version, Precision precision,
                                    const DecoderConfig& config = testing::tiny_config()) {
  auto model = std::make_unique<Decoder>(config, precision);
  model->initialise(version, 0.2);
  return model;
}

class InFlightWeights : public ::testing::TestWithParam<std::tuple<Precision, std::int64_t>> {
 protected:
  [[nodiscard]] static Precision precision() { return std::get<0>(GetParam()); }
  [[nodiscard]] static SampleOptions options() {
    return {.max_new_tokens = 20,
            .temperature = kTemperature,
            .max_batch = std::get<1>(GetParam()),
            .policy_version = 1};
  }
  std::unique_ptr<Decoder> model = weights_of(1, precision());
  std::unique_ptr<SamplingBackend> backend = make_cpu_sampling_backend(*model);
  const StreamedRequests requests{10, 3};
  std::map<std::uint64_t, std::unique_ptr<Decoder>> weights;

  void SetUp() override {
    for (const std::uint64_t version : {1u, 2u, 5u}) weights[version] = weights_of(version, precision());
  }

  void replace_weights(ContinuousSampler& sampler, std::uint64_t version) {
    std::ranges::copy(weights[version]->parameters(), model->parameters().begin());
    model->repack();
    sampler.weights_changed(version);
  }

  /// Tokens and log-probs of each run of versions are those of its weights, token by token and by the
  /// learner.
  void check(const SampleRequest& request, const Sample& sample) {
    ASSERT_EQ(version_runs_problem(sample.versions, sample.token_ids.size()), "");
    const std::span<const std::uint32_t> ids = sample.token_ids;
    for (std::size_t r = 0; r < sample.versions.size(); ++r) {
      const Decoder& then = *weights.at(sample.versions[r].version);
      const std::size_t end =
          r + 1 < sample.versions.size() ? sample.versions[r + 1].first_token : ids.size();
      const TrainSequence sequence{request.prompt, ids};
      PolicyPass learner(then);
      learner.forward({&sequence, 1}, kTemperature, Keep::nothing);
      for (std::size_t t = sample.versions[r].first_token; t < end; ++t) {
        const SampledToken alone = testing::token_alone(then, request, ids.first(t), options().temperature);
        ASSERT_EQ(ids[t], alone.token_id) << "prompt " << request.key.prompt_id << ", token " << t;
        ASSERT_EQ(sample.logprob[t], alone.logprob) << "prompt " << request.key.prompt_id << ", token " << t;
        ASSERT_EQ(sample.logprob[t], learner.leaf(0).logprob[t]) << "by the learner, token " << t;
      }
    }
  }
};

TEST_P(InFlightWeights, EveryTokenIsOfTheWeightsOfItsVersion) {
  FinishedSamples finished;
  ContinuousSampler sampler(*backend, finished.collect(options()), kCapacity);
  sampler.add(requests.list);
  for (int steps = 0; !sampler.is_idle(); ++steps) {
    if (steps == 5) replace_weights(sampler, 2);
    if (steps == 12) replace_weights(sampler, 5);
    sampler.step();
  }
  ASSERT_EQ(finished.samples.size(), requests.list.size());
  std::size_t mixed = 0;
  for (const auto& [id, sample] : finished.samples) {
    check(requests.list[id], sample);
    mixed += sample.versions.size() > 1 ? 1 : 0;
  }
  EXPECT_GE(mixed, std::min<std::size_t>(5, static_cast<std::size_t>(options().max_batch)));
}

TEST_P(InFlightWeights, ACompletionGoesOnElsewhereByNewerWeights) {
  FinishedSamples before, after;
  ContinuousSampler sampler(*backend, before.collect(options()), kCapacity);
  sampler.add(requests.list);
  for (int steps = 0; steps < 7; ++steps) sampler.step();
  std::vector<SampleRequest> left;
  for (std::size_t i = 0; i < requests.list.size(); ++i) {
    if (before.samples.contains(i)) continue;
    left.push_back(requests.list[i]);
    left.back().so_far = sampler.take(i);
  }
  const auto elsewhere = make_cpu_sampling_backend(*weights[5]);
  SampleOptions newer = options();
  newer.policy_version = 5;
  ContinuousSampler other(*elsewhere, after.collect(newer), kCapacity);
  other.add(left);
  while (!other.is_idle()) other.step();
  ASSERT_EQ(after.samples.size(), left.size());
  std::size_t mixed = 0;
  for (const auto& [id, sample] : after.samples) {
    check(left[id], sample);
    mixed += sample.versions.size() == 2 ? 1 : 0;
  }
  EXPECT_GE(mixed, std::min<std::size_t>(5, static_cast<std::size_t>(options().max_batch)));
}

INSTANTIATE_TEST_SUITE_P(
    DtypesAndLimits, InFlightWeights,
    ::testing::Combine(::testing::Values(Precision(), Precision(ComputeDtype::float32, KvDtype::bfloat16),
                                         Precision(ComputeDtype::bfloat16)),
                       ::testing::Values(1, 6, 64)),
    [](const auto& param) {
      const Precision precision = std::get<0>(param.param);
      return std::string(enum_name(precision.compute)) + "_" + std::string(enum_name(precision.kv)) + "_" +
             std::to_string(std::get<1>(param.param));
    });

/// Counts what a sampler asks of a backend.
class CountingBackend : public SamplingBackend {
 public:
  explicit CountingBackend(std::unique_ptr<SamplingBackend> behind) : behind_(std::move(behind)) {}
  [[nodiscard]] const DecoderConfig& config() const override { return behind_->config(); }
  void reset_cache(std::int64_t num_blocks) override {
    blocks.push_back(num_blocks);
    behind_->reset_cache(num_blocks);
  }
  [[nodiscard]] KvBlocks& cache() override { return behind_->cache(); }
  [[nodiscard]] std::int64_t bytes_per_block() const override { return behind_->bytes_per_block(); }
  void forward(const PackedRows& rows) override {
    num_rows += rows.size();
    behind_->forward(rows);
  }
  void keep(std::int64_t row, std::int64_t place) override { behind_->keep(row, place); }
  void choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
              std::span<SampledToken> tokens) override {
    behind_->choose(choices, temperature, decoding, tokens);
  }

  std::vector<std::int64_t> blocks;  // of each layout of the cache
  std::size_t num_rows = 0;

 private:
  std::unique_ptr<SamplingBackend> behind_;
};

// Three completions of 8 tokens behind a prompt of 16: the prompt once, and the first 7 tokens of each.
TEST(ContinuousSampler, ComputesAPromptOnceForItsGroupAndOnceMoreForNewWeights) {
  DecoderConfig config = testing::tiny_config();
  config.eos_token_ids.clear();
  const auto model = weights_of(1, {}, config);
  const StreamedRequests requests(1, 3);
  ASSERT_EQ(requests.prompts[0].size(), 16u);
  for (const std::size_t changed_after : {0u, 4u}) {
    CountingBackend backend(make_cpu_sampling_backend(*model));
    ContinuousSampler sampler(backend, {.max_new_tokens = 8}, kCapacity);
    sampler.add(requests.list);
    for (std::size_t steps = 0; !sampler.is_idle(); ++steps) {
      if (steps > 0 && steps == changed_after) {
        model->repack();
        sampler.weights_changed(1);
      }
      sampler.step();
    }
    // Of four steps the first was the prompt's, and each of the others fed a token of each completion.
    const std::size_t again = changed_after == 0 ? 0 : 16 + 3 * 3;
    EXPECT_EQ(backend.num_rows, 16u + 3u * 7u + again);
    EXPECT_EQ(backend.blocks.size(), changed_after == 0 ? 1u : 2u);
    EXPECT_EQ(backend.blocks.front(), backend.blocks.back());
  }
}

TEST(ContinuousSampler, WhatRanWhenTheWeightsChangedComesBeforeWhatWaited) {
  DecoderConfig config = testing::tiny_config();
  config.eos_token_ids.clear();
  const auto model = weights_of(1, {}, config);
  const auto backend = make_cpu_sampling_backend(*model);
  const std::vector<std::uint32_t> shorter(4, 1), longer(30, 2);
  const SampleRequest early{shorter, {7, 1, 0, 0, 0}}, late{longer, {7, 1, 1, 0, 0}};
  std::vector<std::size_t> order;
  SampleOptions options{.max_new_tokens = 6, .max_batch = 1};
  options.on_token = [&](std::size_t id, std::uint32_t) { order.push_back(id); };
  ContinuousSampler sampler(*backend, options, kCapacity);
  sampler.add({&early, 1});
  for (int steps = 0; steps < 3; ++steps) sampler.step();
  sampler.add({&late, 1});
  model->repack();
  sampler.weights_changed(1);
  while (!sampler.is_idle()) sampler.step();
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
}

// A block of 16 tokens is 6 layers x 2 x 4 heads x 64 x 16 values, 192 KiB: five blocks in 1 MiB, which one
// sequence takes. What ran may have to wait then, and every token is still that of its weights.
TEST(ContinuousSampler, AnyMemoryForKeysAndValuesIsEnoughForNewWeights) {
  DecoderConfig config = testing::tiny_config();
  config.num_hidden_layers = 6;
  config.num_key_value_heads = 4;
  config.head_dim = 64;
  const StreamedRequests requests(8, 3);
  for (const std::int64_t budget : {1, 2, 5}) {
    const auto model = weights_of(1, {}, config), second = weights_of(2, {}, config);
    const auto backend = make_cpu_sampling_backend(*model);
    FinishedSamples finished;
    SampleOptions options{.max_new_tokens = 20, .kv_budget_mib = budget, .policy_version = 1};
    ContinuousSampler sampler(*backend, finished.collect(options), kCapacity);
    sampler.add(requests.list);
    for (int steps = 0; !sampler.is_idle(); ++steps) {
      ASSERT_LT(steps, 5000);
      if (steps == 9) {
        std::ranges::copy(second->parameters(), model->parameters().begin());
        model->repack();
        sampler.weights_changed(2);
      }
      sampler.step();
    }
    const auto first = weights_of(1, {}, config);
    ASSERT_EQ(finished.samples.size(), requests.list.size());
    for (const auto& [id, sample] : finished.samples) {
      const std::size_t last = sample.token_ids.size() - 1;
      const Decoder& then = sample.versions.back().version == 1 ? *first : *second;
      const auto before = std::span(sample.token_ids).first(last);
      ASSERT_EQ(sample.logprob[last], testing::token_alone(then, requests.list[id], before, 1.0).logprob);
    }
  }
}

}  // namespace
}  // namespace reckon
