#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/norm_rope.h"
#include "reckon/cuda/stream.h"

/// Attention over a paged cache of keys and values. All pointers are device memory unless said otherwise.
namespace reckon::cuda {

/// Positions of a block of the cache, as KvBlocks counts them.
inline constexpr std::int64_t kKvBlock = 16;
/// Keys of a split. A row's attention is the partial results of positions [0, 128), [128, 256), ..., merged
/// in order: who computes the parts, and beside which other rows, does not matter.
inline constexpr std::int64_t kKvSplit = 128;

/// One layer's keys and values: block b of key head h is [16, D] at ((b * kv_heads + h) * 16) * D, keys and
/// values alike. Both are 16-byte aligned.
struct KvLayer {
  bf16* keys = nullptr;
  bf16* values = nullptr;
};

/// Puts k and v [T, kv_heads, D] at places [T] = block * 16 + position % 16. D is a multiple of 8.
/// \throws std::invalid_argument where it is not
void put_keys_values(const bf16* k, const bf16* v, const std::int64_t* places, std::int64_t rows,
                     const HeadShape& shape, const KvLayer& layer, Stream stream);
/// Copies of the first positions of a block: KvBlocks' forks.
struct BlockCopy {
  std::int32_t from = 0, to = 0, length = 0;
};
/// Does the copies, none of which may write a block that another reads. Length 0 copies nothing.
void copy_blocks(const BlockCopy* copies, std::int64_t count, const HeadShape& shape, const KvLayer& layer,
                 Stream stream);

/// A row of a batch, on the host: a token's query at `position` of the sequence whose blocks these are. Rows
/// with the same pointer that stand together are computed together.
struct AttentionRow {
  const std::int32_t* blocks = nullptr;  ///< host, [position / 16 + 1]
  std::int32_t position = 0;
};

/// What a plan needs, or the most that a recorded launch can be given.
struct AttentionSizes {
  std::int64_t words = 0;        ///< of the plan, int32
  std::int64_t small_tiles = 0;  ///< of up to 16 row-heads: query heads of rows that read one key head
  std::int64_t large_tiles = 0;  ///< of up to 64 row-heads
  std::int64_t merges = 0;       ///< rows whose parts are merged
  std::int64_t partials = 0;     ///< parts of rows in the workspace
  /// Floats of the workspace.
  [[nodiscard]] std::int64_t workspace(const HeadShape& shape) const {
    return partials * shape.heads * (shape.head_dim + 2);
  }
  friend bool operator==(const AttentionSizes&, const AttentionSizes&) = default;
};

/// Who computes which splits of which rows: to be uploaded as it stands, 16-byte aligned.
struct AttentionPlan {
  AttentionSizes sizes;
  std::vector<std::int32_t> words;
};

/// Choices that change no bit of a result.
struct AttentionPlanOptions {
  int multiprocessors = 132;
  /// Splits that a tile works off one after the other, from the first split on; what lies behind is computed
  /// split by split beside it, and merged. 0: as many as keep the multiprocessors evenly at work.
  std::int64_t longest = 0;
  /// Whether rows of different sequences that have a split's blocks in common are computed together.
  bool share = true;
};

/// Plans the attention of a batch. Rows of a prompt fill tiles of their own, which work off all splits. Rows
/// that decode are stacked as far as their sequences share blocks (the prompt of a group, which forks share).
/// The plan is replaced; its memory is used again.
/// \throws std::invalid_argument for heads that attention() does not take, or a row without blocks or with a
/// negative position
void plan_attention(std::span<const AttentionRow> rows, const HeadShape& shape,
                    const AttentionPlanOptions& options, AttentionPlan& plan);

/// The most that a plan needs for any batch of so many rows, at positions below `positions`.
[[nodiscard]] AttentionSizes attention_limits(std::int64_t rows, std::int64_t positions,
                                              const HeadShape& shape);
/// \throws std::invalid_argument where a plan needs more than a launch can be given
void check_fits(const AttentionSizes& needs, const AttentionSizes& limits);

/// Causal attention of the rows of a plan: out_t = sum_j softmax_j(q_t . k_j / sqrt(D)) v_j over positions
/// j <= position of t, whose keys and values are in the layer. Query head h reads key head
/// h / (heads / kv_heads). For each split in float32: scores q . k (d in steps of 16), m = max, p = e^(s -
/// m), l = sum p, o = sum p v with p rounded to bfloat16 (keys in steps of 16); the splits' (m, l, o) are
/// merged in order (Milakov and Gimelshein, arXiv:1805.02867). A row's bits are a function of its query and
/// of the keys and values of its positions. Rows that are not in the plan are not written. The kernels read
/// the plan's counts from the device: a recorded launch serves every plan within `limits`. \param q [T,
/// heads, D] \param plan  AttentionPlan::words, uploaded \param limits     of the plan's sizes \param out [T,
/// heads, D] \param lse  [heads, T] float32 or null: log sum_j e^(q . k_j / sqrt(D)) \param rows       T, the
/// length of lse's rows \param workspace  limits.workspace(shape) floats, 16-byte aligned \throws
/// std::invalid_argument for a head_dim other than 16, 32, 64, 128, heads that kv_heads does not divide, or
/// more than 64 query heads a key head
void attention(const bf16* q, const std::int32_t* plan, const AttentionSizes& limits, const KvLayer& layer,
               const HeadShape& shape, std::int64_t rows, bf16* out, float* lse, float* workspace,
               Stream stream);

}  // namespace reckon::cuda
