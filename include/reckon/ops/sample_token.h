#pragma once

#include <cstdint>
#include <span>

namespace reckon {

/// What names a completion: the random numbers of its tokens are a function of these, of the position and of
/// the token id, and of nothing else (design, section 3.1). No rank, slot or batch is in it.
struct SampleKey {
  std::uint64_t seed = 0;   ///< run.seed
  std::uint32_t stage = 0;  ///< stage_key() of the stage's name
  std::uint64_t prompt_id = 0;
  std::uint32_t visit = 0;  ///< how often the prompt was drawn before
  std::uint32_t sample_index = 0;
};

struct SampledToken {
  std::uint32_t token_id = 0;
  float logprob = 0;  ///< natural log, at the temperature: the bits of token_logprob()
};

/// Gumbel-max: the token that maximises logits[v] / temperature + g_v, where g_v = -log(-log(u)) and u is the
/// Philox word of (key, position, v); a sample of softmax(logits / temperature). Ties go to the lower id.
/// float64. \param position  0 for the first token of the completion
[[nodiscard]] std::uint32_t gumbel_argmax(std::span<const float> logits, double temperature,
                                          const SampleKey& key, std::uint32_t position);

/// The token of gumbel_argmax() and its log-probability, in one pass over the logits: g_v is at most
/// -log(1 - u), so that only the few tokens whose bound reaches the best score are computed in float64.
[[nodiscard]] SampledToken sample_token(std::span<const float> logits, double temperature,
                                        const SampleKey& key, std::uint32_t position);

/// The largest logit; ties go to the lower id.
[[nodiscard]] std::uint32_t argmax(std::span<const float> logits);

}  // namespace reckon
