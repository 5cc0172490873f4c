#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/learn/config.h"
#include "reckon/learn/train_sequence.h"
#include "reckon/learn/update_loss.h"

namespace reckon {

/// The rate of update `step` (0-based) of `total`: linear from 0 over the warm-up, then half a cosine down to
/// final_learning_rate_fraction of the highest rate.
[[nodiscard]] double learning_rate_at(const OptimizerConfig& config, std::int64_t step, std::int64_t total);

/// What the gradient is multiplied by, so that its norm is at most max_grad_norm.
[[nodiscard]] double gradient_scale(const OptimizerConfig& config, double grad_norm);

/// What becomes of an update whose gradient is computed.
enum class UpdateDecision {
  apply,
  skip,  ///< weights, optimizer moments and updates() stay as they are, bit for bit
};

/// Asked with an update's sums and its gradient norm, all finite, before the weights are touched; may throw,
/// which changes nothing either. Every rank has the same sums, so that a gate that looks at nothing else
/// decides alike on all of them, as it must.
using UpdateGate = std::function<UpdateDecision(const UpdateStats& stats)>;

/// Updates the weights of a model by AdamW, wherever the model is. Every rank gives the whole list of an
/// update's sequences and works on its share of them. Where the reference model's log-probs come from that a
/// loss with kl_coef needs is the learner's affair.
class Learner {
 public:
  virtual ~Learner() = default;

  /// One optimizer update, where the gate lets it pass: stats.applied says whether. Collective.
  /// \param gate  empty: every update is applied
  /// \throws Error(internal) where loss or gradient is not finite: the weights are as they were.
  /// \throws std::invalid_argument  as check_loss(), or where kl_coef is not 0 and there is no reference
  /// model
  virtual UpdateStats update(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                             float temperature, const UpdateGate& gate) = 0;
  /// The sums of the loss and of the forward pass, without an update. Collective.
  virtual UpdateStats measure(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                              float temperature) = 0;
  /// The log-probs of all completions' tokens, one sequence after the other, on every rank. Collective.
  virtual std::vector<float> logprobs(std::span<const TrainSequence> sequences, float temperature) = 0;
  /// Updates applied so far.
  [[nodiscard]] virtual std::int64_t updates() const = 0;
  /// Copies AdamW's moments of a part of the parameter vector, which lies in this rank's parameter_part(): no
  /// other rank need have them. \param first, second  [part.size()], float32
  virtual void copy_moments(Range part, std::span<float> first, std::span<float> second) const = 0;
  /// Goes on as a learner that made `updates` updates and has these moments of all parameters. The weights
  /// are the caller's affair. \throws std::invalid_argument where their number is not that of the parameters
  virtual void restore(std::int64_t updates, std::span<const float> first, std::span<const float> second) = 0;
};

/// The values that the ranks give, in rank order, on every rank. Collective.
[[nodiscard]] std::vector<float> gather_values(Communicator& world, std::span<const float> mine);

/// What a learner refuses before it changes the weights in update number `update`.
/// \throws Error(internal) where stats.loss or stats.grad_norm is not finite.
void check_finite(const UpdateStats& stats, std::int64_t update);

/// \throws std::invalid_argument where there are not as many moments of each kind as parameters.
void check_moments(std::size_t first, std::size_t second, std::size_t parameters);

}  // namespace reckon
