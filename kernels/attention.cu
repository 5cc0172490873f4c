// Attention of tiles of rows over splits of keys. Four warps share a split: each scores 32 of its 128 keys,
// and sums the values of a quarter of the head's columns. So the few rows of a decoding sequence keep all
// warps at work, and each number is summed in one order whatever the tile.
#include <algorithm>
#include <cmath>

#include "attention_parts.h"
#include "attention_plan.h"
#include "attention_tile.h"
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

using namespace attention_tile;

/// s = Q K^T for this warp's keys; over d in steps of 16. Zero for keys from `keys`, rounded up to 16, on.
template <unsigned D, unsigned row_tiles>
__device__ void score(const Shared<D, row_tiles>& shared, unsigned keys,
                      float (&s)[row_tiles][kKeyTiles][4]) {
  constexpr unsigned kChunks = D / 8;
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned first_key = kKeysPerWarp * (threadIdx.x / kWarp);
#pragma unroll
  for (unsigned r = 0; r < row_tiles; ++r) {
#pragma unroll
    for (unsigned n = 0; n < kKeyTiles; ++n) s[r][n][0] = s[r][n][1] = s[r][n][2] = s[r][n][3] = 0;
  }
#pragma unroll
  for (unsigned k = 0; k < D / 16; ++k) {
    std::uint32_t a[row_tiles][4];
#pragma unroll
    for (unsigned r = 0; r < row_tiles; ++r)
      load_matrices(a[r], shared.queries() + swizzled<kChunks>(16 * r + lane % 16, 2 * k + lane / 16));
#pragma unroll
    for (unsigned pair = 0; pair < kKeyTiles / 2; ++pair) {
      const unsigned first = first_key + 16 * pair;
      if (first >= keys) continue;
      std::uint32_t b[4];
      load_matrices(
          b, shared.keys() + swizzled<kChunks>(first + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
      const std::uint32_t left[2] = {b[0], b[1]};
      const std::uint32_t right[2] = {b[2], b[3]};
#pragma unroll
      for (unsigned r = 0; r < row_tiles; ++r) {
        mma_bf16(s[r][2 * pair], a[r], left);
        mma_bf16(s[r][2 * pair + 1], a[r], right);
      }
    }
  }
}

/// Takes the keys behind each row's position out, and shows the greatest score of this warp's keys.
template <unsigned D, unsigned row_tiles>
__device__ void mask_and_show_maxima(const Shared<D, row_tiles>& shared, int split_begin, bool masks,
                                     float (&s)[row_tiles][kKeyTiles][4]) {
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned warp = threadIdx.x / kWarp;
  const int first = split_begin + static_cast<int>(kKeysPerWarp * warp + 2 * (lane % 4));
#pragma unroll
  for (unsigned i = 0; i < 2 * row_tiles; ++i) {
    const unsigned row = 8 * i + lane / 4;
    if (masks) {
      const int last = shared.positions()[row] - first;
#pragma unroll
      for (unsigned n = 0; n < kKeyTiles; ++n) {
        if (last < static_cast<int>(8 * n)) s[i / 2][n][2 * (i % 2)] = -INFINITY;
        if (last < static_cast<int>(8 * n + 1)) s[i / 2][n][2 * (i % 2) + 1] = -INFINITY;
      }
    }
    float max = -INFINITY;
#pragma unroll
    for (unsigned n = 0; n < kKeyTiles; ++n)
      max = fmaxf(max, fmaxf(s[i / 2][n][2 * (i % 2)], s[i / 2][n][2 * (i % 2) + 1]));
    max = fmaxf(max, shuffle_xor(max, 1));
    max = fmaxf(max, shuffle_xor(max, 2));
    if (lane % 4 == 0) shared.maxima()[warp * Sizes<D, row_tiles>::kRows + row] = max;
  }
}

/// From scores to weights e^(s - max), rounded to bfloat16 in shared memory, and their sums. The rows'
/// maxima go to `part`. A row that sees none of the keys gets NaN, which merge_part() leaves alone.
template <unsigned D, unsigned row_tiles>
__device__ void weigh(const Shared<D, row_tiles>& shared, float exponent,
                      const float (&s)[row_tiles][kKeyTiles][4], RowSums (&part)[2 * row_tiles]) {
  constexpr unsigned kRows = Sizes<D, row_tiles>::kRows;
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned warp = threadIdx.x / kWarp;
  auto* weights = reinterpret_cast<std::uint32_t*>(shared.weights());
#pragma unroll
  for (unsigned i = 0; i < 2 * row_tiles; ++i) {
    const unsigned row = 8 * i + lane / 4;
    float max = shared.maxima()[row];
#pragma unroll
    for (unsigned w = 1; w < kWarps; ++w) max = fmaxf(max, shared.maxima()[w * kRows + row]);
    part[i].max = max;
    float sum = 0;
#pragma unroll
    for (unsigned n = 0; n < kKeyTiles; ++n) {
      const float left = fast_exp2((s[i / 2][n][2 * (i % 2)] - max) * exponent);
      const float right = fast_exp2((s[i / 2][n][2 * (i % 2) + 1] - max) * exponent);
      sum = sum + left + right;
      weights[4 * swizzled<kPChunks>(row, kKeyTiles * warp + n) + lane % 4] = pack_bf16(left, right);
    }
    sum += shuffle_xor(sum, 1);
    sum += shuffle_xor(sum, 2);
    if (lane % 4 == 0) shared.sums()[warp * kRows + row] = sum;
  }
}

/// o = P V for this warp's columns; over keys in steps of 16.
template <unsigned D, unsigned row_tiles>
__device__ void sum_values(const Shared<D, row_tiles>& shared, unsigned keys,
                           float (&o)[row_tiles][Sizes<D, row_tiles>::kColumnTiles][4]) {
  using S = Sizes<D, row_tiles>;
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned first_chunk = S::kColumns / 8 * (threadIdx.x / kWarp);
#pragma unroll
  for (unsigned r = 0; r < row_tiles; ++r) {
#pragma unroll
    for (unsigned n = 0; n < S::kColumnTiles; ++n) o[r][n][0] = o[r][n][1] = o[r][n][2] = o[r][n][3] = 0;
  }
  if (threadIdx.x / kWarp >= S::kValueWarps) return;
#pragma unroll
  for (unsigned k = 0; k < kSplit / 16; ++k) {
    if (16 * k >= keys) continue;
    std::uint32_t a[row_tiles][4];
#pragma unroll
    for (unsigned r = 0; r < row_tiles; ++r)
      load_matrices(a[r], shared.weights() + swizzled<kPChunks>(16 * r + lane % 16, 2 * k + lane / 16));
#pragma unroll
    for (unsigned pair = 0; pair < S::kColumnTiles / 2; ++pair) {
      std::uint32_t b[4];
      load_matrices_transposed(
          b, shared.values() + swizzled<S::kChunks>(16 * k + lane % 16, first_chunk + 2 * pair + lane / 16));
      const std::uint32_t left[2] = {b[0], b[1]};
      const std::uint32_t right[2] = {b[2], b[3]};
#pragma unroll
      for (unsigned r = 0; r < row_tiles; ++r) {
        mma_bf16(o[r][2 * pair], a[r], left);
        mma_bf16(o[r][2 * pair + 1], a[r], right);
      }
    }
  }
}

/// What a thread holds of its tile: rows 8 i + lane / 4, its warp's columns in the fragments of mma_bf16.
template <unsigned D, unsigned row_tiles>
struct Held {
  float o[row_tiles][Sizes<D, row_tiles>::kColumnTiles][4];
  RowSums sums[2 * row_tiles];
};

/// Merges a split's part into what is held. A row before the split's keys keeps what it has, to the bit.
template <unsigned D, unsigned row_tiles>
__device__ void merge_part(const Shared<D, row_tiles>& shared, int split_begin, float exponent,
                           const Held<D, row_tiles>& part, Held<D, row_tiles>& held) {
  const unsigned lane = threadIdx.x % kWarp;
#pragma unroll
  for (unsigned i = 0; i < 2 * row_tiles; ++i) {
    if (shared.positions()[8 * i + lane / 4] < split_begin) continue;
    const MergeFactors factors = merge_sums(held.sums[i], part.sums[i], exponent);
#pragma unroll
    for (unsigned n = 0; n < Sizes<D, row_tiles>::kColumnTiles; ++n) {
#pragma unroll
      for (unsigned e = 2 * (i % 2); e < 2 * (i % 2) + 2; ++e)
        held.o[i / 2][n][e] = merge_value(held.o[i / 2][n][e], part.o[i / 2][n][e], factors);
    }
  }
}

/// Fetches what a tile's rows go on from.
template <unsigned D, unsigned row_tiles>
__device__ void fetch_held(const AttentionArguments& args, const Work& work, Held<D, row_tiles>& held) {
  using S = Sizes<D, row_tiles>;
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned warp = threadIdx.x / kWarp;
#pragma unroll
  for (unsigned i = 0; i < 2 * row_tiles; ++i) {
    const unsigned r = 8 * i + lane / 4;
    if (r >= work.row_heads) continue;
    const std::int64_t row_head = static_cast<std::int64_t>(work.entries[r / work.group].from) * args.heads +
                                  work.first_head + r % work.group;
    held.sums[i] = {args.part_sums[2 * row_head], args.part_sums[2 * row_head + 1]};
    const float* values = args.parts + row_head * D + S::kColumns * warp + 2 * (lane % 4);
#pragma unroll
    for (unsigned n = 0; n < S::kColumnTiles; ++n) {
      if (warp >= S::kValueWarps) continue;
      const uint2 pair = load8(values + 8 * n);
      held.o[i / 2][n][2 * (i % 2)] = bits_to_float(pair.x);
      held.o[i / 2][n][2 * (i % 2) + 1] = bits_to_float(pair.y);
    }
  }
}

/// Writes a row's values: to its part in the workspace, or, divided by their sum and rounded, to the shared
/// memory of the queries.
template <unsigned D, unsigned row_tiles>
__device__ void put_values(const AttentionArguments& args, const Work& work,
                           const Shared<D, row_tiles>& shared, const Held<D, row_tiles>& held) {
  using S = Sizes<D, row_tiles>;
  const unsigned lane = threadIdx.x % kWarp;
  const unsigned warp = threadIdx.x / kWarp;
  if (warp >= S::kValueWarps) return;
  auto* staged = reinterpret_cast<std::uint32_t*>(shared.queries());
  const bool odd = lane % 2 == 1;
#pragma unroll
  for (unsigned t = 0; t < row_tiles; ++t) {
    const unsigned r = 16 * t + lane / 4 + (odd ? 8 : 0);
    const float sum = odd ? held.sums[2 * t + 1].sum : held.sums[2 * t].sum;
    const int part = shared.parts()[r];
    const std::int64_t to =
        (static_cast<std::int64_t>(part) * args.heads + work.first_head + r % work.group) * D;
#pragma unroll
    for (unsigned n = 0; n < S::kColumnTiles; ++n) {
      // Lanes swap in pairs: each then has four columns of one row.
      const float(&o)[4] = held.o[t][n];
      const float left = shuffle_xor(odd ? o[0] : o[2], 1);
      const float right = shuffle_xor(odd ? o[1] : o[3], 1);
      const float four[4] = {odd ? left : o[0], odd ? right : o[1], odd ? o[2] : left, odd ? o[3] : right};
      const unsigned column = S::kColumns * warp + 8 * n + lane % 4 / 2 * 4;
      if (r >= work.row_heads) continue;
      if (part >= 0) {
        store16(args.parts + to + column, {float_to_bits(four[0]), float_to_bits(four[1]),
                                           float_to_bits(four[2]), float_to_bits(four[3])});
      } else {
        const float by = 1.0f / sum;
        std::uint32_t* words = staged + 4 * swizzled<S::kChunks>(r, column / 8) + column % 8 / 2;
        words[0] = pack_bf16(four[0] * by, four[1] * by);
        words[1] = pack_bf16(four[2] * by, four[3] * by);
      }
    }
  }
}

/// Writes the tile's results. Ends with the shared memory free.
template <unsigned D, unsigned row_tiles>
__device__ void put_results(const AttentionArguments& args, const Work& work,
                            const Shared<D, row_tiles>& shared, const Held<D, row_tiles>& held) {
  using S = Sizes<D, row_tiles>;
  put_values(args, work, shared, held);
  if (threadIdx.x < kWarp && threadIdx.x % 4 == 0) {
#pragma unroll
    for (unsigned i = 0; i < 2 * row_tiles; ++i) {
      const unsigned r = 8 * i + threadIdx.x / 4;
      if (r >= work.row_heads) continue;
      const unsigned head = work.first_head + r % work.group;
      const int part = shared.parts()[r];
      if (part >= 0) {
        float* to = args.part_sums + (static_cast<std::int64_t>(part) * args.heads + head) * 2;
        to[0] = held.sums[i].max;
        to[1] = held.sums[i].sum;
      } else if (args.lse != nullptr) {
        args.lse[head * args.rows + work.entries[r / work.group].row] = log_sum_exp(held.sums[i], args.scale);
      }
    }
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < work.row_heads * S::kChunks; i += kThreads) {
    const unsigned r = i / S::kChunks;
    if (shared.parts()[r] >= 0) continue;
    const std::int64_t row = work.entries[r / work.group].row;
    store16(args.out + (row * args.heads + work.first_head + r % work.group) * D + i % S::kChunks * 8,
            shared.queries()[swizzled<S::kChunks>(r, i % S::kChunks)]);
  }
  __syncthreads();
}

/// One tile: the keys of a split arrive while the values of the one before are summed, and the values while
/// the keys are scored.
template <unsigned D, unsigned row_tiles>
__device__ void attend(const AttentionArguments& args, const Work& work) {
  const Shared<D, row_tiles> shared;
  start_split<D>(args.layer.keys, work, args.kv_heads, 0, shared.keys());
  start_queries<D, row_tiles>(args, work, shared);
  commit_copies();
  start_split<D>(args.layer.values, work, args.kv_heads, 0, shared.values());
  commit_copies();
  Held<D, row_tiles> held;
  const bool goes_on = row_tiles == 1 && work.entries[0].from >= 0;
  if (goes_on) fetch_held<D, row_tiles>(args, work, held);
  for (int i = 0; i < work.tile.num_splits; ++i) {
    const unsigned keys = keys_of(work.tile, i);
    const int split_begin = static_cast<int>(kSplit) * (work.tile.first_split + i);
    const bool masks = split_begin + static_cast<int>(kSplit) - 1 > work.tile.first_position;
    const bool more = i + 1 < work.tile.num_splits;
    Held<D, row_tiles> part;
    {
      float s[row_tiles][kKeyTiles][4];
      wait_copies<1>();  // keys and queries
      __syncthreads();
      score<D, row_tiles>(shared, keys, s);
      mask_and_show_maxima<D, row_tiles>(shared, split_begin, masks, s);
      __syncthreads();
      if (more) start_split<D>(args.layer.keys, work, args.kv_heads, i + 1, shared.keys());
      commit_copies();
      weigh<D, row_tiles>(shared, args.exponent, s, part.sums);
    }
    wait_copies<1>();  // values
    __syncthreads();
    sum_values<D, row_tiles>(shared, keys, part.o);
#pragma unroll
    for (unsigned r = 0; r < 2 * row_tiles; ++r) {
      const float* sums = shared.sums() + 8 * r + threadIdx.x % kWarp / 4;
      constexpr unsigned kRows = Sizes<D, row_tiles>::kRows;
      part.sums[r].sum = sums[0] + sums[kRows] + sums[2 * kRows] + sums[3 * kRows];
    }
    if (i == 0 && !goes_on) {
      held = part;
    } else {
      merge_part<D, row_tiles>(shared, split_begin, args.exponent, part, held);
    }
    __syncthreads();
    if (more) start_split<D>(args.layer.values, work, args.kv_heads, i + 1, shared.values());
    commit_copies();
  }
  wait_copies<0>();
  put_results<D, row_tiles>(args, work, shared, held);
}

/// Blocks of a multiprocessor that registers leave room for: three, unless large tiles would spill.
[[nodiscard]] constexpr unsigned resident_blocks(unsigned D, unsigned row_tiles) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
  constexpr unsigned kWidest = 0;
#else
  constexpr unsigned kWidest = 64;
#endif
  return row_tiles == 1 || D <= kWidest ? 3 : 2;
}

/// Blocks take the plan's tiles, for each key head, in turn.
template <unsigned D, unsigned row_tiles>
__global__ void __launch_bounds__(kThreads, resident_blocks(D, row_tiles))
    attention_kernel(AttentionArguments args) {
  const auto* header = reinterpret_cast<const PlanHeader*>(args.plan);
  const auto* tiles = reinterpret_cast<const PlanTile*>(args.plan + header->tiles);
  if (row_tiles > 1) tiles += header->small_tiles;
  const auto count =
      static_cast<unsigned>(row_tiles > 1 ? header->large_tiles : header->small_tiles) * args.kv_heads;
  for (unsigned item = blockIdx.x; item < count; item += gridDim.x) {
    attend<D, row_tiles>(args, work_of(args, tiles[item / args.kv_heads], item % args.kv_heads));
  }
}

/// Blocks that are at work at once, or fewer where there are fewer tiles: a block that waited for another to
/// end would begin its share of the tiles when most of the GPU is done.
template <unsigned D, unsigned row_tiles>
void launch_tiles(const AttentionArguments& args, std::int64_t tiles, Stream stream) {
  if (tiles == 0) return;
  const auto* name = "attention";
  LaunchShape shape{.grid = {}, .threads = kThreads, .shared_bytes = Sizes<D, row_tiles>::kBytes};
  const std::int64_t at_once = resident_clusters(name, attention_kernel<D, row_tiles>, shape);
  shape.grid.x = static_cast<unsigned>(std::min(tiles * args.kv_heads, at_once));
  launch(name, attention_kernel<D, row_tiles>, shape, stream, args);
}

template <unsigned D>
void launch_all(const AttentionArguments& args, const AttentionSizes& limits, Stream stream) {
  launch_tiles<D, kLargeTile / 16>(args, limits.large_tiles, stream);
  launch_tiles<D, kSmallTile / 16>(args, limits.small_tiles, stream);
}

}  // namespace

void attention(const bf16* q, const std::int32_t* plan, const AttentionSizes& limits, const KvLayer& layer,
               const HeadShape& shape, std::int64_t rows, bf16* out, float* lse, float* workspace,
               Stream stream) {
  check_attention_heads("attention", shape);
  if (rows == 0) return;
  AttentionArguments args;
  args.q = q;
  args.plan = plan;
  args.layer = layer;
  args.out = out;
  args.lse = lse;
  args.parts = workspace;
  args.part_sums = workspace + limits.partials * shape.heads * shape.head_dim;
  args.rows = rows;
  args.heads = static_cast<unsigned>(shape.heads);
  args.kv_heads = static_cast<unsigned>(shape.kv_heads);
  const double scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
  args.scale = static_cast<float>(scale);
  args.exponent = static_cast<float>(scale * 1.4426950408889634);
  switch (shape.head_dim) {
    case 16:
      launch_all<16>(args, limits, stream);
      break;
    case 32:
      launch_all<32>(args, limits, stream);
      break;
    case 64:
      launch_all<64>(args, limits, stream);
      break;
    default:
      launch_all<128>(args, limits, stream);
      break;
  }
  if (limits.merges > 0) {
    const std::int64_t threads = limits.merges * shape.heads * (shape.head_dim / 8);
    const std::int64_t blocks =
        std::min<std::int64_t>(divide_up(threads, kThreads), 16 * device_info().multiprocessors);
    launch_merge(args, shape, static_cast<unsigned>(blocks), stream);
  }
}

}  // namespace reckon::cuda
