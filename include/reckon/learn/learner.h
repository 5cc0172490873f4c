#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/learn/config.h"
#include "reckon/learn/gradient_tree.h"
#include "reckon/learn/policy_pass.h"

namespace reckon {

/// The rate of update `step` (0-based) of `total`: linear from 0 over the warm-up, then half a cosine down to
/// final_learning_rate_fraction of the highest rate.
[[nodiscard]] double learning_rate_at(const OptimizerConfig& config, std::int64_t step, std::int64_t total);

/// Sums over the tokens of an update, the same on every rank.
struct UpdateStats {
  double loss = 0;
  double entropy = 0;           ///< summed over completion tokens, nats
  double kl = 0;                ///< summed k3
  double clipped = 0;           ///< tokens whose ratio was clipped
  double ratio = 0;             ///< summed ratios
  double tokens = 0;            ///< completion tokens
  double rows = 0;              ///< tokens through the model, prompts included
  double max_logprob_diff = 0;  ///< largest |policy - sampler log-prob|
  double grad_norm = 0;         ///< before clipping
  double learning_rate = 0;
};

/// Loss of a leaf of an update. Called with the number of the leaf's first sequence in the update.
/// \param leaf  after the forward pass   \param coef  [T], to be written: d loss / d logprob
/// \return the sums of loss, kl, clipped, ratio, max_logprob_diff of the leaf
using LeafLoss =
    std::function<UpdateStats(std::size_t first_sequence, const LeafLogprobs& leaf, std::span<float> coef)>;
/// Called with an update's sums before the weights are touched; may throw.
using UpdateCheck = std::function<void(const UpdateStats& stats)>;

/// Updates a decoder's weights by AdamW. Every rank holds the whole list of an update's sequences and works
/// on its share of the leaves (BatchConfig), a micro-batch of them at a time; gradients are summed along a
/// tree over the leaves (GradientTree), so that any micro-batch and any number of ranks give the same bits.
class Learner {
 public:
  /// \param total_updates  of the stage: the schedule's length
  Learner(Decoder& decoder, const OptimizerConfig& optimizer, const BatchConfig& batch, Communicator& world,
          std::int64_t total_updates);

  /// One optimizer update. Collective.
  /// \throws Error(internal) where loss or gradient is not finite: the weights are as they were.
  UpdateStats update(std::span<const TrainSequence> sequences, float temperature, const LeafLoss& loss,
                     const UpdateCheck& check = {});

  /// The sums that `loss` and the forward pass give, without an update. Collective.
  UpdateStats measure(std::span<const TrainSequence> sequences, float temperature, const LeafLoss& loss);

  [[nodiscard]] std::int64_t updates() const { return updates_; }

 private:
  UpdateStats run_leaves(std::span<const TrainSequence> sequences, float temperature, const LeafLoss& loss,
                         Keep keep);
  UpdateStats run_leaf(std::size_t leaf, std::size_t first_sequence, const LeafLoss& loss);
  void apply(std::span<const float> gradient, double learning_rate, double gradient_scale);

  Decoder& decoder_;
  OptimizerConfig optimizer_;
  BatchConfig batch_;
  Communicator& world_;
  std::int64_t total_updates_;
  std::int64_t updates_ = 0;
  PolicyPass pass_;
  GradientTree tree_;
  std::vector<float> coef_;
  AlignedBuffer first_moment_, second_moment_;
};

}  // namespace reckon
