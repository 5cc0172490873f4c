#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/model/decoder.h"
#include "reckon/rollout/continuous_sampler.h"

namespace reckon::testing {

/// Groups with prompts of many lengths from 1 to 40, with and without whole blocks of sixteen.
struct StreamedRequests {
  std::vector<std::vector<std::uint32_t>> prompts;
  std::vector<SampleRequest> list;

  StreamedRequests(std::size_t groups, std::uint32_t group_size) {
    RandomStream random(5, 1);
    for (std::size_t g = 0; g < groups; ++g) {
      std::vector<std::uint32_t> prompt;
      for (std::size_t i = 0; i <= (g * 7 + 15) % 40; ++i) prompt.push_back(1 + random.below(10));
      prompts.push_back(prompt);
    }
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::uint32_t i = 0; i < group_size; ++i) list.push_back({prompts[g], {7, 1, g, 0, i}});
    }
  }
};

/// The token at a position of a completion, by a pass of all tokens before it through an empty cache: what
/// every sampler must say, without one.
inline SampledToken token_alone(const Decoder& weights, const SampleRequest& request,
                                std::span<const std::uint32_t> before, double temperature) {
  KvCache cache;
  weights.reset_cache(cache, 8);
  const std::int32_t slot = cache.open(128);
  PackedRows rows;
  for (const std::uint32_t id : request.prompt) rows.add(id, slot, static_cast<std::int32_t>(rows.size()));
  for (const std::uint32_t id : before) rows.add(id, slot, static_cast<std::int32_t>(rows.size()));
  const auto width = static_cast<std::size_t>(weights.config().hidden_size);
  std::vector<float> hidden(rows.size() * width);
  Activations activations;
  weights.forward(rows, cache, activations, hidden);
  std::vector<float> logits(static_cast<std::size_t>(weights.num_logits()));
  weights.logits(std::span(hidden).last(width), logits);
  return sample_token(logits, temperature, request.key, static_cast<std::uint32_t>(before.size()));
}

/// Takes what a sampler tells of, by id, and counts how often.
struct FinishedSamples {
  std::map<std::uint64_t, Sample> samples;

  [[nodiscard]] SampleOptions collect(SampleOptions options) {
    options.on_finished = [this](std::size_t id, const Sample& sample) {
      if (!samples.emplace(id, sample).second) throw std::logic_error("told twice");
    };
    return options;
  }
};

}  // namespace reckon::testing
