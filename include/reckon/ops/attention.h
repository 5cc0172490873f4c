#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/base/aligned_buffer.h"

namespace reckon {

/// Keys and values of many sequences ("slots") for one layer. Keys lie transposed,
/// [kv_heads][head_dim][capacity], so that the scores of sixteen keys are computed at once; values lie
/// [kv_heads][capacity][head_dim].
class KvCache {
 public:
  KvCache() = default;
  /// \param capacities  longest sequence of each slot, in tokens; rounded up to whole blocks of 16.
  KvCache(std::span<const std::int64_t> capacities, std::int64_t kv_heads, std::int64_t head_dim);
  /// Lays the slots out anew; contents are undefined until appended.
  void reset(std::span<const std::int64_t> capacities, std::int64_t kv_heads, std::int64_t head_dim);

  /// Puts the key and value of one token, each [kv_heads, head_dim], at a position of a slot.
  void put(std::int64_t slot, std::int64_t position, const float* key, const float* value);
  /// Copies the first `length` positions of one slot to another of the same or a larger capacity.
  void copy_prefix(std::int64_t from_slot, std::int64_t to_slot, std::int64_t length);

  [[nodiscard]] const float* keys(std::int64_t slot, std::int64_t head) const {
    return keys_.data() + (offsets_[slot] * kv_heads_ + head * capacity(slot)) * head_dim_;
  }
  [[nodiscard]] const float* values(std::int64_t slot, std::int64_t head) const {
    return values_.data() + (offsets_[slot] * kv_heads_ + head * capacity(slot)) * head_dim_;
  }
  [[nodiscard]] std::int64_t capacity(std::int64_t slot) const { return offsets_[slot + 1] - offsets_[slot]; }
  [[nodiscard]] std::int64_t kv_heads() const { return kv_heads_; }
  [[nodiscard]] std::int64_t head_dim() const { return head_dim_; }

 private:
  std::vector<std::int64_t> offsets_;  // in tokens
  std::int64_t kv_heads_ = 0;
  std::int64_t head_dim_ = 0;
  AlignedBuffer keys_, values_;
};

/// One row of a packed batch: token `position` of the sequence in `slot`.
struct RowPosition {
  std::int32_t slot = 0;
  std::int32_t position = 0;
};

/// Causal attention of rows against their slots: out_t = sum_j softmax_j(q_t . k_j / sqrt(head_dim)) v_j over
/// the positions j <= t of the slot, which must have been put into the cache. Grouped-query: query head h
/// reads key head h / (heads / kv_heads). Each row is computed alone, in one order of sums whoever asks:
/// prefill, decode and learner get the same bits. \param q    [T, heads, head_dim] \param out  [T, heads,
/// head_dim] \param lse  [T, heads] or empty: log of the sum of exponentials, which the backward pass reads
/// \throws std::invalid_argument where head_dim is not a multiple of 16 or sizes do not fit.
void attention(std::span<const float> q, std::span<const RowPosition> rows, const KvCache& cache,
               std::int64_t heads, std::span<float> out, std::span<float> lse = {});

/// Gradients of attention for whole sequences: the rows of each slot stand together, at positions 0, 1, 2,
/// ... \param dout, out, q  [T, heads, head_dim], lse [T, heads] \param dq            [T, heads, head_dim],
/// written \param dk, dv        [T, kv_heads, head_dim], written
void attention_backward(std::span<const float> dout, std::span<const float> out, std::span<const float> q,
                        std::span<const float> lse, std::span<const RowPosition> rows, const KvCache& cache,
                        std::int64_t heads, std::span<float> dq, std::span<float> dk, std::span<float> dv);

}  // namespace reckon
