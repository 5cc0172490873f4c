#include "reckon/learn/policy_pass.h"

#include <algorithm>
#include <stdexcept>

#include "reckon/ops/token_logprob.h"

namespace reckon {
namespace {

/// Rows of logits that exist at once: with Qwen's 151,936 words they are 156 MB. As many as
/// linear_backward_weight sums in one product, so that chunks do not change a bit.
constexpr std::size_t kLogitRows = 256;

}  // namespace

void PolicyPass::forward(std::span<const TrainSequence> sequences, float temperature,
                         bool keep_for_backward) {
  rows_.clear();
  targets_.clear();
  target_rows_.clear();
  offsets_.assign(1, 0);
  std::vector<std::int64_t> capacities;
  for (const TrainSequence& sequence : sequences) {
    if (sequence.prompt.empty() || sequence.completion.empty()) {
      throw std::invalid_argument(
          "PolicyPass: a prompt or completion without tokens (need at least one of each)");
    }
    const auto slot = static_cast<std::int32_t>(capacities.size());
    const std::size_t prompt_length = sequence.prompt.size();
    // The last completion token is only a target.
    const std::size_t length = prompt_length + sequence.completion.size() - 1;
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint32_t id =
          i < prompt_length ? sequence.prompt[i] : sequence.completion[i - prompt_length];
      if (i + 1 >= prompt_length) {
        targets_.push_back(sequence.completion[i + 1 - prompt_length]);
        target_rows_.push_back(static_cast<std::int64_t>(rows_.size()));
      }
      rows_.add(id, slot, static_cast<std::int32_t>(i));
    }
    capacities.push_back(static_cast<std::int64_t>(length));
    offsets_.push_back(targets_.size());
  }
  temperature_ = temperature;
  activations_.keep_for_backward = keep_for_backward;
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  decoder_.reset_caches(caches_, capacities);
  hidden_.resize(rows_.size() * width);
  decoder_.forward(rows_, caches_, activations_, hidden_);

  picked_.resize(targets_.size() * width);
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::copy_n(hidden_.data() + static_cast<std::size_t>(target_rows_[t]) * width, width,
                picked_.data() + t * width);
  }
  logprob_.resize(targets_.size());
  entropy_.resize(targets_.size());
  lse_.resize(targets_.size());
  for (std::size_t first = 0; first < targets_.size(); first += kLogitRows) {
    const std::size_t rows = std::min(kLogitRows, targets_.size() - first);
    compute_logits(first, rows);
    token_logprob(logits_, targets_of(first, rows), temperature, std::span(logprob_).subspan(first, rows),
                  std::span(entropy_).subspan(first, rows), std::span(lse_).subspan(first, rows));
  }
}

void PolicyPass::compute_logits(std::size_t first, std::size_t rows) {
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  logits_.resize(rows * static_cast<std::size_t>(decoder_.num_logits()));
  decoder_.logits(picked_.span().subspan(first * width, rows * width), logits_);
}

std::span<const std::uint32_t> PolicyPass::targets_of(std::size_t first, std::size_t rows) const {
  return std::span(targets_).subspan(first, rows);
}

void PolicyPass::backward(std::span<const float> coef, std::span<float> gradients) {
  if (!activations_.keep_for_backward)
    throw std::logic_error("PolicyPass::backward: forward kept nothing for it");
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  dpicked_.resize(picked_.size());
  for (std::size_t first = 0; first < targets_.size(); first += kLogitRows) {
    const std::size_t rows = std::min(kLogitRows, targets_.size() - first);
    // The logits are computed again: kept, they would be the largest thing in memory.
    compute_logits(first, rows);
    token_logprob_backward(coef.subspan(first, rows), targets_of(first, rows), temperature_,
                           std::span(lse_).subspan(first, rows), logits_);
    decoder_.logits_backward(logits_, picked_.span().subspan(first * width, rows * width),
                             dpicked_.span().subspan(first * width, rows * width), gradients);
  }
  dhidden_.resize(hidden_.size());
  std::fill_n(dhidden_.data(), dhidden_.size(), 0.0f);
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::copy_n(dpicked_.data() + t * width, width,
                dhidden_.data() + static_cast<std::size_t>(target_rows_[t]) * width);
  }
  decoder_.backward(rows_, caches_, activations_, dhidden_, gradients);
}

}  // namespace reckon
