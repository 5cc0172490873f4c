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

/// The denominator of the ratios, and what makes up for a sampler that was another policy: see OffPolicy.
class OldPolicy {
 public:
  OldPolicy(const CompletionLogprobs& completion, const LossConfig& config)
      : sampler_(completion.sampler), mode_(config.off_policy), cap_(config.off_policy_cap) {
    if (mode_ == OffPolicy::none) {
      old_ = completion.sampler;
    } else {
      old_ = completion.old.empty() ? completion.policy : completion.old;
    }
    if (mode_ == OffPolicy::sequence_mask) kept_ = mask();
  }
  [[nodiscard]] double logprob(std::size_t t) const { return old_[t]; }
  [[nodiscard]] bool is_masked() const { return kept_ == 0.0; }
  /// Whether c_t is less than it would be without a cap.
  [[nodiscard]] bool is_truncated(std::size_t t) const {
    return mode_ == OffPolicy::tis && full_weight(t) > cap_;
  }
  /// c_t
  [[nodiscard]] double weight(std::size_t t) const {
    if (mode_ == OffPolicy::tis) return std::min(full_weight(t), cap_);
    return kept_;
  }

 private:
  [[nodiscard]] double full_weight(std::size_t t) const { return std::exp(old_[t] - sampler_[t]); }
  /// 1 where the completion's importance ratio is within the bounds, else 0; not a number where it is none.
  [[nodiscard]] double mask() const {
    double log_ratio = 0;
    for (std::size_t t = 0; t < old_.size(); ++t) log_ratio += old_[t] - sampler_[t];
    if (std::isnan(log_ratio)) return log_ratio;
    return std::abs(log_ratio) <= std::log(cap_) ? 1.0 : 0.0;
  }

  std::span<const double> old_, sampler_;
  OffPolicy mode_;
  double cap_;
  double kept_ = 1.0;
};

/// 0 for a weight of 0, however large the value: the ratio of a masked completion may overflow.
double times(double weight, double value) {
  return weight == 0.0 && !std::isnan(value) ? 0.0 : weight * value;
}

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
  term.slope =
      times(weights / length, term.slope);  // of each token's share in the mean, in the terms of all tokens
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
  const OldPolicy old(completion, config);
  const bool is_shared = config.importance_level == ImportanceLevel::sequence;
  const ClippedTerm shared = is_shared ? sequence_term(completion, old, config) : ClippedTerm{};
  for (std::size_t t = 0; t < completion.policy.size(); ++t) {
    const double log_ratio = completion.policy[t] - old.logprob(t);
    const ClippedTerm term = is_shared ? shared : clipped_term(log_ratio, completion.advantage, config);
    const double importance = old.weight(t);
    double gain = times(importance, term.gain);
    double slope = is_shared ? term.slope : times(importance, term.slope);
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
    sums.truncated += old.is_truncated(t) ? 1 : 0;
    sums.masked += old.is_masked() ? 1 : 0;
    sums.max_logprob_diff =
        larger(sums.max_logprob_diff, std::abs(completion.policy[t] - completion.sampler[t]));
  }
  return sums;
}

}  // namespace reckon
