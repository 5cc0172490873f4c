// Completions that come and go: what comes out is what each would be alone.
#include "reckon/rollout/continuous_sampler.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "reckon/base/error.h"
#include "reckon/rollout/sampler.h"
#include "streamed_requests.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using testing::FinishedSamples;
using testing::StreamedRequests;
using Ids = std::vector<std::uint32_t>;

constexpr SampleCapacity kCapacity{.longest_prompt = 40};

class ContinuousSamplerTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    model = std::make_unique<Decoder>(testing::tiny_config(), GetParam());
    model->initialise(1, 0.2);
    backend = make_cpu_sampling_backend(*model);
  }
  std::unique_ptr<Decoder> model;
  std::unique_ptr<SamplingBackend> backend;
  const StreamedRequests requests{12, 3};

  /// What each request must give, from passes of its own.
  [[nodiscard]] const std::vector<Sample>& expected(const SampleOptions& options) {
    if (!expected_.empty()) return expected_;
    for (const SampleRequest& request : requests.list) {
      Sample sample;
      while (static_cast<std::int64_t>(sample.token_ids.size()) < options.max_new_tokens) {
        const SampledToken next =
            testing::token_alone(*model, request, sample.token_ids, options.temperature);
        sample.token_ids.push_back(next.token_id);
        sample.logprob.push_back(next.logprob);
        if (next.token_id == 0) break;
      }
      expected_.push_back(sample);
    }
    return expected_;
  }

 private:
  std::vector<Sample> expected_;
};

void expect_same(const Sample& actual, const Sample& expected, std::size_t request) {
  ASSERT_EQ(actual.token_ids, expected.token_ids) << "request " << request;
  ASSERT_EQ(actual.logprob, expected.logprob) << "request " << request;
  ASSERT_EQ(actual.finish_reason, expected.token_ids.back() == 0 ? FinishReason::eos : FinishReason::length);
}

TEST_P(ContinuousSamplerTest, RequestsThatComeAtAnyTimeGiveWhatTheyGiveAlone) {
  const SampleOptions options{.max_new_tokens = 20, .max_batch = 9};
  FinishedSamples finished;
  ContinuousSampler sampler(*backend, finished.collect(options), kCapacity);
  RandomStream random(3, 1);
  const std::span<const SampleRequest> list = requests.list;
  for (std::size_t next = 0; next < list.size() || !sampler.is_idle();) {
    const std::size_t count = std::min<std::size_t>(random.below(6), list.size() - next);
    EXPECT_EQ(sampler.add(list.subspan(next, count)), next);  // groups are cut in two, too
    next += count;
    sampler.step();
    EXPECT_EQ(sampler.num_unfinished() + static_cast<std::int64_t>(finished.samples.size()),
              static_cast<std::int64_t>(next));
  }
  ASSERT_EQ(finished.samples.size(), list.size());
  for (std::size_t i = 0; i < list.size(); ++i) expect_same(finished.samples[i], expected(options)[i], i);
}

TEST_P(ContinuousSamplerTest, CompletionsThatAreTakenGoOnElsewhereAsIfNothingWere) {
  const SampleOptions options{.max_new_tokens = 20, .temperature = 0.8, .max_batch = 7};
  RandomStream random(4, 1);
  std::vector<SampleRequest> list = requests.list;
  std::vector<std::size_t> unfinished(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) unfinished[i] = i;
  std::size_t begun_before = 0;
  for (std::int64_t round = 0; !unfinished.empty(); ++round) {
    const auto elsewhere = make_cpu_sampling_backend(*model);
    SampleOptions here = options;
    here.max_batch = 1 + round % 9;
    FinishedSamples finished;
    ContinuousSampler sampler(*elsewhere, finished.collect(here), kCapacity);
    std::vector<SampleRequest> now;
    for (const std::size_t i : unfinished) now.push_back(list[i]);
    sampler.add(now);
    for (std::uint32_t steps = 1 + random.below(6); steps > 0; --steps) sampler.step();
    std::vector<std::size_t> left;
    for (std::size_t k = 0; k < unfinished.size(); ++k) {
      const std::size_t i = unfinished[k];
      if (finished.samples.contains(k)) {
        expect_same(finished.samples[k], expected(options)[i], i);
        continue;
      }
      list[i].so_far = sampler.take(k);
      begun_before += list[i].so_far.token_ids.empty() ? 0 : 1;
      left.push_back(i);
    }
    EXPECT_TRUE(sampler.is_idle());
    unfinished = left;
  }
  EXPECT_GT(begun_before, 100u);  // or little was interrupted
}

TEST_P(ContinuousSamplerTest, WhatIsTakenFreesItsPlaceForOthers) {
  const SampleOptions options{.max_new_tokens = 20, .max_batch = 6};
  FinishedSamples finished;
  ContinuousSampler sampler(*backend, finished.collect(options), kCapacity);
  const std::int64_t free_blocks = backend->cache().free_blocks();
  RandomStream random(5, 1);
  std::map<std::uint64_t, std::size_t> request_of;
  const auto add = [&](std::size_t i, Sample so_far) {
    SampleRequest request = requests.list[i];
    request.so_far = std::move(so_far);
    request_of[sampler.add({&request, 1})] = i;
  };
  for (std::size_t i = 0; i < requests.list.size(); ++i) add(i, {});
  std::size_t taken = 0;
  while (!sampler.is_idle()) {
    sampler.step();
    // One that runs or waits leaves, and comes back behind the others.
    auto one = std::next(request_of.begin(), random.below(static_cast<std::uint32_t>(request_of.size())));
    if (taken == 200 || finished.samples.contains(one->first)) continue;
    const std::size_t request = one->second;
    Sample so_far = sampler.take(one->first);
    request_of.erase(one);
    add(request, std::move(so_far));
    ++taken;
  }
  EXPECT_GT(taken, 30u);
  EXPECT_EQ(finished.samples.size(), requests.list.size());
  for (const auto& [id, sample] : finished.samples)
    expect_same(sample, expected(options)[request_of.at(id)], request_of.at(id));
  EXPECT_EQ(backend->cache().free_blocks(), free_blocks);  // nothing is left behind
}

INSTANTIATE_TEST_SUITE_P(Dtypes, ContinuousSamplerTest,
                         ::testing::Values(Precision(), Precision(ComputeDtype::float32, KvDtype::bfloat16),
                                           Precision(ComputeDtype::bfloat16)),
                         [](const auto& param) {
                           return std::string(enum_name(param.param.compute)) + "_" +
                                  std::string(enum_name(param.param.kv));
                         });

/// The order in which requests get their first tokens, one at a time.
struct FirstTokens {
  std::vector<std::size_t> order;
  [[nodiscard]] SampleOptions watch(SampleOptions options) {
    options.on_token = [this, seen = std::set<std::size_t>()](std::size_t id, std::uint32_t) mutable {
      if (seen.insert(id).second) order.push_back(id);
    };
    return options;
  }
};

TEST(ContinuousSampler, TheLongestPromptsThatWaitComeFirst) {
  const auto model = testing::tiny_model(1, 11, true, 0.2);
  const auto backend = make_cpu_sampling_backend(*model);
  FirstTokens first;
  ContinuousSampler sampler(*backend, first.watch({.max_new_tokens = 4, .max_batch = 1}), kCapacity);
  const std::vector<Ids> prompts{Ids(5, 1), Ids(20, 2), Ids(9, 3), Ids(30, 4), Ids(9, 5)};
  std::vector<SampleRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) requests.push_back({prompts[i], {7, 1, i, 0, 0}});
  sampler.add(std::span(requests).first(2));
  sampler.step();  // the prompt of 20 tokens is on its way: it stays the first
  sampler.add(std::span(requests).subspan(2));
  while (!sampler.is_idle()) sampler.step();
  EXPECT_EQ(first.order, (std::vector<std::size_t>{1, 3, 2, 4, 0}));
}

TEST(ContinuousSampler, WhoeverIsToldOfAnEndMayAddAndTake) {
  const auto model = testing::tiny_model(1, 11, true, 0.2);
  const StreamedRequests requests(6, 1);
  Sampler alone(*model);
  const auto expected = alone.generate(requests.list, {.max_new_tokens = 12});
  const auto backend = make_cpu_sampling_backend(*model);
  std::map<std::uint64_t, Sample> samples;
  ContinuousSampler* running = nullptr;
  SampleOptions options{.max_new_tokens = 12, .max_batch = 2};
  std::size_t next = 0;
  options.on_finished = [&](std::size_t id, const Sample& sample) {
    samples[id] = sample;
    if (next < requests.list.size()) running->add(std::span(requests.list).subspan(next++, 1));
  };
  ContinuousSampler sampler(*backend, options, kCapacity);
  running = &sampler;
  sampler.add(std::span(requests.list).subspan(next++, 1));
  while (!sampler.is_idle()) sampler.step();
  ASSERT_EQ(samples.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(samples[i].token_ids, expected[i].token_ids);
}

// Two completions of one length end in the same step: the first takes the second, which is not told of then.
TEST(ContinuousSampler, OneThatHasEndedCanBeTakenUntilItIsToldOf) {
  DecoderConfig config = testing::tiny_config();
  config.eos_token_ids.clear();
  Decoder model(config);
  model.initialise(1, 0.2);
  const auto backend = make_cpu_sampling_backend(model);
  const StreamedRequests requests(1, 2);
  ContinuousSampler* running = nullptr;
  std::vector<std::size_t> told;
  Sample taken;
  SampleOptions options{.max_new_tokens = 5};
  options.on_finished = [&](std::size_t id, const Sample&) {
    told.push_back(id);
    taken = running->take(1 - id);
  };
  ContinuousSampler sampler(*backend, options, kCapacity);
  running = &sampler;
  sampler.add(requests.list);
  while (!sampler.is_idle()) sampler.step();
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(taken.token_ids.size(), 5u);
}

class Refusals : public ::testing::Test {
 protected:
  std::unique_ptr<Decoder> model = testing::tiny_model(1, 11, true, 0.2);
  std::unique_ptr<SamplingBackend> backend = make_cpu_sampling_backend(*model);
  ContinuousSampler sampler{*backend, {.max_new_tokens = 20, .policy_version = 4}, {.longest_prompt = 8}};
  const Ids prompt{1, 2, 3};

  [[nodiscard]] std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const std::exception& error) {
      EXPECT_TRUE(sampler.is_idle());
      return error.what();
    }
    return "no error";
  }
  [[nodiscard]] std::string error_of_adding(const Sample& so_far) {
    return error_of([&] {
      const SampleRequest requests[] = {{prompt, {}}, {prompt, {}, so_far}};
      sampler.add(requests);
    });
  }
};

TEST_F(Refusals, NameTheLengthsThatDoNotFit) {
  const auto add = [&](const Ids& ids) {
    const SampleRequest request{ids, {}};
    sampler.add({&request, 1});
  };
  EXPECT_EQ(error_of([&] { add(Ids(9, 1)); }),
            "sampler: a prompt of 9 tokens (the cache was laid out for at most 8)");
  EXPECT_EQ(error_of([&] { add({}); }),
            "sampler: a prompt of 0 tokens with max_new_tokens 20 (need at least 1, together at most "
            "max_position_embeddings = 64)");
  EXPECT_EQ(error_of([&] { ContinuousSampler(*backend, {.max_new_tokens = 20}, {.longest_prompt = 45}); }),
            "sampler: a prompt of 45 tokens with max_new_tokens 20 (need at least 1, together at most "
            "max_position_embeddings = 64)");
}

TEST_F(Refusals, NameWhatIsWrongWithACompletionThatShouldGoOn) {
  EXPECT_EQ(error_of_adding({{1, 2}, {-1.f}, {{0, 3}}}),
            "sampler: a completion cannot go on: 2 tokens with 1 log-probs");
  EXPECT_EQ(
      error_of_adding({{1, 2}, {-1.f, -1.f}, {}}),
      "sampler: a completion cannot go on: 0 version runs of 2 tokens (need some where there are tokens, "
      "else none)");
  EXPECT_EQ(error_of_adding({{1, 2}, {-1.f, -1.f}, {{0, 3}, {2, 4}}}),
            "sampler: a completion cannot go on: version run 1 begins at token 2 of 2, of version 4 (need a "
            "token and a version after 0 and 3)");
  EXPECT_EQ(error_of_adding({{1, 0}, {-1.f, -1.f}, {{0, 3}}}),
            "sampler: a completion cannot go on: it has ended after 2 tokens (max_new_tokens is 20)");
  EXPECT_EQ(error_of_adding({Ids(20, 1), std::vector<float>(20, -1.f), {{0, 3}}}),
            "sampler: a completion cannot go on: it has ended after 20 tokens (max_new_tokens is 20)");
  EXPECT_EQ(error_of_adding({{1}, {-1.f}, {{0, 5}}}),
            "sampler: a completion cannot go on: its last tokens are of version 5 (need at most that of the "
            "weights, 4)");
}

TEST_F(Refusals, NameTheIdThatIsNotThere) {
  EXPECT_EQ(error_of([&] { (void)sampler.take(3); }),
            "ContinuousSampler::take: 3 (need the id of an unfinished completion)");
  EXPECT_EQ(error_of([&] { sampler.weights_changed(3); }),
            "ContinuousSampler::weights_changed: version 3 after 4");
}

}  // namespace
}  // namespace reckon
