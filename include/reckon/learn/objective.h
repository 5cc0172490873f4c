#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "reckon/learn/config.h"

namespace reckon {

/// The larger of two differences; one that is not a number is larger than any number, and stays.
[[nodiscard]] inline double larger(double a, double b) {
  return std::isnan(a) || a > b ? a : b;
}

/// What the loss of one optimizer update is divided by: counted over all ranks and micro-batches before the
/// first backward pass, so that the gradient does not depend on how the update is cut.
struct LossDenominators {
  std::int64_t tokens = 0;          ///< completion tokens
  std::int64_t sequences = 0;       ///< completions
  std::int64_t max_new_tokens = 0;  ///< of the recipe
};

/// The share of a completion of `length` tokens in the loss, for each of its tokens.
[[nodiscard]] double token_weight(LossNormalise normalise, const LossDenominators& denominators,
                                  std::int64_t length);

/// Inputs of the objective for one completion of T tokens.
struct CompletionLogprobs {
  std::span<const double> policy;     ///< [T] log pi_theta
  std::span<const double> sampler;    ///< [T] log pi_old, as the sampler computed it
  std::span<const double> reference;  ///< [T] log pi_ref; empty where kl_coef is 0
  double advantage = 0;               ///< A_i, the same for all tokens
  /// [T] log pi_old, as the learner computes it before the first update of the step. Not read where
  /// off_policy is none; empty: the policy's own, of a policy that has not changed since
  std::span<const double> old = {};
};

/// Sums over the tokens of a completion.
struct ObjectiveSums {
  double loss = 0;
  double kl = 0;       ///< of k3
  double clipped = 0;  ///< number of tokens whose ratio was clipped; all of them where it is the sequence's
  double ratio = 0;    ///< of each token, or of the sequence for each token
  double importance = 0;        ///< importance weights c_t
  double truncated = 0;         ///< number of tokens whose importance weight was truncated (tis)
  double masked = 0;            ///< number of tokens, if the completion is left out (sequence_mask)
  double max_logprob_diff = 0;  ///< largest |policy - sampler|, a maximum
};

/// The clipped objective with KL penalty, as a loss to be minimised. DeepSeekMath, arXiv:2402.03300, Eq. 3
/// and 4:
///   loss = -sum_t w [ c_t min(rho_t A, clip(rho_t, 1 - eps_low, 1 + eps_high) A) - beta k3_t ]
///   rho_t = exp(policy_t - old_t);  k3_t = exp(d) - d - 1 with d = reference_t - policy_t
/// importance_level sequence (GSPO, arXiv:2507.18071, Eq. 7): rho_t is exp(mean_u(policy_u - old_u)) for
/// every token. w is token_weight(). What old_t and c_t are, off_policy says; c_t has no gradient, and the KL
/// penalty is not multiplied by it:
///   none           old_t is sampler_t, and c_t = 1
///   tis            c_t = min(exp(old_t - sampler_t), off_policy_cap): truncated importance sampling
///                  (Ionides, 2008; per token as TRL's token_truncate)
///   sequence_mask  c_t = 1 if |sum_u(old_u - sampler_u)| <= log(off_policy_cap), else 0: the importance
///   ratio
///                  of the completion, the product over its tokens, is between 1 / cap and cap. TRL 1.16's
///                  sequence_mask has this mask with clip_min = 1 / clip_max, and multiplies what is kept by
///                  the ratio: its variance is what the mask is there to avoid, and c_t is 1 here. The
///                  product grows with the length: long completions are left out first.
/// Where log-probs are not numbers, loss and coef are not either: a completion is not masked for that.
/// All in float64. \param coef  [T], written: d loss / d policy_t
[[nodiscard]] ObjectiveSums policy_objective(const CompletionLogprobs& completion, const LossConfig& config,
                                             double weight, std::span<double> coef);

}  // namespace reckon
