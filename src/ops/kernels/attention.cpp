// Causal attention, forward and backward: include/reckon/ops/attention.h says what is computed and in which
// order.
#include "vector_math.h"

namespace reckon::RECKON_KERNELS {
namespace {

constexpr std::int64_t kBlock = 16;
// Queries that share a load of keys, and vectors of keys that share a query: as many sums as the registers
// hold. Sums of different queries and keys do not meet, so the tile does not change a bit.
constexpr int kTile = kParts == 1 ? 8 : 4;

/// Few queries read each key once: what they wait for is memory. Tiles of more are the learner's, whose keys
/// stay in the cache.
template <int kQueries>
constexpr bool kIsDecoding = kQueries <= 4;

struct Bf16 {
  std::uint16_t bits;
};

RECKON_INLINE f32x16 load_values(const float* from) {
  return load(from);
}

RECKON_INLINE f32x16 load_values(const Bf16* from) {
  using Bits = std::uint16_t __attribute__((vector_size(32 / kParts)));
  using Wide = std::uint32_t __attribute__((vector_size(64 / kParts)));
  f32x16 v;
  for (int i = 0; i < kParts; ++i) {
    Bits bits;
    __builtin_memcpy(&bits, from + i * kPartLanes, sizeof bits);
    const Wide wide = __builtin_convertvector(bits, Wide) << 16;
    __builtin_memcpy(&v.part[i], &wide, sizeof wide);
  }
  return v;
}

template <class T>
RECKON_INLINE void prefetch(const T* from) {
  __builtin_prefetch(from, 0, 2);
}

RECKON_INLINE std::int64_t blocks_of(std::int64_t length) {
  return (length + kBlock - 1) / kBlock;
}

template <class T>
RECKON_INLINE const T* block_at(const void* base, const KvView& kv, std::int64_t block) {
  return static_cast<const T*>(base) + (kv.blocks == nullptr ? block : kv.blocks[block]) * kv.block_stride;
}

RECKON_INLINE std::int64_t longest_of(const AttentionTile& tile, int first, int count) {
  std::int64_t longest = 0;
  for (int i = first; i < first + count; ++i) longest = tile.length[i] > longest ? tile.length[i] : longest;
  return longest;
}

/// Scores of kQueries queries against kBlocks blocks of keys: scale * sum_d q[d] k[d][j], d in order.
template <int kQueries, int kBlocks, class T>
RECKON_INLINE void score_blocks(const AttentionTile& tile, int first, std::int64_t block) {
  const T* keys[kBlocks];
  const T* values[kBlocks];  // needed when the scores are there: on their way meanwhile
  for (int b = 0; b < kBlocks; ++b) {
    keys[b] = block_at<T>(tile.kv.keys, tile.kv, block + b);
    values[b] = kIsDecoding<kQueries> ? block_at<T>(tile.kv.values, tile.kv, block + b) : nullptr;
  }
  f32x16 sums[kQueries][kBlocks];
  for (auto& row : sums) {
    for (f32x16& sum : row) sum = broadcast(0.0f);
  }
  for (std::int64_t d = 0; d < tile.dim; ++d) {
    f32x16 key[kBlocks];
    for (int b = 0; b < kBlocks; ++b) {
      key[b] = load_values(keys[b] + d * kBlock);
      if (kIsDecoding<kQueries>) prefetch(values[b] + d * kBlock);
    }
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
      for (int b = 0; b < kBlocks; ++b) sums[q][b] = multiply_add(tile.q[first + q][d], key[b], sums[q][b]);
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    float* to = tile.scores + (first + q) * tile.scores_stride + block * kBlock;
    for (int b = 0; b < kBlocks; ++b) store(to + b * kBlock, sums[q][b] * tile.scale);
  }
}

template <int kQueries, class T>
void score(const AttentionTile& tile, int first) {
  constexpr int kBlocks = (kQueries >= 4 ? 2 : 4) / kParts;
  const std::int64_t blocks = blocks_of(longest_of(tile, first, kQueries));
  std::int64_t block = 0;
  for (; block + kBlocks <= blocks; block += kBlocks) score_blocks<kQueries, kBlocks, T>(tile, first, block);
  for (; block < blocks; ++block) score_blocks<kQueries, 1, T>(tile, first, block);
}

/// sum_j weight[j] values[j][d] for kVectors vectors of d, j in order; divided by total where it is given.
template <int kQueries, int kVectors, class T>
RECKON_INLINE void weigh_columns(const AttentionTile& tile, int first, std::int64_t d, const float* totals) {
  const float* weights[kQueries];
  for (int q = 0; q < kQueries; ++q) weights[q] = tile.scores + (first + q) * tile.scores_stride;
  f32x16 sums[kQueries][kVectors];
  for (auto& row : sums) {
    for (f32x16& sum : row) sum = broadcast(0.0f);
  }
  const std::int64_t longest = longest_of(tile, first, kQueries);
  for (std::int64_t j0 = 0; j0 < longest; j0 += kBlock) {
    const T* values = block_at<T>(tile.kv.values, tile.kv, j0 / kBlock) + d;
    const std::int64_t end = j0 + kBlock < longest ? j0 + kBlock : longest;
    const T* next = nullptr;
    if (kIsDecoding<kQueries> && d == 0 && j0 < tile.next_length) {
      next = block_at<T>(tile.next.keys, tile.next, j0 / kBlock);
    }
    for (std::int64_t j = j0; j < end; ++j, values += tile.dim) {
      if (kIsDecoding<kQueries> && next != nullptr) {
        for (std::int64_t line = 0; line < tile.dim; line += kBlock) prefetch(next + line);
        next += tile.dim;
      }
      f32x16 value[kVectors];
      for (int v = 0; v < kVectors; ++v) value[v] = load_values(values + v * kBlock);
#pragma GCC unroll 8
      for (int q = 0; q < kQueries; ++q) {
        for (int v = 0; v < kVectors; ++v) sums[q][v] = multiply_add(weights[q][j], value[v], sums[q][v]);
      }
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    for (int v = 0; v < kVectors; ++v) {
      float* to = tile.out[first + q] + d + v * kBlock;
      store(to, totals == nullptr ? sums[q][v] : sums[q][v] / broadcast(totals[first + q]));
    }
  }
}

template <int kQueries, class T>
void weigh(const AttentionTile& tile, int first, const float* totals) {
  constexpr int kVectors = (kQueries >= 4 ? 2 : 4) / kParts;
  std::int64_t d = 0;
  for (; d + kVectors * kBlock <= tile.dim; d += kVectors * kBlock) {
    weigh_columns<kQueries, kVectors, T>(tile, first, d, totals);
  }
  for (; d < tile.dim; d += kBlock) weigh_columns<kQueries, 1, T>(tile, first, d, totals);
}

/// Turns scores into e^(s - shift), zero from `length` to `room`, and returns their sum.
RECKON_INLINE float exponentials(float* scores, std::int64_t length, std::int64_t room, float shift) {
  f32x16 total = broadcast(0.0f);
  std::int64_t j = 0;
  for (; j + kBlock <= length; j += kBlock) {
    const f32x16 e = exp(load(scores + j) - shift);
    store(scores + j, e);
    total += e;
  }
  if (j < length) {
    const f32x16 e = select(first_lanes(length - j), exp(load(scores + j) - shift), broadcast(0.0f));
    store(scores + j, e);
    total += e;
    j += kBlock;
  }
  for (; j < room; j += kBlock) store(scores + j, broadcast(0.0f));
  return sum(total);
}

RECKON_INLINE float maximum_of(const float* scores, std::int64_t length) {
  f32x16 most = broadcast(-__builtin_inff());
  std::int64_t j = 0;
  for (; j + kBlock <= length; j += kBlock) most = maximum(most, load(scores + j));
  if (j < length) most = maximum(most, select(first_lanes(length - j), load(scores + j), most));
  return maximum(most);
}

/// Calls body.template run<N>(first) for parts of the tile that the compiler has unrolled.
template <class Body>
RECKON_INLINE void for_parts(int num_queries, const Body& body) {
  int first = 0;
  while (first < num_queries) {
    const int left = num_queries - first;
    if (kTile == 8 && left >= 8) {
      body.template run<8>(first);
      first += 8;
    } else if (kTile == 8 && left == 7) {
      body.template run<7>(first);
      first += 7;
    } else if (left >= 4) {
      body.template run<4>(first);
      first += 4;
    } else if (left >= 2) {
      body.template run<2>(first);
      first += 2;
    } else {
      body.template run<1>(first);
      first += 1;
    }
  }
}

template <class T>
struct Score {
  const AttentionTile& tile;
  template <int kQueries>
  RECKON_INLINE void run(int first) const {
    score<kQueries, T>(tile, first);
  }
};

template <class T>
struct Weigh {
  const AttentionTile& tile;
  const float* totals;
  template <int kQueries>
  RECKON_INLINE void run(int first) const {
    weigh<kQueries, T>(tile, first, totals);
  }
};

template <class T>
void attend_typed(const AttentionTile& tile) {
  for_parts(tile.num_queries, Score<T>{tile});
  const std::int64_t room = blocks_of(longest_of(tile, 0, tile.num_queries)) * kBlock;
  float totals[AttentionTile::kMostQueries];
  for (int q = 0; q < tile.num_queries; ++q) {
    float* scores = tile.scores + q * tile.scores_stride;
    const float most = maximum_of(scores, tile.length[q]);
    totals[q] = exponentials(scores, tile.length[q], room, most);
    if (tile.lse[q] != nullptr) *tile.lse[q] = most + logarithm(totals[q]);
  }
  for_parts(tile.num_queries, Weigh<T>{tile, totals});
}

/// to[j][d] += sum_q weights[q][j] rows[q][d], q in order, for kKeys keys and kVectors vectors.
template <int kKeys, int kVectors>
RECKON_INLINE void add_products(const float* weights, std::int64_t stride, const float* rows,
                                std::int64_t row_stride, std::int64_t from_query, std::int64_t queries,
                                float* to, std::int64_t dim) {
  f32x16 sums[kKeys][kVectors];
  for (int j = 0; j < kKeys; ++j) {
    for (int v = 0; v < kVectors; ++v) sums[j][v] = load(to + j * dim + v * kBlock);
  }
  for (std::int64_t q = from_query; q < queries; ++q) {
    f32x16 row[kVectors];
    for (int v = 0; v < kVectors; ++v) row[v] = load(rows + q * row_stride + v * kBlock);
#pragma GCC unroll 8
    for (int j = 0; j < kKeys; ++j) {
      for (int v = 0; v < kVectors; ++v)
        sums[j][v] = multiply_add(weights[q * stride + j], row[v], sums[j][v]);
    }
  }
  for (int j = 0; j < kKeys; ++j) {
    for (int v = 0; v < kVectors; ++v) store(to + j * dim + v * kBlock, sums[j][v]);
  }
}

/// The gradient of keys or values: to[j] += sum over the block's queries, those before key j left out (their
/// weight is 0).
void add_outer(const AttentionBackwardHead& head, std::int64_t first, std::int64_t queries,
               const float* weights, const float* rows, float* to) {
  constexpr int kKeys = kTile;
  constexpr int kVectors = 2 / kParts;
  const std::int64_t length = head.first_position + first + queries;
  for (std::int64_t j = 0; j < length; j += kKeys) {
    const std::int64_t before = j - head.first_position - first;
    const std::int64_t from = before > 0 ? before : 0;
    std::int64_t d = 0;
    for (; d + kVectors * kBlock <= head.dim; d += kVectors * kBlock) {
      add_products<kKeys, kVectors>(weights + j, head.work_stride, rows + d, head.row_stride, from, queries,
                                    to + j * head.dim + d, head.dim);
    }
    for (; d < head.dim; d += kBlock) {
      add_products<kKeys, 1>(weights + j, head.work_stride, rows + d, head.row_stride, from, queries,
                             to + j * head.dim + d, head.dim);
    }
  }
}

RECKON_INLINE float inner_product(const float* a, const float* b, std::int64_t dim) {
  f32x16 total = broadcast(0.0f);
  for (std::int64_t d = 0; d < dim; d += kBlock) total = multiply_add(load(a + d), load(b + d), total);
  return sum(total);
}

/// Scores of a tile of the block against the keys, and of dout against the values; then p and
/// ds = p (dout v - dout . out) scale in their place, and dq = ds k.
template <class T>
void backward_tile(const AttentionBackwardHead& head, std::int64_t first, int count, float* p, float* ds) {
  AttentionTile tile;
  tile.num_queries = count;
  tile.dim = head.dim;
  tile.scores_stride = head.work_stride;
  for (int i = 0; i < count; ++i) tile.length[i] = head.first_position + first + i + 1;
  const std::int64_t room = blocks_of(tile.length[count - 1]) * kBlock;

  tile.scale = head.scale;
  tile.kv = head.kv;
  tile.scores = p;
  for (int i = 0; i < count; ++i) tile.q[i] = head.q + (first + i) * head.row_stride;
  for_parts(count, Score<T>{tile});

  tile.scale = 1.0f;
  tile.kv = {head.value_columns, nullptr, nullptr, head.dim * kBlock, false};
  tile.scores = ds;
  for (int i = 0; i < count; ++i) tile.q[i] = head.dout + (first + i) * head.row_stride;
  for_parts(count, Score<float>{tile});

  for (int i = 0; i < count; ++i) {
    const std::int64_t at = (first + i) * head.row_stride;
    float* weights = p + i * head.work_stride;
    float* slopes = ds + i * head.work_stride;
    exponentials(weights, tile.length[i], room, head.lse[(first + i) * head.lse_stride]);
    const float mean = inner_product(head.dout + at, head.out + at, head.dim);
    for (std::int64_t j = 0; j < room; j += kBlock) {
      store(slopes + j, load(weights + j) * (load(slopes + j) - mean) * head.scale);
    }
    tile.out[i] = head.dq + at;
  }
  tile.kv = {nullptr, head.key_rows, nullptr, head.dim * kBlock, false};
  for_parts(count, Weigh<float>{tile, nullptr});
}

template <class T>
void attend_backward_typed(const AttentionBackwardHead& head) {
  constexpr std::int64_t kQueries = AttentionBackwardHead::kQueryBlock;
  float* p = head.work;
  float* ds = head.work + kQueries * head.work_stride;
  for (std::int64_t first = 0; first < head.count; first += kQueries) {
    const std::int64_t queries = head.count - first < kQueries ? head.count - first : kQueries;
    const std::int64_t room = blocks_of(head.first_position + first + queries) * kBlock;
    for (std::int64_t i = 0; i < queries; i += AttentionTile::kMostQueries) {
      const std::int64_t count =
          queries - i < AttentionTile::kMostQueries ? queries - i : AttentionTile::kMostQueries;
      float* tile_p = p + i * head.work_stride;
      float* tile_ds = ds + i * head.work_stride;
      backward_tile<T>(head, first + i, static_cast<int>(count), tile_p, tile_ds);
      // Keys that later rows of the block see and these do not.
      const std::int64_t seen = blocks_of(head.first_position + first + i + count) * kBlock;
      for (std::int64_t row = 0; row < count; ++row) {
        for (std::int64_t j = seen; j < room; j += kBlock) {
          store(tile_p + row * head.work_stride + j, broadcast(0.0f));
          store(tile_ds + row * head.work_stride + j, broadcast(0.0f));
        }
      }
    }
    add_outer(head, first, queries, ds, head.q + first * head.row_stride, head.dk);
    add_outer(head, first, queries, p, head.dout + first * head.row_stride, head.dv);
  }
}

}  // namespace

void attend(const AttentionTile& tile) {
  tile.kv.is_bf16 ? attend_typed<Bf16>(tile) : attend_typed<float>(tile);
}

void attend_backward(const AttentionBackwardHead& head) {
  head.kv.is_bf16 ? attend_backward_typed<Bf16>(head) : attend_backward_typed<float>(head);
}

}  // namespace reckon::RECKON_KERNELS
