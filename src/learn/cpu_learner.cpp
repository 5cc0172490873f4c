#include "reckon/learn/cpu_learner.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "reckon/base/failpoint.h"

namespace reckon {

CpuLearner::CpuLearner(Decoder& decoder, const OptimizerConfig& optimizer, const BatchConfig& batch,
                       Communicator& world, std::int64_t total_updates,
                       std::unique_ptr<const Decoder> reference)
    : decoder_(decoder),
      optimizer_(optimizer),
      batch_(batch),
      world_(world),
      total_updates_(total_updates),
      pass_(decoder),
      reference_(std::move(reference)),
      gradient_(decoder.parameters().size(), world),
      adamw_(decoder.parameters().size(), world) {
  if (reference_) reference_pass_.emplace(*reference_);
}

std::int64_t CpuLearner::num_leaves(std::span<const TrainSequence> sequences) const {
  const auto size = static_cast<std::size_t>(batch_.leaf_sequences);
  return static_cast<std::int64_t>((sequences.size() + size - 1) / size);
}

/// Runs this rank's leaves forward and calls visit(leaf of the pass, its number in the update, its first
/// sequence).
template <class Visit>
void CpuLearner::visit_leaves(std::span<const TrainSequence> sequences, float temperature, Keep keep,
                              const Visit& visit) {
  const auto size = static_cast<std::size_t>(batch_.leaf_sequences);
  const Range mine = share_of(num_leaves(sequences), world_.rank(), world_.size());
  for (std::int64_t number = mine.begin; number < mine.end; number += batch_.micro_batch_leaves) {
    const std::int64_t end = std::min(number + batch_.micro_batch_leaves, mine.end);
    const std::size_t first = static_cast<std::size_t>(number) * size;
    const std::size_t last = std::min(static_cast<std::size_t>(end) * size, sequences.size());
    pass_.forward(sequences.subspan(first, last - first), batch_.leaf_sequences, temperature, keep);
    for (std::size_t leaf = 0; leaf < pass_.num_leaves(); ++leaf) {
      visit(leaf, number + static_cast<std::int64_t>(leaf), first + leaf * size);
    }
  }
}

UpdateStats CpuLearner::run_leaf(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                                 float temperature, std::size_t leaf, std::size_t first_sequence) {
  const LeafLogprobs logprobs = pass_.leaf(leaf);
  std::span<const float> reference;
  if (loss.kind == LossKind::policy && loss.config.kl_coef != 0.0) {
    const std::size_t count = logprobs.offsets.size() - 1;
    reference_pass_->forward(sequences.subspan(first_sequence, count), temperature, Keep::nothing);
    reference = reference_pass_->leaf(0).logprob;
  }
  coef_.assign(logprobs.logprob.size(), 0.0f);
  return evaluate_loss(loss, first_sequence, logprobs, reference, coef_);
}

UpdateStats CpuLearner::run_leaves(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                                   float temperature, Keep keep) {
  check_loss(loss, sequences);
  if (loss.kind == LossKind::policy && loss.config.kl_coef != 0.0 && !reference_pass_) {
    throw std::invalid_argument("CpuLearner: kl_coef " + std::to_string(loss.config.kl_coef) +
                                " without a reference model");
  }
  if (keep != Keep::nothing) gradient_.begin(num_leaves(sequences));
  std::vector<UpdateStats> leaves;
  visit_leaves(sequences, temperature, keep, [&](std::size_t leaf, std::int64_t number, std::size_t first) {
    leaves.push_back(run_leaf(sequences, loss, temperature, leaf, first));
    if (keep == Keep::nothing) return;
    pass_.backward(leaf, coef_, gradient_.begin_leaf(),
                   [&](std::size_t complete_from) { gradient_.push(number, complete_from); });
    gradient_.push(number);
    failpoint("learn.leaf");
  });
  return add_up_leaves(world_, leaves);
}

UpdateStats CpuLearner::measure(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                                float temperature) {
  return run_leaves(sequences, loss, temperature, Keep::nothing);
}

std::vector<float> CpuLearner::logprobs(std::span<const TrainSequence> sequences, float temperature) {
  std::vector<float> mine;
  visit_leaves(sequences, temperature, Keep::nothing, [&](std::size_t leaf, std::int64_t, std::size_t) {
    const std::span<const float> values = pass_.leaf(leaf).logprob;
    mine.insert(mine.end(), values.begin(), values.end());
  });
  return gather_values(world_, mine);
}

UpdateStats CpuLearner::update(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                               float temperature, const UpdateGate& gate) {
  UpdateStats stats =
      run_leaves(sequences, loss, temperature, batch_.recompute ? Keep::inputs : Keep::layers);
  const std::span<const float> gradient = gradient_.finish();
  stats.grad_norm = std::sqrt(sum_of_squares_over_ranks(world_, gradient));
  stats.learning_rate = learning_rate_at(optimizer_, updates_, total_updates_);
  check_finite(stats, updates_);
  if (gate && gate(stats) == UpdateDecision::skip) return stats;
  adamw_.update(decoder_, gradient,
                {.learning_rate = stats.learning_rate,
                 .beta1 = optimizer_.adam_beta1,
                 .beta2 = optimizer_.adam_beta2,
                 .eps = optimizer_.adam_eps,
                 .weight_decay = optimizer_.weight_decay,
                 .gradient_scale = gradient_scale(optimizer_, stats.grad_norm),
                 .step = updates_ + 1});
  decoder_.repack();
  ++updates_;
  stats.applied = true;
  return stats;
}

void CpuLearner::copy_moments(Range part, std::span<float> first, std::span<float> second) const {
  adamw_.copy_moments(part, first, second);
}

void CpuLearner::restore(std::int64_t updates, std::span<const float> first, std::span<const float> second) {
  check_moments(first.size(), second.size(), decoder_.parameters().size());
  adamw_.restore(first, second);
  updates_ = updates;
}

}  // namespace reckon
