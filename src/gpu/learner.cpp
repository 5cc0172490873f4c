#include "learner.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>

namespace reckon::gpu {
namespace {

cuda::OffPolicy device_value(OffPolicy off_policy) {
  switch (off_policy) {
    case OffPolicy::none:
      return cuda::OffPolicy::none;
    case OffPolicy::tis:
      return cuda::OffPolicy::tis;
    case OffPolicy::sequence_mask:
      return cuda::OffPolicy::sequence_mask;
  }
  throw std::invalid_argument("GpuLearner: unknown off_policy");
}

cuda::GrpoSettings grpo_settings(const LossConfig& config, float temperature) {
  return {.temperature = temperature,
          .clip_eps_low = config.clip_eps_low,
          .clip_eps_high = config.clip_eps_high,
          .kl_coef = config.kl_coef,
          .off_policy = device_value(config.off_policy),
          .off_policy_cap = config.off_policy_cap,
          .level = config.importance_level == ImportanceLevel::sequence ? cuda::ImportanceLevel::sequence
                                                                        : cuda::ImportanceLevel::token};
}

/// Whether the loss of a token depends on the log-probs of its whole completion.
bool needs_sequences(const LossConfig& config) {
  return config.importance_level == ImportanceLevel::sequence ||
         config.off_policy == OffPolicy::sequence_mask;
}

bool needs_reference(const UpdateLoss& loss) {
  return loss.kind == LossKind::policy && loss.config.kl_coef != 0.0;
}

/// Whether the loss moves with a sequence's log-probs: others are computed forward alone.
bool has_gradient(const UpdateLoss& loss, const SequenceTerms& terms) {
  if (terms.weight == 0) return false;
  return loss.kind == LossKind::cross_entropy || loss.config.kl_coef != 0.0 || terms.advantage != 0;
}

}  // namespace

GpuLearner::GpuLearner(Weights& weights, cuda::Gemm& gemm, Stream stream, Numerics numerics,
                       const OptimizerConfig& optimizer, const BatchConfig& batch, Communicator& world,
                       DeviceCommunicator& devices, std::int64_t total_updates, const Decoder* reference)
    : weights_(weights),
      stream_(stream),
      optimizer_config_(optimizer),
      batch_config_(batch),
      world_(world),
      total_updates_(total_updates),
      pass_(weights, gemm, stream),
      head_(weights, gemm, stream),
      batch_(weights, numerics, stream),
      reduction_(devices, stream, weights.num_parameters()),
      optimizer_(weights, optimizer, world, devices, stream) {
  if (reference != nullptr) reference_ = std::make_unique<ReferenceModel>(*reference, gemm, stream);
  gradients_.resize(static_cast<std::size_t>(weights.num_parameters()));
}

void GpuLearner::check_reference(const UpdateLoss& loss) const {
  if (!needs_reference(loss) || reference_) return;
  throw std::invalid_argument("GpuLearner: kl_coef " + std::to_string(loss.config.kl_coef) +
                              " without a reference model");
}

/// Sets this rank's micro-batches, one after the other, and calls visit(first sequence in the update, whether
/// it is the last). With a loss the targets that have a gradient come first.
template <class Visit>
void GpuLearner::visit_micro_batches(std::span<const TrainSequence> sequences, const UpdateLoss* loss,
                                     const Visit& visit) {
  const auto size = static_cast<std::size_t>(batch_config_.leaf_sequences);
  const auto count = static_cast<std::int64_t>((sequences.size() + size - 1) / size);
  const Range mine = share_of(count, world_.rank(), world_.size());
  for (std::int64_t number = mine.begin; number < mine.end; number += batch_config_.micro_batch_leaves) {
    const std::int64_t end = std::min(number + batch_config_.micro_batch_leaves, mine.end);
    const std::size_t first = static_cast<std::size_t>(number) * size;
    const std::size_t last = std::min(static_cast<std::size_t>(end) * size, sequences.size());
    std::vector<bool> moves;
    if (loss != nullptr) {
      for (std::size_t i = first; i < last; ++i) moves.push_back(has_gradient(*loss, loss->terms[i]));
    }
    batch_.set(sequences.subspan(first, last - first), batch_config_.leaf_sequences, moves);
    const auto targets = static_cast<std::size_t>(batch_.num_targets());
    logprob_.resize(targets);
    entropy_.resize(targets);
    visit(first, end == mine.end);
  }
}

void GpuLearner::forward(Keep keep) {
  const DeviceRows rows = batch_.rows();
  pass_.rotation().extend_to(std::max<std::int64_t>(1, batch_.longest()), stream_);
  hidden_.resize(static_cast<std::size_t>(rows.count * weights_.config().hidden_size));
  pass_.forward(rows, batch_.attention(), keep, hidden_.data());
}

/// What the loss reads of each target.
void GpuLearner::upload_terms(const UpdateLoss& loss, std::size_t first_sequence, float temperature) {
  for (std::vector<float>* values : {&host_sampler_, &host_old_, &host_advantage_, &host_weight_})
    values->clear();
  host_completion_starts_.assign(1, 0);
  bool has_old = false;
  for (const DeviceBatch::SequenceTargets& part : batch_.sequences()) {
    const SequenceTerms& terms = loss.terms[first_sequence + part.sequence];
    host_weight_.insert(host_weight_.end(), part.count, static_cast<float>(terms.weight));
    host_completion_starts_.push_back(host_completion_starts_.back() + static_cast<std::int32_t>(part.count));
    if (loss.kind != LossKind::policy) continue;
    host_sampler_.insert(host_sampler_.end(), terms.sampler_logprob.begin(), terms.sampler_logprob.end());
    host_old_.insert(host_old_.end(), terms.old_logprob.begin(), terms.old_logprob.end());
    host_advantage_.insert(host_advantage_.end(), part.count, terms.advantage);
    has_old = has_old || !terms.old_logprob.empty();
  }
  if (has_old && host_old_.size() != host_weight_.size())
    throw std::invalid_argument(
        "GpuLearner: old_logprob of some sequences of a micro-batch only (need all or none)");
  weight_.upload(host_weight_, stream_);
  if (loss.kind != LossKind::policy) return;
  sampler_.upload(host_sampler_, stream_);
  old_.upload(host_old_, stream_);
  advantage_.upload(host_advantage_, stream_);
  completion_starts_.upload(host_completion_starts_, stream_);
  if (!needs_reference(loss)) return;
  reference_logprob_.resize(host_weight_.size());
  reference_->logprobs(batch_, temperature, reference_logprob_.data());
}

/// What a loss that needs_sequences() reads of each completion.
void GpuLearner::compute_sequence_terms(const LossConfig& config, float temperature) {
  const auto count = static_cast<std::int64_t>(host_completion_starts_.size()) - 1;
  gap_.resize(host_weight_.size());
  head_.token_logprob(batch_.head_rows(hidden_.data()), batch_.targets(), temperature,
                      {.logprob = logprob_.data()});
  const bool corrects = config.off_policy != OffPolicy::none;
  const float* own_old = host_old_.empty() ? logprob_.data() : old_.data();
  cuda::sequence_logprob_gap(logprob_.data(), corrects ? own_old : sampler_.data(), completion_starts_.data(),
                             count, gap_.data(), stream_);
  if (!corrects) return;
  sequence_importance_.resize(host_weight_.size());
  const auto compute = config.off_policy == OffPolicy::tis ? cuda::sequence_importance : cuda::sequence_mask;
  compute(own_old, sampler_.data(), completion_starts_.data(), count, config.off_policy_cap,
          sequence_importance_.data(), stream_);
}

void GpuLearner::run_loss(const UpdateLoss& loss, float temperature, const HeadGradient& gradient) {
  HeadRows rows = batch_.head_rows(hidden_.data());
  const std::int64_t first_without = batch_.num_with_gradient();
  head_.token_logprob(
      {rows.hidden, rows.rows + first_without, rows.count - first_without}, batch_.targets() + first_without,
      temperature, {.logprob = logprob_.data() + first_without, .entropy = entropy_.data() + first_without});
  rows.count = first_without;
  const cuda::TokenOutputs out{.logprob = logprob_.data(), .entropy = entropy_.data()};
  if (loss.kind == LossKind::cross_entropy) {
    head_.cross_entropy_loss(rows, batch_.targets(), weight_.data(), temperature, nullptr, out, gradient);
    return;
  }
  cuda::GrpoInputs in{.token_ids = batch_.targets(),
                      .sampler_logprob = sampler_.data(),
                      .advantage = advantage_.data(),
                      .weight = weight_.data()};
  const bool corrects = loss.config.off_policy != OffPolicy::none;
  if (corrects && !host_old_.empty()) in.old_logprob = old_.data();
  if (needs_reference(loss)) in.reference_logprob = reference_logprob_.data();
  if (needs_sequences(loss.config)) {
    compute_sequence_terms(loss.config, temperature);
    in.sequence_gap = gap_.data();
    if (corrects) in.sequence_importance = sequence_importance_.data();
  }
  head_.grpo_loss(rows, in, grpo_settings(loss.config, temperature), {.token = out}, gradient);
}

/// The sums of the micro-batch's leaves from the log-probs on the device, in float64 on the host.
void GpuLearner::add_leaf_stats(const UpdateLoss& loss, std::size_t first_sequence,
                                std::vector<UpdateStats>& leaves) {
  const std::vector<float> logprob = batch_.in_batch_order(logprob_.download(stream_));
  const std::vector<float> entropy = batch_.in_batch_order(entropy_.download(stream_));
  std::vector<float> reference;
  if (needs_reference(loss)) reference = batch_.in_batch_order(reference_logprob_.download(stream_));
  std::vector<float> coef(logprob.size());  // the device has its own
  for (const PackedBatch::Leaf& leaf : batch_.batch().leaves()) {
    const auto part = [&](const std::vector<float>& values) {
      return values.empty() ? std::span<const float>{}
                            : std::span(values).subspan(leaf.first_target, leaf.num_targets());
    };
    leaves.push_back(
        evaluate_loss(loss, first_sequence, {part(logprob), part(entropy), leaf.offsets, leaf.range.count},
                      part(reference), std::span(coef).subspan(leaf.first_target, leaf.num_targets())));
    first_sequence += leaf.offsets.size() - 1;
  }
}

UpdateStats GpuLearner::measure(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                                float temperature) {
  check_loss(loss, sequences);
  check_reference(loss);
  std::vector<UpdateStats> leaves;
  visit_micro_batches(sequences, nullptr, [&](std::size_t first, bool) {
    upload_terms(loss, first, temperature);
    forward(Keep::nothing);
    head_.token_logprob(batch_.head_rows(hidden_.data()), batch_.targets(), temperature,
                        {.logprob = logprob_.data(), .entropy = entropy_.data()});
    add_leaf_stats(loss, first, leaves);
  });
  return add_up_leaves(world_, leaves);
}

std::vector<float> GpuLearner::logprobs(std::span<const TrainSequence> sequences, float temperature) {
  std::vector<float> mine;
  visit_micro_batches(sequences, nullptr, [&](std::size_t, bool) {
    forward(Keep::nothing);
    head_.token_logprob(batch_.head_rows(hidden_.data()), batch_.targets(), temperature,
                        {.logprob = logprob_.data()});
    const std::vector<float> values = logprob_.download(stream_);
    mine.insert(mine.end(), values.begin(), values.end());
  });
  return gather_values(world_, mine);
}

UpdateStats GpuLearner::update(std::span<const TrainSequence> sequences, const UpdateLoss& loss,
                               float temperature, const UpdateGate& gate) {
  check_loss(loss, sequences);
  check_reference(loss);
  gradients_.fill_zero(stream_);
  reduction_.begin(gradients_.data());
  const auto is_complete = [&](std::size_t from) {
    reduction_.complete_from(static_cast<std::int64_t>(from));
  };
  std::vector<UpdateStats> leaves;
  visit_micro_batches(sequences, &loss, [&](std::size_t first, bool is_last) {
    upload_terms(loss, first, temperature);
    forward(batch_config_.recompute ? Keep::inputs : Keep::layers);
    dhidden_.resize(hidden_.size());
    dhidden_.fill_zero(stream_);
    run_loss(loss, temperature, {dhidden_.data(), gradients_.data()});
    pass_.backward(batch_.rows(), batch_.attention(), dhidden_.data(), gradients_.data(),
                   is_last ? is_complete : std::function<void(std::size_t)>());
    add_leaf_stats(loss, first, leaves);
  });
  reduction_.finish();
  UpdateStats stats = add_up_leaves(world_, leaves);
  stats.grad_norm = optimizer_.gradient_norm(gradients_.data());
  stats.learning_rate = learning_rate_at(optimizer_config_, updates_, total_updates_);
  check_finite(stats, updates_);
  if (gate && gate(stats) == UpdateDecision::skip) return stats;
  optimizer_.update(gradients_.data(), stats.learning_rate, updates_ + 1);
  ++updates_;
  stats.applied = true;
  return stats;
}

void GpuLearner::copy_moments(Range part, std::span<float> first, std::span<float> second) const {
  optimizer_.copy_moments(part, first, second);
}

void GpuLearner::restore(std::int64_t updates, std::span<const float> first, std::span<const float> second) {
  optimizer_.restore(first, second);
  updates_ = updates;
}

}  // namespace reckon::gpu
