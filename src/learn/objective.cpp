#include "reckon/learn/objective.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace reckon {

double token_weight(LossNormalise normalise, const LossDenominators& denominators, std::int64_t length) {
  switch (normalise) {
    case LossNormalise::token:
      return 1.0 / static_cast<double>(denominators.tokens);
    case LossNormalise::sequence:
      return 1.0 / (static_cast<double>(length) * static_cast<double>(denominators.sequences));
    case LossNormalise::constant:
      return 1.0 /
             (static_cast<double>(denominators.sequences) * static_cast<double>(denominators.max_new_tokens));
  }
  throw std::invalid_argument("token_weight: unknown normalisation");
}

ObjectiveSums policy_objective(const CompletionLogprobs& completion, const LossConfig& config, double weight,
                               std::span<double> coef) {
  ObjectiveSums sums;
  const double advantage = completion.advantage;
  for (std::size_t t = 0; t < completion.policy.size(); ++t) {
    const double difference = completion.policy[t] - completion.sampler[t];
    const double ratio = std::exp(difference);
    const double clipped_ratio = std::clamp(ratio, 1.0 - config.clip_eps_low, 1.0 + config.clip_eps_high);
    const double plain = ratio * advantage;
    const double bounded = clipped_ratio * advantage;
    // Where the clipped branch is the smaller one it is constant in the policy: no gradient.
    const bool is_clipped = bounded < plain;
    double gain = is_clipped ? bounded : plain;
    double slope = is_clipped ? 0.0 : plain;  // d ratio / d log pi = ratio
    if (config.kl_coef != 0.0) {
      const double d = completion.reference[t] - completion.policy[t];
      const double k3 = std::exp(d) - d - 1.0;
      gain -= config.kl_coef * k3;
      slope -= config.kl_coef * (1.0 - std::exp(d));
      sums.kl += k3;
    }
    sums.loss -= weight * gain;
    coef[t] = -weight * slope;
    sums.clipped += is_clipped ? 1 : 0;
    sums.ratio += ratio;
    sums.max_logprob_diff = larger(sums.max_logprob_diff, std::abs(difference));
  }
  return sums;
}

}  // namespace reckon
