// Whether what the sampler says of its tokens is what the learner says, and whether a sample depends on the
// batch that it was sampled in.
#include <algorithm>
#include <cmath>

#include "app/engine.h"
#include "checks.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/rollout/sampler.h"
#include "small_models.h"

namespace reckon::selftest {
namespace {

constexpr std::uint32_t kGroupSize = 3;
constexpr double kTemperature = 0.9;

std::vector<SampleRequest> requests_for(const SmallSequences& small) {
  std::vector<SampleRequest> requests;
  for (std::size_t g = 0; g < small.prompts().size(); ++g) {
    for (std::uint32_t i = 0; i < kGroupSize; ++i) {
      requests.push_back(
          {small.prompts()[g], {.seed = 7, .stage = 1, .prompt_id = g, .visit = 0, .sample_index = i}});
    }
  }
  return requests;
}

std::vector<Sample> sample(const Decoder& decoder, std::span<const SampleRequest> requests,
                           std::int64_t max_batch) {
  SampleOptions options;
  options.max_new_tokens = 20;
  options.temperature = kTemperature;
  options.max_batch = max_batch;
  return Sampler(decoder).generate(requests, options);
}

void compare_samples(Comparison& comparison, const std::string& what, std::span<const Sample> left,
                     const std::string& right_name, std::span<const Sample> right) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string where = what + ", completion " + std::to_string(i);
    comparison.tokens(where + ", tokens", {"in one batch", left[i].token_ids},
                      {right_name, right[i].token_ids});
    comparison.floats(where + ", log-probs", {"in one batch", left[i].logprob},
                      {right_name, right[i].logprob});
  }
}

/// What the learner says of samples, one completion after the other.
std::vector<float> learner_logprobs(const Decoder& model, std::span<const SampleRequest> requests,
                                    std::span<const Sample> samples, Communicator& alone) {
  const auto decoder = copy_of(model);
  CpuLearner learner(*decoder, {}, {.leaf_sequences = 4, .micro_batch_leaves = 2}, alone, 1);
  std::vector<TrainSequence> sequences;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    sequences.push_back({requests[i].prompt, samples[i].token_ids});
  }
  return learner.logprobs(sequences, static_cast<float>(kTemperature));
}

}  // namespace

std::string check_sampler(SelfTest& test, Comparison& comparison) {
  const SmallSequences small;
  const std::vector<SampleRequest> requests = requests_for(small);
  std::size_t tokens = 0;
  double largest = 0;
  for_each_model([&](const SmallModel& model) {
    const std::vector<Sample> samples = sample(*model.decoder, requests, 64);
    std::vector<float> sampled;
    for (const Sample& one : samples) sampled.insert(sampled.end(), one.logprob.begin(), one.logprob.end());
    const std::vector<float> learned = learner_logprobs(*model.decoder, requests, samples, test.alone);
    comparison.floats(model.name + ", log-probs", {"by the sampler", sampled}, {"by the learner", learned});
    for (std::size_t i = 0; i < std::min(sampled.size(), learned.size()); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(sampled[i]) - learned[i]));
    }
    tokens += sampled.size();
    for (const std::int64_t max_batch : {1, 4, 7}) {
      compare_samples(comparison, model.name, samples, "in batches of " + std::to_string(max_batch),
                      sample(*model.decoder, requests, max_batch));
    }
    std::vector<SampleRequest> turned(requests.rbegin(), requests.rend());
    std::vector<Sample> others = sample(*model.decoder, turned, 5);
    std::reverse(others.begin(), others.end());
    compare_samples(comparison, model.name, samples, "in the other order", others);
  });
  return std::to_string(tokens) + " tokens, largest difference " +
         (largest == 0 ? "0" : std::to_string(largest));
}

}  // namespace reckon::selftest
