#include "reckon/learn/objective.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace reckon {
namespace {

/// The clipped term of a ratio.
struct ClippedTerm {
  double ratio = 0;
  double gain = 0;
  double slope = 0;  ///< d gain / d log ratio
  bool is_clipped = false;
};

ClippedTerm clipped_term(double log_ratio, double advantage, const LossConfig& config) {
  const double ratio = std::exp(log_ratio);
  const double clipped_ratio = std::clamp(ratio, 1.0 - config.clip_eps_low, 1.0 + config.clip_eps_high);
  const double plain = ratio * advantage;
  const double bounded = clipped_ratio * advantage;
  // Where the clipped branch is the smaller one it is constant in the policy: no gradient.
  if (bounded < plain) return {ratio, bounded, 0.0, true};
  return {ratio, plain, plain, false};  // d ratio / d log ratio = ratio
}

/// The denominator of the ratios and, where the sampler's log-probs are not the learner's, what makes up for
/// it.
class OldPolicy {
 public:
  OldPolicy(const CompletionLogprobs& completion, double tis_cap)
      : sampler_(completion.sampler), tis_cap_(tis_cap) {
    if (tis_cap == 0.0) {
      old_ = completion.sampler;
    } else {
      old_ = completion.old.empty() ? completion.policy : completion.old;
    }
  }
  [[nodiscard]] double logprob(std::size_t t) const { return old_[t]; }
  /// c_t before it is truncated.
  [[nodiscard]] double full_weight(std::size_t t) const {
    return tis_cap_ == 0.0 ? 1.0 : std::exp(old_[t] - sampler_[t]);
  }
  [[nodiscard]] double weight(std::size_t t) const {
    return tis_cap_ == 0.0 ? 1.0 : std::min(full_weight(t), tis_cap_);
  }

 private:
  std::span<const double> old_, sampler_;
  double tis_cap_;
};

/// The term that all tokens share, whose slope is in the log-prob of each token.
ClippedTerm sequence_term(const CompletionLogprobs& completion, const OldPolicy& old,
                          const LossConfig& config) {
  const auto length = static_cast<double>(completion.policy.size());
  double log_ratio = 0, weights = 0;
  for (std::size_t t = 0; t < completion.policy.size(); ++t) {
    log_ratio += completion.policy[t] - old.logprob(t);
    weights += old.weight(t);
  }
  ClippedTerm term = clipped_term(log_ratio / length, completion.advantage, config);
  term.slope *= weights / length;  // of each token's share in the mean, in the terms of all tokens
  return term;
}

}  // namespace

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
  const OldPolicy old(completion, config.tis_cap);
  const bool is_shared = config.importance_level == ImportanceLevel::sequence;
  const ClippedTerm shared = is_shared ? sequence_term(completion, old, config) : ClippedTerm{};
  for (std::size_t t = 0; t < completion.policy.size(); ++t) {
    const double log_ratio = completion.policy[t] - old.logprob(t);
    const ClippedTerm term = is_shared ? shared : clipped_term(log_ratio, completion.advantage, config);
    const double importance = old.weight(t);
    double gain = importance * term.gain;
    double slope = is_shared ? term.slope : importance * term.slope;
    if (config.kl_coef != 0.0) {
      const double d = completion.reference[t] - completion.policy[t];
      const double k3 = std::exp(d) - d - 1.0;
      gain -= config.kl_coef * k3;
      slope -= config.kl_coef * (1.0 - std::exp(d));
      sums.kl += k3;
    }
    sums.loss -= weight * gain;
    coef[t] = -weight * slope;
    sums.clipped += term.is_clipped ? 1 : 0;
    sums.ratio += term.ratio;
    sums.importance += importance;
    sums.truncated += old.full_weight(t) > importance ? 1 : 0;
    sums.max_logprob_diff =
        larger(sums.max_logprob_diff, std::abs(completion.policy[t] - completion.sampler[t]));
  }
  return sums;
}

}  // namespace reckon
