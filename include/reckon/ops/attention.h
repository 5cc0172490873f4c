#pragma once

#include <cstdint>
#include <span>

#include "reckon/ops/kv_cache.h"

namespace reckon {

/// One row of a packed batch: token `position` of the sequence in `slot`.
struct RowPosition {
  std::int32_t slot = 0;
  std::int32_t position = 0;
};

/// Causal attention of rows against their slots: out_t = sum_j softmax_j(q_t . k_j / sqrt(head_dim)) v_j over
/// the positions j <= t of the slot, which must have been put into the cache's layer. Grouped-query: query
/// head h reads key head h / (heads / kv_heads). The one definition for prefill, decoding and the learner, in
/// one order of sums whoever asks: q . k over d in order; e^(s - max) over blocks of sixteen keys, lane by
/// lane, then the lanes along a binary tree; the values over j in order. Rows that stand together share their
/// loads, not their sums. \param q    [T, heads, head_dim] \param out  [T, heads, head_dim] \param lse  [T,
/// heads] or empty: log of the sum of exponentials, which the backward pass reads \throws
/// std::invalid_argument where head_dim is not a multiple of 16 or sizes do not fit.
void attention(std::span<const float> q, std::span<const RowPosition> rows, const KvCache& cache,
               std::int64_t layer, std::int64_t heads, std::span<float> out, std::span<float> lse = {});

/// Rows of one slot that stand together in a packed batch, at positions that follow each other.
struct RowRun {
  std::int64_t first_row = 0;
  std::int64_t count = 0;
  std::int32_t slot = 0;
  std::int32_t first_position = 0;
  /// Where the positions before first_position stand in the batch: the rows of a prompt that several
  /// completions share. Only where first_position is not 0.
  std::int64_t prefix_row = 0;
};

/// Gradients of attention. The runs hold whole sequences: positions 0, 1, ... of each are rows of its run, or
/// of the prefix it names. A shared prefix's gradients are summed in the order of the runs. \param dout, out,
/// q  [T, heads, head_dim], lse [T, heads] \param dq            [T, heads, head_dim], written \param dk, dv
/// [T, kv_heads, head_dim], written
void attention_backward(std::span<const float> dout, std::span<const float> out, std::span<const float> q,
                        std::span<const float> lse, std::span<const RowRun> runs, const KvCache& cache,
                        std::int64_t layer, std::int64_t heads, std::span<float> dq, std::span<float> dk,
                        std::span<float> dv);

}  // namespace reckon
