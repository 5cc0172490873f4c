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

bool same_prompt(const TrainSequence& a, const TrainSequence& b) {
  return std::equal(a.prompt.begin(), a.prompt.end(), b.prompt.begin(), b.prompt.end());
}

/// Sequences from `first` on that have its prompt.
std::size_t group_length(std::span<const TrainSequence> sequences, std::size_t first) {
  std::size_t end = first + 1;
  while (end < sequences.size() && same_prompt(sequences[first], sequences[end])) ++end;
  return end - first;
}

/// Blocks of the cache that a leaf's groups need at most.
std::int64_t blocks_for(std::span<const TrainSequence> sequences) {
  std::int64_t blocks = 0;
  for (const TrainSequence& sequence : sequences) {
    blocks +=
        KvCache::blocks_for(static_cast<std::int64_t>(sequence.prompt.size())) +
        KvCache::blocks_for(static_cast<std::int64_t>(sequence.prompt.size() + sequence.completion.size()));
  }
  return blocks;
}

}  // namespace

/// Rows of logits that exist at once: with Qwen's 151,936 words they are 156 MB. A function of the model
/// alone: it is how the gradient of the head is summed.
std::size_t PolicyPass::logit_rows() const {
  return decoder_.num_logits() > 32768 ? 256 : static_cast<std::size_t>(kWeightGradientRows);
}

void PolicyPass::lay_out(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences) {
  rows_.clear();
  targets_.clear();
  target_rows_.clear();
  leaves_.clear();
  for (const TrainSequence& sequence : sequences) {
    if (sequence.prompt.empty() || sequence.completion.empty()) {
      throw std::invalid_argument(
          "PolicyPass: a prompt or completion without tokens (need at least one of each)");
    }
  }
  decoder_.reset_cache(cache_, blocks_for(sequences));
  const auto size = static_cast<std::size_t>(leaf_sequences);
  for (std::size_t first = 0; first < sequences.size(); first += size) {
    add_leaf(sequences.subspan(first, std::min(size, sequences.size() - first)));
  }
}

void PolicyPass::add_leaf(std::span<const TrainSequence> sequences) {
  Leaf leaf;
  leaf.range.first_row = static_cast<std::int64_t>(rows_.size());
  leaf.first_target = targets_.size();
  leaf.offsets = {0};
  for (std::size_t first = 0; first < sequences.size();) {
    const std::size_t count = group_length(sequences, first);
    add_group(sequences.subspan(first, count), leaf);
    first += count;
  }
  leaf.range.count = static_cast<std::int64_t>(rows_.size()) - leaf.range.first_row;
  leaves_.push_back(std::move(leaf));
}

/// Rows of sequences with one prompt: the prompt's, then each completion's but its last token, which is only
/// a target. A sequence alone is one run; several have the prompt's keys and values from a slot they are
/// forked from.
void PolicyPass::add_group(std::span<const TrainSequence> sequences, Leaf& leaf) {
  const std::span<const std::uint32_t> prompt = sequences.front().prompt;
  const auto length = static_cast<std::int64_t>(prompt.size());
  const bool alone = sequences.size() == 1;
  const auto inputs_of = [](const TrainSequence& sequence) {
    return static_cast<std::int64_t>(sequence.completion.size()) - 1;
  };
  const std::size_t prompt_row = rows_.size();
  const std::int64_t relative_row = static_cast<std::int64_t>(prompt_row) - leaf.range.first_row;
  const std::int32_t prompt_slot = cache_.open(length + (alone ? inputs_of(sequences.front()) : 0));
  for (std::int64_t i = 0; i < length; ++i) {
    rows_.add(prompt[static_cast<std::size_t>(i)], prompt_slot, static_cast<std::int32_t>(i));
  }
  leaf.range.runs.push_back({relative_row, length, prompt_slot, 0, 0});
  for (const TrainSequence& sequence : sequences) {
    const std::int64_t inputs = inputs_of(sequence);
    const std::size_t completion_row = rows_.size();
    if (inputs > 0) {
      const std::int32_t slot = alone ? prompt_slot : cache_.fork(prompt_slot, length, length + inputs);
      for (std::int64_t i = 0; i < inputs; ++i) {
        rows_.add(sequence.completion[static_cast<std::size_t>(i)], slot,
                  static_cast<std::int32_t>(length + i));
      }
      if (alone) {
        leaf.range.runs.back().count += inputs;
      } else {
        leaf.range.runs.push_back({static_cast<std::int64_t>(completion_row) - leaf.range.first_row, inputs,
                                   slot, static_cast<std::int32_t>(length), relative_row});
      }
    }
    add_targets(sequence, prompt_row + prompt.size() - 1, completion_row, leaf);
  }
}

void PolicyPass::add_targets(const TrainSequence& sequence, std::size_t prompt_row,
                             std::size_t completion_row, Leaf& leaf) {
  for (std::size_t i = 0; i < sequence.completion.size(); ++i) {
    targets_.push_back(sequence.completion[i]);
    target_rows_.push_back(i == 0 ? prompt_row : completion_row + i - 1);
  }
  leaf.offsets.push_back(targets_.size() - leaf.first_target);
}

void PolicyPass::forward(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
                         float temperature, Keep keep) {
  lay_out(sequences, leaf_sequences);
  temperature_ = temperature;
  activations_.keep = keep;
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  hidden_.resize(rows_.size() * width);
  decoder_.forward(rows_, cache_, activations_, hidden_);

  picked_.resize(targets_.size() * width);
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::copy_n(hidden_.data() + target_rows_[t] * width, width, picked_.data() + t * width);
  }
  for (std::vector<float>* values : {&logprob_, &entropy_, &lse_}) values->resize(targets_.size());
  logits_kept_ = keep != Keep::nothing && targets_.size() * vocab <= kMostKeptLogits;
  logits_.resize((logits_kept_ ? targets_.size() : std::min(logit_rows(), targets_.size())) * vocab);
  for (std::size_t first = 0; first < targets_.size(); first += logit_rows()) {
    const std::size_t rows = std::min(logit_rows(), targets_.size() - first);
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
  return std::span(targets_).subspan(first, rows);
}

LeafLogprobs PolicyPass::leaf(std::size_t index) const {
  const Leaf& leaf = leaves_.at(index);
  return {std::span(logprob_).subspan(leaf.first_target, leaf.num_targets()),
          std::span(entropy_).subspan(leaf.first_target, leaf.num_targets()), leaf.offsets, leaf.range.count};
}

void PolicyPass::backward(std::size_t index, std::span<const float> coef, std::span<float> gradients) {
  if (activations_.keep == Keep::nothing)
    throw std::logic_error("PolicyPass::backward: forward kept nothing for it");
  const Leaf& leaf = leaves_.at(index);
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
    add_to(dhidden_.span().subspan((target_rows_[leaf.first_target + t] - first_row) * width, width),
           dpicked_.span().subspan(t * width, width));
  }
  decoder_.backward(rows_, leaf.range, cache_, activations_, dhidden_, gradients);
}

}  // namespace reckon
