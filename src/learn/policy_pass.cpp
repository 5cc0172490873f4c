#include "reckon/learn/policy_pass.h"

#include <algorithm>
#include <stdexcept>

#include "reckon/ops/token_logprob.h"

namespace reckon {

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
  const auto vocab = static_cast<std::size_t>(decoder_.config().vocab_size);
  decoder_.reset_caches(caches_, capacities);
  hidden_.resize(rows_.size() * width);
  decoder_.forward(rows_, caches_, activations_, hidden_);

  picked_.resize(targets_.size() * width);
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::copy_n(hidden_.data() + static_cast<std::size_t>(target_rows_[t]) * width, width,
                picked_.data() + t * width);
  }
  logits_.resize(targets_.size() * vocab);
  decoder_.logits(picked_, logits_);
  logprob_.resize(targets_.size());
  entropy_.resize(targets_.size());
  lse_.resize(targets_.size());
  token_logprob(logits_, targets_, temperature, logprob_, entropy_, lse_);
}

void PolicyPass::backward(std::span<const float> coef, std::span<float> gradients) {
  if (!activations_.keep_for_backward)
    throw std::logic_error("PolicyPass::backward: forward kept nothing for it");
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  token_logprob_backward(coef, targets_, temperature_, lse_, logits_);
  dpicked_.resize(picked_.size());
  decoder_.logits_backward(logits_, picked_, dpicked_, gradients);
  dhidden_.resize(hidden_.size());
  std::fill_n(dhidden_.data(), dhidden_.size(), 0.0f);
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::copy_n(dpicked_.data() + t * width, width,
                dhidden_.data() + static_cast<std::size_t>(target_rows_[t]) * width);
  }
  decoder_.backward(rows_, caches_, activations_, dhidden_, gradients);
}

}  // namespace reckon
