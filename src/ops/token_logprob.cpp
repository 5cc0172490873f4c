#include "reckon/ops/token_logprob.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "vector_math.h"

namespace reckon {
namespace {

using simd::f32x16;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

}  // namespace

float log_sum_exp(std::span<const float> logits, float temperature) {
  const float inverse = 1.0f / temperature;
  const auto vocab = static_cast<std::int64_t>(logits.size());
  f32x16 most = simd::broadcast(kLowest);
  for (std::int64_t v = 0; v < vocab; v += 16) {
    most = simd::maximum(
        most, simd::load_partial(logits.data() + v, std::min<std::int64_t>(16, vocab - v), kLowest));
  }
  const float shift = simd::maximum(most) * inverse;
  f32x16 total = simd::broadcast(0.0f);
  for (std::int64_t v = 0; v < vocab; v += 16) {
    const f32x16 x = simd::load_partial(logits.data() + v, std::min<std::int64_t>(16, vocab - v), kLowest);
    total += simd::exp(x * inverse - shift);
  }
  return shift + std::log(simd::sum(total));
}

void token_logprob(std::span<const float> logits, std::span<const std::uint32_t> token_ids, float temperature,
                   std::span<float> logprob, std::span<float> entropy, std::span<float> lse) {
  const std::size_t vocab = token_ids.empty() ? 0 : logits.size() / token_ids.size();
  const float inverse = 1.0f / temperature;
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    if (token_ids[t] >= vocab) {
      throw std::invalid_argument("token_logprob: token " + std::to_string(token_ids[t]) +
                                  " of a vocabulary of " + std::to_string(vocab));
    }
    const auto row = logits.subspan(t * vocab, vocab);
    const float log_total = log_sum_exp(row, temperature);
    logprob[t] = row[token_ids[t]] * inverse - log_total;
    if (!lse.empty()) lse[t] = log_total;
    if (entropy.empty()) continue;
    f32x16 expected = simd::broadcast(0.0f);
    for (std::size_t v = 0; v < vocab; v += 16) {
      const auto lanes = static_cast<std::int64_t>(std::min<std::size_t>(16, vocab - v));
      const f32x16 x = simd::load_partial(row.data() + v, lanes) * inverse;
      const f32x16 p = simd::exp(x - log_total);
      expected += simd::select(simd::first_lanes(lanes), p * x, simd::broadcast(0.0f));
    }
    entropy[t] = log_total - simd::sum(expected);
  }
}

void token_logprob_backward(std::span<const float> coef, std::span<const std::uint32_t> token_ids,
                            float temperature, std::span<const float> lse, std::span<float> logits) {
  const std::size_t vocab = token_ids.empty() ? 0 : logits.size() / token_ids.size();
  const float inverse = 1.0f / temperature;
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    float* row = logits.data() + t * vocab;
    const float factor = coef[t] * inverse;
    for (std::size_t v = 0; v < vocab; v += 16) {
      const auto lanes = static_cast<std::int64_t>(std::min<std::size_t>(16, vocab - v));
      const f32x16 p = simd::exp(simd::load_partial(row + v, lanes) * inverse - lse[t]);
      simd::store_partial(row + v, p * -factor, lanes);
    }
    row[token_ids[t]] += factor;
  }
}

}  // namespace reckon
