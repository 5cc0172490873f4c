#pragma once

#include <cstdint>
#include <span>

namespace reckon {

/// Log of the sum of exponentials of a row of logits divided by the temperature: max + log(sum_v exp(x_v / T
/// - max)). The one place where temperature is applied, for the sampler and the learner alike. \param logits
/// [V]
[[nodiscard]] float log_sum_exp(std::span<const float> logits, float temperature);

/// Log-probability (natural log) of each row's token, and the entropy of the row's distribution in nats.
///   logprob[t] = logits[t, id[t]] / T - lse[t];  entropy[t] = lse[t] - sum_v p_v logits[t, v] / T
/// \param logits [R, V]  \param token_ids [R]  \param logprob [R]
/// \param entropy, lse  [R] or empty
/// \throws std::invalid_argument where an id is not below V.
void token_logprob(std::span<const float> logits, std::span<const std::uint32_t> token_ids, float temperature,
                   std::span<float> logprob, std::span<float> entropy = {}, std::span<float> lse = {});

/// Gradient with respect to the logits, in place of them: dlogits[t, v] = coef[t] / T * (1[v = id[t]] - p[t,
/// v]). \param logits [R, V], overwritten  \param coef [R]: d loss / d logprob  \param lse [R] of the forward
/// pass
void token_logprob_backward(std::span<const float> coef, std::span<const std::uint32_t> token_ids,
                            float temperature, std::span<const float> lse, std::span<float> logits);

}  // namespace reckon
