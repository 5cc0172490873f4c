#include "reckon/ops/sample_token.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"
#include "reckon/base/aligned_buffer.h"
#include "reckon/base/philox.h"

namespace reckon {
namespace {

PhiloxKey philox_key(const SampleKey& key) {
  const std::uint64_t name = mix64(key.seed, key.stage, key.prompt_id);
  return {static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)};
}

PhiloxCounter words_of(std::uint32_t v, const SampleKey& key, PhiloxKey words_key, std::uint32_t position) {
  return philox4x32({v / 4, position, key.visit, key.sample_index}, words_key);
}

/// logits[v] / temperature + g_v, of the token's word.
double gumbel_score(float logit, double temperature, std::uint32_t word) {
  const double uniform = (static_cast<double>(word) + 0.5) * 0x1.0p-32;
  return static_cast<double>(logit) / temperature - std::log(-std::log(uniform));
}

}  // namespace

std::uint32_t gumbel_argmax(std::span<const float> logits, double temperature, const SampleKey& key,
                            std::uint32_t position) {
  const PhiloxKey words_key = philox_key(key);
  std::uint32_t best = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  PhiloxCounter words{};
  for (std::uint32_t v = 0; v < logits.size(); ++v) {
    if (v % 4 == 0) words = words_of(v, key, words_key, position);
    const double score = gumbel_score(logits[v], temperature, words[v % 4]);
    if (score > best_score) {
      best_score = score;
      best = v;
    }
  }
  return best;
}

SampledToken sample_token(std::span<const float> logits, double temperature, const SampleKey& key,
                          std::uint32_t position) {
  static thread_local AlignedBuffer bounds;
  bounds.resize(logits.size());
  const auto vocab = static_cast<std::int64_t>(logits.size());
  const auto inverse = 1.0f / static_cast<float>(temperature);
  const PhiloxKey words_key = philox_key(key);
  float shift = 0;
  float lse = 0;
  const std::int64_t first = kernels().gumbel_bounds(
      logits.data(), vocab, inverse, {words_key[0], words_key[1], position, key.visit, key.sample_index},
      bounds.data(), &shift, &lse);
  const auto score_of = [&](std::int64_t v) {
    const auto token = static_cast<std::uint32_t>(v);
    return gumbel_score(logits[token], temperature, words_of(token, key, words_key, position)[token % 4]);
  };
  // The bounds are float32: x / T and the shift are rounded to 2^-24 of themselves, e^x to 2 units in the
  // last place. A token that far below the best score cannot be it.
  const double margin = 1e-4 + 1e-6 * (std::abs(static_cast<double>(shift)) + 100.0);
  const auto least_for = [&](double score) { return static_cast<float>(std::exp(score - shift - margin)); };

  SampledToken result;
  if (!std::isfinite(lse)) {  // a logit is no number, or infinite: there are no bounds
    result.token_id = gumbel_argmax(logits, temperature, key, position);
  } else {
    double best_score = -std::numeric_limits<double>::infinity();
    float least = least_for(score_of(first));
    for (std::int64_t v = kernels().next_at_least(bounds.data(), 0, vocab, least); v < vocab;
         v = kernels().next_at_least(bounds.data(), v + 1, vocab, least)) {
      const double score = score_of(v);
      if (score > best_score) {
        best_score = score;
        result.token_id = static_cast<std::uint32_t>(v);
        least = std::max(least, least_for(score));
      }
    }
  }
  result.logprob = logits[result.token_id] * inverse - lse;
  return result;
}

std::uint32_t argmax(std::span<const float> logits) {
  return static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace reckon
