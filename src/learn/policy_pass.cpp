#include "reckon/learn/policy_pass.h"

#include <algorithm>
#include <stdexcept>

#include "reckon/ops/sums.h"
#include "reckon/ops/token_logprob.h"

namespace reckon {
namespace {

// Logits that a micro-batch keeps for its backward pass, in floats (32 MiB); of more, the chunks are computed
// again.
constexpr std::size_t kMostKeptLogits = std::size_t{8} << 20;

}  // namespace

/// Rows of logits that exist at once: with Qwen's 151,936 words they are 156 MB. A function of the model
/// alone: it is how the gradient of the head is summed.
std::size_t PolicyPass::logit_rows() const {
  return decoder_.num_logits() > 32768 ? 256 : static_cast<std::size_t>(kWeightGradientRows);
}

void PolicyPass::forward(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
                         float temperature, Keep keep) {
  decoder_.reset_cache(cache_, PackedBatch::blocks_for(sequences));
  batch_.lay_out(sequences, leaf_sequences, cache_);
  temperature_ = temperature;
  activations_.keep = keep;
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  hidden_.resize(batch_.rows().size() * width);
  decoder_.forward(batch_.rows(), cache_, activations_, hidden_);

  picked_.resize(num_targets() * width);
  for (std::size_t t = 0; t < num_targets(); ++t) {
    std::copy_n(hidden_.data() + batch_.target_rows()[t] * width, width, picked_.data() + t * width);
  }
  for (std::vector<float>* values : {&logprob_, &entropy_, &lse_}) values->resize(num_targets());
  logits_kept_ = keep != Keep::nothing && num_targets() * vocab <= kMostKeptLogits;
  logits_.resize((logits_kept_ ? num_targets() : std::min(logit_rows(), num_targets())) * vocab);
  for (std::size_t first = 0; first < num_targets(); first += logit_rows()) {
    const std::size_t rows = std::min(logit_rows(), num_targets() - first);
    const std::span<float> logits = compute_logits(first, rows, logits_kept_ ? first : 0);
    token_logprob(logits, targets_of(first, rows), temperature, std::span(logprob_).subspan(first, rows),
                  std::span(entropy_).subspan(first, rows), std::span(lse_).subspan(first, rows));
  }
}

/// Logits of targets `first` on, at row `at` of the buffer.
std::span<float> PolicyPass::compute_logits(std::size_t first, std::size_t rows, std::size_t at) {
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  const std::span<float> logits = logits_.span().subspan(at * vocab, rows * vocab);
  decoder_.logits(picked_.span().subspan(first * width, rows * width), logits);
  return logits;
}

std::span<const std::uint32_t> PolicyPass::targets_of(std::size_t first, std::size_t rows) const {
  return std::span(batch_.targets()).subspan(first, rows);
}

LeafLogprobs PolicyPass::leaf(std::size_t index) const {
  const PackedBatch::Leaf& leaf = batch_.leaves().at(index);
  return {std::span(logprob_).subspan(leaf.first_target, leaf.num_targets()),
          std::span(entropy_).subspan(leaf.first_target, leaf.num_targets()), leaf.offsets, leaf.range.count};
}

void PolicyPass::backward(std::size_t index, std::span<const float> coef, std::span<float> gradients,
                          const GradientsComplete& complete) {
  if (activations_.keep == Keep::nothing)
    throw std::logic_error("PolicyPass::backward: forward kept nothing for it");
  const PackedBatch::Leaf& leaf = batch_.leaves().at(index);
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  dpicked_.resize(leaf.num_targets() * width);
  for (std::size_t first = 0; first < leaf.num_targets(); first += logit_rows()) {
    const std::size_t rows = std::min(logit_rows(), leaf.num_targets() - first);
    const std::size_t at = leaf.first_target + first;
    const std::span<float> logits =
        logits_kept_ ? logits_.span().subspan(at * vocab, rows * vocab) : compute_logits(at, rows, 0);
    token_logprob_backward(coef.subspan(first, rows), targets_of(at, rows), temperature_,
                           std::span(lse_).subspan(at, rows), logits);
    decoder_.logits_backward(logits, picked_.span().subspan(at * width, rows * width),
                             dpicked_.span().subspan(first * width, rows * width), gradients);
  }
  const auto first_row = static_cast<std::size_t>(leaf.range.first_row);
  dhidden_.resize(static_cast<std::size_t>(leaf.range.count) * width);
  std::fill_n(dhidden_.data(), dhidden_.size(), 0.0f);
  for (std::size_t t = 0; t < leaf.num_targets(); ++t) {
    add_to(dhidden_.span().subspan((batch_.target_rows()[leaf.first_target + t] - first_row) * width, width),
           dpicked_.span().subspan(t * width, width));
  }
  decoder_.backward(batch_.rows(), leaf.range, cache_, activations_, dhidden_, gradients, complete);
}

}  // namespace reckon
