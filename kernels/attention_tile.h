#pragma once

// A tile of attention in shared memory: where its queries, keys, values and weights lie, and how they get
// there.
#include "attention_parts.h"
#include "attention_plan.h"
#include "device.h"

namespace reckon::cuda::attention_tile {

inline constexpr unsigned kThreads = 128;
inline constexpr unsigned kWarps = kThreads / kWarp;
inline constexpr unsigned kSplit = kKvSplit;
inline constexpr unsigned kBlock = kKvBlock;
inline constexpr unsigned kKeysPerWarp = kSplit / kWarps;
inline constexpr unsigned kKeyTiles = kKeysPerWarp / 8;
inline constexpr unsigned kPChunks = kSplit / 8;

/// Where 16-byte chunk `chunk` of a row of `chunks` chunks lies in shared memory: the same chunk of eight
/// rows, which load_matrices() reads together, is in eight different groups of banks.
template <unsigned chunks>
__device__ inline unsigned swizzled(unsigned row, unsigned chunk) {
  constexpr unsigned kRowsPerLine = chunks >= 8 ? 1 : 8 / chunks;
  constexpr unsigned kMask = (chunks >= 8 ? 8 : chunks) - 1;
  return row * chunks + (chunk ^ (row / kRowsPerLine & kMask));
}

/// Sizes of a tile of 16 row_tiles row-heads of D columns, and its shared memory.
template <unsigned D, unsigned row_tiles>
struct Sizes {
  static constexpr unsigned kRows = 16 * row_tiles;
  static constexpr unsigned kChunks = D / 8;
  static constexpr unsigned kColumns = D / kWarps < 16 ? 16 : D / kWarps;  // of a warp
  static constexpr unsigned kColumnTiles = kColumns / 8;
  static constexpr unsigned kValueWarps = D / kColumns;
  static constexpr unsigned kSideBytes = kSplit * D * 2;
  static constexpr unsigned kQueryBytes = kRows * D * 2;
  static constexpr unsigned kWeightBytes = kRows * kSplit * 2;
  static constexpr unsigned kBytes =
      2 * kSideBytes + kQueryBytes + kWeightBytes + kRows * (2 * kWarps * sizeof(float) + 2 * sizeof(int));
};

template <unsigned D, unsigned row_tiles>
struct Shared {
  using S = Sizes<D, row_tiles>;
  unsigned char* base = shared_memory();
  __device__ uint4* keys() const { return reinterpret_cast<uint4*>(base); }
  __device__ uint4* values() const { return reinterpret_cast<uint4*>(base + S::kSideBytes); }
  __device__ uint4* queries() const { return reinterpret_cast<uint4*>(base + 2 * S::kSideBytes); }
  __device__ uint4* weights() const {
    return reinterpret_cast<uint4*>(base + 2 * S::kSideBytes + S::kQueryBytes);
  }
  __device__ float* maxima() const {  // [kWarps][kRows]
    return reinterpret_cast<float*>(base + 2 * S::kSideBytes + S::kQueryBytes + S::kWeightBytes);
  }
  __device__ float* sums() const { return maxima() + kWarps * S::kRows; }  // [kWarps][kRows]
  __device__ int* positions() const { return reinterpret_cast<int*>(sums() + kWarps * S::kRows); }
  __device__ int* parts() const { return positions() + S::kRows; }
};

/// A tile and the key head that a block works on.
struct Work {
  PlanTile tile;
  const PlanEntry* entries;
  const std::int32_t* numbers;  // of blocks, from the tile's first split on
  unsigned kv_head, group, first_head;
  unsigned row_heads;  // row-head r is query head first_head + r % group of entry r / group
};

__device__ inline Work work_of(const AttentionArguments& args, const PlanTile& tile, unsigned kv_head) {
  const auto* header = reinterpret_cast<const PlanHeader*>(args.plan);
  const unsigned group = args.heads / args.kv_heads;
  return {tile,
          reinterpret_cast<const PlanEntry*>(args.plan + header->entries) + tile.first_entry,
          args.plan + tile.blocks,
          kv_head,
          group,
          kv_head * group,
          static_cast<unsigned>(tile.num_entries) * group};
}

/// Keys of the tile's split i that any of its rows sees.
__device__ inline unsigned keys_of(const PlanTile& tile, int i) {
  const int keys = tile.last_position + 1 - static_cast<int>(kSplit) * (tile.first_split + i);
  return keys < static_cast<int>(kSplit) ? static_cast<unsigned>(keys) : kSplit;
}

/// Starts copying a split of the keys or values. What lies behind the last key, up to a multiple of 16, is
/// zeros: nobody may have written it, and 0 times that could be NaN.
template <unsigned D>
__device__ inline void start_split(const bf16* side, const Work& work, unsigned kv_heads, int i, uint4* to) {
  constexpr unsigned kChunks = D / 8;
  const std::int32_t* numbers = work.numbers + kBlocksPerSplit * i;
  const uint4 low = load16(numbers);
  const uint4 high = load16(numbers + 4);
  const unsigned number[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
  const unsigned keys = keys_of(work.tile, i);
#pragma unroll
  for (unsigned b = 0; b < 8; ++b) {
    if (kBlock * b >= keys) continue;
    const bf16* from = side + (static_cast<std::int64_t>(number[b]) * kv_heads + work.kv_head) * (kBlock * D);
#pragma unroll
    for (unsigned first = 0; first < kBlock * kChunks; first += kThreads) {
      const unsigned chunk = first + threadIdx.x;
      if (kBlock * kChunks < kThreads && chunk >= kBlock * kChunks) continue;
      const unsigned key = kBlock * b + chunk / kChunks;
      copy16_async_or_zero(to + swizzled<kChunks>(key, chunk % kChunks), from + 8 * chunk, key < keys);
    }
  }
}

/// Starts copying the queries, and notes the rows' positions and parts. Row-heads that the tile lacks are
/// zeros at position -1.
template <unsigned D, unsigned row_tiles>
__device__ inline void start_queries(const AttentionArguments& args, const Work& work,
                                     const Shared<D, row_tiles>& shared) {
  using S = Sizes<D, row_tiles>;
  for (unsigned i = threadIdx.x; i < S::kRows * S::kChunks; i += kThreads) {
    const unsigned r = i / S::kChunks;
    const bool exists = r < work.row_heads;
    const std::int64_t row = work.entries[exists ? r / work.group : 0].row;
    const bf16* from =
        args.q + (row * args.heads + work.first_head + r % work.group) * D + i % S::kChunks * 8;
    copy16_async_or_zero(shared.queries() + swizzled<S::kChunks>(r, i % S::kChunks), exists ? from : args.q,
                         exists);
  }
  if (threadIdx.x < S::kRows) {
    const unsigned r = threadIdx.x;
    const bool exists = r < work.row_heads;
    shared.positions()[r] = exists ? work.entries[r / work.group].position : -1;
    shared.parts()[r] = exists ? work.entries[r / work.group].part : -1;
  }
}

}  // namespace reckon::cuda::attention_tile
