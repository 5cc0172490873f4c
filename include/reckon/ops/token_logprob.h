#pragma once

#include <cstdint>
#include <span>

namespace reckon {

/// Log-probability (natural log) of each row's token, and the entropy of the row's distribution in nats, in
/// one pass of exponentials. The one place where temperature T is applied, for the sampler and the learner
/// alike:
///   lse[t] = max + log(sum_v e^(x_v / T - max));  logprob[t] = logits[t, id[t]] / T - lse[t];
///   entropy[t] = lse[t] - sum_v p_v x_v / T
/// Sums go over blocks of sixteen words of the vocabulary, lane by lane, then along a binary tree over the
/// lanes. \param logits [R, V]  \param token_ids [R]  \param logprob [R] \param entropy, lse  [R] or empty
/// \throws std::invalid_argument where an id is not below V.
void token_logprob(std::span<const float> logits, std::span<const std::uint32_t> token_ids, float temperature,
                   std::span<float> logprob, std::span<float> entropy = {}, std::span<float> lse = {});

/// Gradient with respect to the logits, in place of them: dlogits[t, v] = coef[t] / T * (1[v = id[t]] - p[t,
/// v]). \param logits [R, V], overwritten  \param coef [R]: d loss / d logprob  \param lse [R] of the forward
/// pass
void token_logprob_backward(std::span<const float> coef, std::span<const std::uint32_t> token_ids,
                            float temperature, std::span<const float> lse, std::span<float> logits);

}  // namespace reckon
