#pragma once

#include <cstdint>

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
/// values alike.
struct KvLayer {
  bf16* keys = nullptr;
  bf16* values = nullptr;
};

/// Puts k and v [T, kv_heads, D] at places [T] = block * 16 + position % 16.
void put_keys_values(const bf16* k, const bf16* v, const std::int64_t* places, std::int64_t rows,
                     const HeadShape& shape, const KvLayer& layer, Stream stream);
/// Copies of the first positions of a block: KvBlocks' forks.
struct BlockCopy {
  std::int32_t from = 0, to = 0, length = 0;
};
void copy_blocks(const BlockCopy* copies, std::int64_t count, const HeadShape& shape, const KvLayer& layer,
                 Stream stream);

}  // namespace reckon::cuda
