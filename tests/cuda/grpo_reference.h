#pragma once

// The GRPO loss of one row once more, in float64, from the formulas in token_loss.h.
#include <algorithm>
#include <cmath>

#include "logit_batch.h"

namespace reckon::cuda {

/// What is known of a row.
struct GrpoRow {
  std::uint32_t token = 0;
  double sampler = 0, old = 0, reference = 0, advantage = 0, weight = 1, gap = 0;
  bool has_old = true;
  double sequence_importance = 1;  ///< of the completion: the mean of its tokens', or whether it counts
};

struct GrpoReference {
  double loss = 0, ratio = 0, kl = 0, importance = 1, logprob = 0, entropy = 0;
  bool is_clipped = false;
  std::vector<double> dlogits;
  std::vector<double> error;  ///< of float32 in each of them

  GrpoReference(const std::vector<double>& logits, const GrpoRow& row, const GrpoSettings& settings) {
    const double temperature = settings.temperature;
    const RowReference softmax(logits, temperature);
    logprob = softmax.log_p[row.token];
    entropy = softmax.entropy;
    double old = row.sampler;
    if (settings.off_policy != OffPolicy::none) old = row.has_old ? row.old : logprob;
    const bool is_tis = settings.off_policy == OffPolicy::tis;
    if (is_tis) importance = std::min(std::exp(old - row.sampler), settings.off_policy_cap);
    if (settings.off_policy == OffPolicy::sequence_mask) importance = row.sequence_importance;
    ratio = settings.level == ImportanceLevel::sequence ? std::exp(row.gap) : std::exp(logprob - old);
    const double plain = ratio * row.advantage;
    const double bounded =
        std::clamp(ratio, 1 - settings.clip_eps_low, 1 + settings.clip_eps_high) * row.advantage;
    is_clipped = bounded < plain;
    double gain = importance * std::min(plain, bounded);
    const bool is_sequence = settings.level == ImportanceLevel::sequence;
    double slope = is_clipped ? 0 : (is_sequence && is_tis ? row.sequence_importance : importance) * plain;
    if (settings.kl_coef != 0) {
      kl = std::exp(row.reference - logprob) - (row.reference - logprob) - 1;
      gain -= settings.kl_coef * kl;
      slope += settings.kl_coef * (std::exp(row.reference - logprob) - 1);
    }
    const double terms = std::max(importance, row.sequence_importance) * std::abs(plain) +
                         settings.kl_coef * (1 + std::exp(row.reference - logprob));
    const double bonus = settings.entropy_coef * row.weight;
    loss = -row.weight * gain - bonus * entropy;
    for (std::size_t v = 0; v < logits.size(); ++v) {
      const double p = softmax.p[v];
      const double is_token = v == row.token ? 1 : 0;
      const double of_policy = -row.weight * slope * (is_token - p);
      const double of_entropy = p > 0 ? bonus * p * (softmax.log_p[v] + entropy) : 0;
      dlogits.push_back((of_policy + of_entropy) / temperature);
      // The terms of the coefficient are e to the log-probability, and p is e to a logit.
      const double size = row.weight * terms * (is_token + p) +
                          (p > 0 ? bonus * p * (std::abs(softmax.log_p[v]) + entropy) : 0);
      error.push_back(kLogprobError * (1 + std::abs(logprob)) * size / temperature);
    }
  }
};

}  // namespace reckon::cuda
