#include "reckon/learn/learner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "reckon/base/error.h"
#include "reckon/ops/adamw.h"
#include "reckon/ops/sums.h"

namespace reckon {
namespace {

/// Adds the leaves' sums of all ranks in leaf order.
UpdateStats add_up(Communicator& world, const std::vector<UpdateStats>& parts) {
  static_assert(std::is_trivially_copyable_v<UpdateStats>);
  const auto* bytes = reinterpret_cast<const char*>(parts.data());
  UpdateStats total;
  for (const std::string& rank : world.all_gather({bytes, parts.size() * sizeof(UpdateStats)})) {
    for (std::size_t at = 0; at < rank.size(); at += sizeof(UpdateStats)) {
      UpdateStats part;
      std::memcpy(&part, rank.data() + at, sizeof part);
      total.loss += part.loss;
      total.entropy += part.entropy;
      total.kl += part.kl;
      total.clipped += part.clipped;
      total.ratio += part.ratio;
      total.tokens += part.tokens;
      total.rows += part.rows;
      if (!(part.max_logprob_diff <= total.max_logprob_diff)) total.max_logprob_diff = part.max_logprob_diff;
    }
  }
  return total;
}

/// A number that may not be finite, without the sign that a NaN happens to have.
std::string number_text(double value) {
  return std::isnan(value) ? "nan" : std::to_string(value);
}

}  // namespace

double learning_rate_at(const OptimizerConfig& config, std::int64_t step, std::int64_t total) {
  const double warmup = std::ceil(config.warmup_fraction * static_cast<double>(total));
  const auto position = static_cast<double>(step);
  if (position < warmup) return config.learning_rate * (position + 1.0) / warmup;
  const double rest = std::max(1.0, static_cast<double>(total) - warmup);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, (position - warmup) / rest)));
  const double low = config.final_learning_rate_fraction;
  return config.learning_rate * (low + (1.0 - low) * cosine);
}

Learner::Learner(Decoder& decoder, const OptimizerConfig& optimizer, const BatchConfig& batch,
                 Communicator& world, std::int64_t total_updates)
    : decoder_(decoder),
      optimizer_(optimizer),
      batch_(batch),
      world_(world),
      total_updates_(total_updates),
      pass_(decoder),
      tree_(decoder.parameters().size()) {
  for (AlignedBuffer* buffer : {&first_moment_, &second_moment_}) {
    buffer->resize(decoder.parameters().size());
  }
}

UpdateStats Learner::run_leaf(std::size_t leaf, std::size_t first_sequence, const LeafLoss& loss) {
  const LeafLogprobs logprobs = pass_.leaf(leaf);
  coef_.assign(logprobs.logprob.size(), 0.0f);
  UpdateStats stats = loss(first_sequence, logprobs, coef_);
  for (const float entropy : logprobs.entropy) stats.entropy += entropy;
  stats.tokens = static_cast<double>(coef_.size());
  stats.rows = static_cast<double>(logprobs.rows);
  return stats;
}

UpdateStats Learner::run_leaves(std::span<const TrainSequence> sequences, float temperature,
                                const LeafLoss& loss, Keep keep) {
  const auto size = static_cast<std::size_t>(batch_.leaf_sequences);
  const auto count = static_cast<std::int64_t>((sequences.size() + size - 1) / size);
  const Range mine = share_of(count, world_.rank(), world_.size());
  std::vector<UpdateStats> leaves;
  for (std::int64_t number = mine.begin; number < mine.end; number += batch_.micro_batch_leaves) {
    const std::int64_t end = std::min(number + batch_.micro_batch_leaves, mine.end);
    const std::size_t first = static_cast<std::size_t>(number) * size;
    const std::size_t last = std::min(static_cast<std::size_t>(end) * size, sequences.size());
    pass_.forward(sequences.subspan(first, last - first), batch_.leaf_sequences, temperature, keep);
    for (std::size_t leaf = 0; leaf < pass_.num_leaves(); ++leaf) {
      leaves.push_back(run_leaf(leaf, first + leaf * size, loss));
      if (keep == Keep::nothing) continue;
      pass_.backward(leaf, coef_, tree_.begin_leaf());
      tree_.push(number + static_cast<std::int64_t>(leaf));
    }
  }
  return add_up(world_, leaves);
}

UpdateStats Learner::measure(std::span<const TrainSequence> sequences, float temperature,
                             const LeafLoss& loss) {
  return run_leaves(sequences, temperature, loss, Keep::nothing);
}

UpdateStats Learner::update(std::span<const TrainSequence> sequences, float temperature, const LeafLoss& loss,
                            const UpdateCheck& check) {
  UpdateStats stats =
      run_leaves(sequences, temperature, loss, batch_.recompute ? Keep::inputs : Keep::layers);
  const std::span<const float> gradient = tree_.reduce(world_);
  if (check) check(stats);
  stats.grad_norm = std::sqrt(sum_of_squares(gradient));
  stats.learning_rate = learning_rate_at(optimizer_, updates_, total_updates_);
  if (!std::isfinite(stats.loss) || !std::isfinite(stats.grad_norm)) {
    throw Error(ExitCode::internal,
                "update " + std::to_string(updates_) + ": loss " + number_text(stats.loss) +
                    ", gradient norm " + number_text(stats.grad_norm) +
                    " (need finite numbers). Nothing was changed; a lower learning_rate or "
                    "max_grad_norm may help.");
  }
  const double limit = optimizer_.max_grad_norm;
  apply(gradient, stats.learning_rate, limit > 0 && stats.grad_norm > limit ? limit / stats.grad_norm : 1.0);
  ++updates_;
  return stats;
}

void Learner::apply(std::span<const float> gradient, double learning_rate, double gradient_scale) {
  AdamWStep step{.learning_rate = learning_rate,
                 .beta1 = optimizer_.adam_beta1,
                 .beta2 = optimizer_.adam_beta2,
                 .eps = optimizer_.adam_eps,
                 .weight_decay = 0,
                 .gradient_scale = gradient_scale,
                 .step = updates_ + 1};
  for (const ParameterTensor& tensor : decoder_.tensors()) {
    step.weight_decay = tensor.kind == ParameterKind::matrix ? optimizer_.weight_decay : 0.0;
    adamw(decoder_.parameters().subspan(tensor.offset, tensor.size),
          gradient.subspan(tensor.offset, tensor.size),
          first_moment_.span().subspan(tensor.offset, tensor.size),
          second_moment_.span().subspan(tensor.offset, tensor.size), step);
  }
  decoder_.repack();
}

}  // namespace reckon
