#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reckon/learn/train_sequence.h"
#include "reckon/model/decoder.h"
#include "reckon/ops/kv_blocks.h"

namespace reckon {

/// The rows of a micro-batch of leaves, wherever they are computed: packed without padding, and within a leaf
/// neighbours with the same prompt share its rows. A completion's last token is only a target.
class PackedBatch {
 public:
  struct Leaf {
    RowRange range;
    std::size_t first_target = 0;
    std::vector<std::size_t> offsets;  ///< of its sequences' targets, from 0
    [[nodiscard]] std::size_t num_targets() const { return offsets.back(); }
  };

  /// Blocks of the cache that lay_out() opens at most.
  [[nodiscard]] static std::int64_t blocks_for(std::span<const TrainSequence> sequences);

  /// \param sequences  their leaves are leaf_sequences each, the last one maybe fewer
  /// \param cache      with blocks_for(sequences) free blocks: slots are opened in it for the rows
  /// \throws std::invalid_argument where a prompt or a completion has no token
  void lay_out(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences, KvBlocks& cache);

  [[nodiscard]] const PackedRows& rows() const { return rows_; }
  [[nodiscard]] const std::vector<Leaf>& leaves() const { return leaves_; }
  /// The completions' tokens, [T], and for each the row whose output predicts it.
  [[nodiscard]] const std::vector<std::uint32_t>& targets() const { return targets_; }
  [[nodiscard]] const std::vector<std::size_t>& target_rows() const { return target_rows_; }

 private:
  void add_leaf(std::span<const TrainSequence> sequences, KvBlocks& cache);
  void add_group(std::span<const TrainSequence> sequences, KvBlocks& cache, Leaf& leaf);
  void add_targets(const TrainSequence& sequence, std::size_t prompt_row, std::size_t completion_row,
                   Leaf& leaf);

  PackedRows rows_;
  std::vector<Leaf> leaves_;
  std::vector<std::uint32_t> targets_;
  std::vector<std::size_t> target_rows_;
};

}  // namespace reckon
