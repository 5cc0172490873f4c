#include "reckon/learn/packed_batch.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace reckon {
namespace {

bool same_prompt(const TrainSequence& a, const TrainSequence& b) {
  return std::equal(a.prompt.begin(), a.prompt.end(), b.prompt.begin(), b.prompt.end());
}

/// Sequences from `first` on that have its prompt.
std::size_t group_length(std::span<const TrainSequence> sequences, std::size_t first) {
  std::size_t end = first + 1;
  while (end < sequences.size() && same_prompt(sequences[first], sequences[end])) ++end;
  return end - first;
}

}  // namespace

std::int64_t PackedBatch::blocks_for(std::span<const TrainSequence> sequences) {
  std::int64_t blocks = 0;
  for (const TrainSequence& sequence : sequences) {
    blocks +=
        KvCache::blocks_for(static_cast<std::int64_t>(sequence.prompt.size())) +
        KvCache::blocks_for(static_cast<std::int64_t>(sequence.prompt.size() + sequence.completion.size()));
  }
  return blocks;
}

void PackedBatch::lay_out(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
                          KvBlocks& cache) {
  rows_.clear();
  targets_.clear();
  target_rows_.clear();
  leaves_.clear();
  for (const TrainSequence& sequence : sequences) {
    if (sequence.prompt.empty() || sequence.completion.empty()) {
      throw std::invalid_argument(
          "PackedBatch: a prompt or completion without tokens (need at least one of each)");
    }
  }
  const auto size = static_cast<std::size_t>(leaf_sequences);
  for (std::size_t first = 0; first < sequences.size(); first += size) {
    add_leaf(sequences.subspan(first, std::min(size, sequences.size() - first)), cache);
  }
}

void PackedBatch::add_leaf(std::span<const TrainSequence> sequences, KvBlocks& cache) {
  Leaf leaf;
  leaf.range.first_row = static_cast<std::int64_t>(rows_.size());
  leaf.first_target = targets_.size();
  leaf.offsets = {0};
  for (std::size_t first = 0; first < sequences.size();) {
    const std::size_t count = group_length(sequences, first);
    add_group(sequences.subspan(first, count), cache, leaf);
    first += count;
  }
  leaf.range.count = static_cast<std::int64_t>(rows_.size()) - leaf.range.first_row;
  leaves_.push_back(std::move(leaf));
}

/// Rows of sequences with one prompt: the prompt's, then each completion's but its last token, which is only
/// a target. A sequence alone is one run; several have the prompt's keys and values from a slot they are
/// forked from.
void PackedBatch::add_group(std::span<const TrainSequence> sequences, KvBlocks& cache, Leaf& leaf) {
  const std::span<const std::uint32_t> prompt = sequences.front().prompt;
  const auto length = static_cast<std::int64_t>(prompt.size());
  const bool alone = sequences.size() == 1;
  const auto inputs_of = [](const TrainSequence& sequence) {
    return static_cast<std::int64_t>(sequence.completion.size()) - 1;
  };
  const std::size_t prompt_row = rows_.size();
  const std::int64_t relative_row = static_cast<std::int64_t>(prompt_row) - leaf.range.first_row;
  const std::int32_t prompt_slot = cache.open(length + (alone ? inputs_of(sequences.front()) : 0));
  for (std::int64_t i = 0; i < length; ++i) {
    rows_.add(prompt[static_cast<std::size_t>(i)], prompt_slot, static_cast<std::int32_t>(i));
  }
  leaf.range.runs.push_back({relative_row, length, prompt_slot, 0, 0});
  for (const TrainSequence& sequence : sequences) {
    const std::int64_t inputs = inputs_of(sequence);
    const std::size_t completion_row = rows_.size();
    if (inputs > 0) {
      const std::int32_t slot = alone ? prompt_slot : cache.fork(prompt_slot, length, length + inputs);
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

void PackedBatch::add_targets(const TrainSequence& sequence, std::size_t prompt_row,
                              std::size_t completion_row, Leaf& leaf) {
  for (std::size_t i = 0; i < sequence.completion.size(); ++i) {
    targets_.push_back(sequence.completion[i]);
    target_rows_.push_back(i == 0 ? prompt_row : completion_row + i - 1);
  }
  leaf.offsets.push_back(targets_.size() - leaf.first_target);
}

}  // namespace reckon
