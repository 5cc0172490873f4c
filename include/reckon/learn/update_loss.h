#pragma once

#include <cstddef>
#include <span>

#include "reckon/dist/communicator.h"
#include "reckon/learn/config.h"
#include "reckon/learn/train_sequence.h"

namespace reckon {

enum class LossKind {
  policy,         ///< policy_objective()
  cross_entropy,  ///< -sum_t weight logprob_t
};

/// One sequence's part in a loss: what it is computed from beside the log-probs of the model that learns.
struct SequenceTerms {
  std::span<const float> sampler_logprob = {};  ///< [T of the completion]; of a policy loss
  float advantage = 0;                          ///< A_i; of a policy loss
  double weight = 0;                            ///< of each token (token_weight())
  /// [T], or empty: CompletionLogprobs::old, of a policy loss whose off_policy is not none
  std::span<const float> old_logprob = {};
  /// Whether the sequence counts in max_logprob_diff: not where other weights sampled it
  bool compare = true;
};

/// The loss of an update, as data: a learner evaluates it wherever its model is.
struct UpdateLoss {
  LossKind kind = LossKind::policy;
  LossConfig config = {};                     ///< of a policy loss
  std::span<const SequenceTerms> terms = {};  ///< [S], one for each sequence of the update
};

/// \throws std::invalid_argument where the terms are not those of such sequences.
void check_loss(const UpdateLoss& loss, std::span<const TrainSequence> sequences);

/// Sums over the tokens of an update, the same on every rank. Trivially copyable: ranks exchange its bytes.
struct UpdateStats {
  double loss = 0;
  double entropy = 0;           ///< summed over completion tokens, nats
  double kl = 0;                ///< summed k3
  double clipped = 0;           ///< tokens whose ratio was clipped
  double ratio = 0;             ///< summed ratios
  double importance = 0;        ///< summed importance weights, after truncation
  double truncated = 0;         ///< tokens whose importance weight was truncated
  double masked = 0;            ///< tokens of completions that were left out (OffPolicy::sequence_mask)
  double tokens = 0;            ///< completion tokens
  double rows = 0;              ///< tokens through the model, prompts included
  double max_logprob_diff = 0;  ///< largest |policy - sampler log-prob| of those to compare
  double grad_norm = 0;         ///< before clipping
  double learning_rate = 0;
  bool applied = false;  ///< whether the weights were updated; not so where a gate skipped it
};

/// The loss of a leaf and its gradient, in float64.
/// \param first_sequence     the leaf's first one in the update
/// \param leaf               after the forward pass
/// \param reference_logprob  [T] log pi_ref; empty where kl_coef is 0
/// \param coef               [T], written: d loss / d logprob
/// \return the sums of the leaf; grad_norm and learning_rate are 0
[[nodiscard]] UpdateStats evaluate_loss(const UpdateLoss& loss, std::size_t first_sequence,
                                        const LeafLogprobs& leaf, std::span<const float> reference_logprob,
                                        std::span<float> coef);

/// The sums of all ranks' leaves, added in leaf order: the same bits for any number of ranks. Collective.
/// \param leaves  of this rank; ranks hold consecutive ones, in rank order
[[nodiscard]] UpdateStats add_up_leaves(Communicator& world, std::span<const UpdateStats> leaves);

}  // namespace reckon
