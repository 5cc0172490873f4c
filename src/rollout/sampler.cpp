#include "reckon/rollout/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/ops/token_logprob.h"

namespace reckon {

std::uint32_t stage_key(std::string_view stage_name) {
  std::uint64_t hash = 0;
  for (const char c : stage_name) hash = mix64(hash, static_cast<unsigned char>(c));
  return static_cast<std::uint32_t>(hash);
}

std::uint32_t gumbel_argmax(std::span<const float> logits, double temperature, const SampleKey& key,
                            std::uint32_t position) {
  const std::uint64_t name = mix64(key.seed, key.stage, key.prompt_id);
  const PhiloxKey philox_key{static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)};
  std::uint32_t best = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  PhiloxCounter words{};
  for (std::uint32_t v = 0; v < logits.size(); ++v) {
    if (v % 4 == 0) words = philox4x32({v / 4, position, key.visit, key.sample_index}, philox_key);
    const double uniform = (static_cast<double>(words[v % 4]) + 0.5) * 0x1.0p-32;
    const double score = static_cast<double>(logits[v]) / temperature - std::log(-std::log(uniform));
    if (score > best_score) {
      best_score = score;
      best = v;
    }
  }
  return best;
}

std::uint32_t argmax(std::span<const float> logits) {
  return static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// A sequence being decoded.
struct Sampler::Slot {
  std::size_t request = 0;
  std::int32_t cache_slot = 0;
  std::int32_t next_position = 0;  // of the token that will be fed next
  std::size_t logits_row = 0;      // where its next token is chosen from
  std::uint32_t last_token = 0;
};

Sampler::Sampler(const Decoder& decoder) : decoder_(decoder) {}

std::vector<Sample> Sampler::generate(std::span<const SampleRequest> requests, const SampleOptions& options) {
  std::vector<Sample> samples(requests.size());
  const auto batch = static_cast<std::size_t>(options.max_batch);
  for (std::size_t first = 0; first < requests.size(); first += batch) {
    const auto part = requests.subspan(first, std::min(batch, requests.size() - first));
    const auto part_samples = std::span(samples).subspan(first, part.size());
    first_request_ = first;
    std::vector<Slot> active;
    prefill(part, options, active);
    choose(active, part, options, part_samples);
    while (!active.empty()) {
      decode_step(active);
      for (std::size_t row = 0; row < active.size(); ++row) {
        active[row].logits_row = row;
        active[row].next_position += 1;
      }
      choose(active, part, options, part_samples);
    }
  }
  return samples;
}

void Sampler::prefill(std::span<const SampleRequest> requests, const SampleOptions& options,
                      std::vector<Slot>& slots) {
  const std::int64_t limit = decoder_.config().max_position_embeddings;
  std::vector<std::int64_t> capacities;
  for (const SampleRequest& request : requests) {
    const std::int64_t longest = static_cast<std::int64_t>(request.prompt.size()) + options.max_new_tokens;
    if (request.prompt.empty() || longest > limit) {
      throw Error(
          ExitCode::usage,
          "sampler: a prompt of " + std::to_string(request.prompt.size()) + " tokens with max_new_tokens " +
              std::to_string(options.max_new_tokens) +
              " (need at least 1, together at most max_position_embeddings = " + std::to_string(limit) + ")");
    }
    capacities.push_back(longest);
  }
  decoder_.reset_caches(caches_, capacities);
  rows_.clear();
  std::vector<std::size_t> owner(requests.size());  // the first request with the same prompt
  std::vector<std::size_t> last_row(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const bool same = i > 0 && requests[i].prompt.data() == requests[i - 1].prompt.data() &&
                      requests[i].prompt.size() == requests[i - 1].prompt.size();
    owner[i] = same ? owner[i - 1] : i;
    if (same) continue;
    for (std::size_t p = 0; p < requests[i].prompt.size(); ++p) {
      rows_.add(requests[i].prompt[p], static_cast<std::int32_t>(i), static_cast<std::int32_t>(p));
    }
    last_row[i] = rows_.size() - 1;
  }
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  hidden_.resize(rows_.size() * width);
  decoder_.forward(rows_, caches_, activations_, hidden_);
  logits_.resize(requests.size() * vocab);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto prompt_length = static_cast<std::int64_t>(requests[i].prompt.size());
    if (owner[i] == i) {
      decoder_.logits(hidden_.span().subspan(last_row[i] * width, width),
                      logits_.span().subspan(i * vocab, vocab));
    } else {
      for (KvCache& cache : caches_) {
        cache.copy_prefix(static_cast<std::int64_t>(owner[i]), static_cast<std::int64_t>(i), prompt_length);
      }
    }
    slots.push_back({i, static_cast<std::int32_t>(i), static_cast<std::int32_t>(prompt_length), owner[i], 0});
  }
}

void Sampler::choose(std::vector<Slot>& active, std::span<const SampleRequest> requests,
                     const SampleOptions& options, std::span<Sample> samples) {
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  const std::vector<std::int64_t>& eos = decoder_.config().eos_token_ids;
  std::size_t kept = 0;
  for (const Slot& slot : active) {
    Sample& sample = samples[slot.request];
    const std::span<const float> row = logits_.span().subspan(slot.logits_row * vocab, vocab);
    const auto position = static_cast<std::uint32_t>(sample.token_ids.size());
    const std::uint32_t token =
        options.decoding == Decoding::greedy
            ? argmax(row)
            : gumbel_argmax(row, options.temperature, requests[slot.request].key, position);
    float logprob = 0;
    token_logprob(row, {&token, 1}, static_cast<float>(options.temperature), {&logprob, 1});
    sample.token_ids.push_back(token);
    sample.logprob.push_back(logprob);
    if (options.on_token) options.on_token(first_request_ + slot.request, token);
    const bool ended = std::find(eos.begin(), eos.end(), static_cast<std::int64_t>(token)) != eos.end();
    sample.finish_reason = ended ? FinishReason::eos : FinishReason::length;
    if (ended || static_cast<std::int64_t>(sample.token_ids.size()) >= options.max_new_tokens) {
      if (options.on_finished) options.on_finished(first_request_ + slot.request, sample);
      continue;
    }
    active[kept] = slot;
    active[kept].last_token = token;
    ++kept;
  }
  active.resize(kept);
}

void Sampler::decode_step(const std::vector<Slot>& active) {
  rows_.clear();
  for (const Slot& slot : active) rows_.add(slot.last_token, slot.cache_slot, slot.next_position);
  hidden_.resize(active.size() * static_cast<std::size_t>(decoder_.config().hidden_size));
  logits_.resize(active.size() * static_cast<std::size_t>(decoder_.num_logits()));
  decoder_.forward(rows_, caches_, activations_, hidden_);
  decoder_.logits(hidden_, logits_);
}

}  // namespace reckon
