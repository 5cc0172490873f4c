#pragma once

// A row of V logits as every kernel of losses and sampling reads it: the largest, the sums, and what follows
// from them. All threads of the blocks that share a row call these functions together.
#include "device.h"
#include "row_plan.h"

namespace reckon::cuda {

inline constexpr unsigned kRowWarps = kRowThreads / kWarp;
/// Blocks of a multiprocessor that a kernel's registers leave room for. Before sm_90 the shared path is
/// compiled, too, but never run: it may have all of them.
[[nodiscard]] constexpr unsigned resident_blocks(RowPath path, unsigned wanted) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
  return path == RowPath::shared ? 1 : wanted;
#else
  (void)path;
  return wanted;
#endif
}

inline constexpr double kLn2 = 0.69314718055994530942;
inline constexpr double kLog2e = 1.44269504088896340736;
inline constexpr std::uint32_t kNothing = 0xff80ff80U;  // two -inf

/// A token and its score, for the largest of a row.
struct Candidate {
  double score;
  std::uint32_t token;
};

struct WarpSums {
  std::uint32_t most;  // a pair
  float totals[3];
};
union OfWarp {
  WarpSums sums;
  Candidate best;
};

/// What a coefficient and the sums make of each logit's gradient: e (factor + tilt y), with e = 2^y and y the
/// exponent of Exponents; at the token `token` is added.
struct Slope {
  float factor = 0;
  float tilt = 0;
  float token = 0;
};

/// Beside the slice in shared memory. Blocks of the cluster write `most`, `totals` and `best` into each
/// other's; a cluster_sync lies between any reading of one of them and the next writing.
struct RowScratch {
  BulkBarrier barrier;
  std::uint32_t most[2][kMostSlices];  // of up to two rows
  float totals[kMostSlices][3];
  OfWarp warps[kRowWarps];
  Candidate best[kMostSlices];
  Slope slope;
  float values[16];  // of the row, as a kernel needs them
};
static_assert(sizeof(RowScratch) <= kScratchBytes);

/// The slices of a row that this block works on: one, or on the streaming path all.
template <RowPath path>
struct RowPart {
  const RowPlan& plan;
  const bf16* logits;  // the whole row, in global memory
  uint4* held;         // the slice, on the shared path

  [[nodiscard]] __device__ int first_slice() const {
    return path == RowPath::shared ? static_cast<int>(cluster_rank()) : 0;
  }
  [[nodiscard]] __device__ int end_slice() const {
    return path == RowPath::shared ? static_cast<int>(cluster_rank()) + 1 : plan.slices;
  }
  [[nodiscard]] __device__ int chunks(int slice) const {
    const int left = (plan.vocab + kChunk - 1) / kChunk - slice * plan.slice_chunks;
    return left < plan.slice_chunks ? left : plan.slice_chunks;
  }
  /// Chunk i of a slice; -inf behind the vocabulary.
  [[nodiscard]] __device__ uint4 chunk(int slice, int i) const {
    if constexpr (path == RowPath::shared) {
      return held[i];
    } else {
      const int at = slice * plan.slice_chunks + i;
      const uint4 values = load16(logits + std::int64_t{at} * kChunk);
      const int left = plan.vocab - at * kChunk;
      return left < kChunk ? without_tail(values, left) : values;
    }
  }
  /// The first `left` values, then -inf.
  [[nodiscard]] static __device__ uint4 without_tail(uint4 values, int left) {
    const auto word = [&](std::uint32_t pair, int first) {
      if (left <= first) return kNothing;
      return left == first + 1 ? (pair & 0xffffU) | (kNothing & 0xffff0000U) : pair;
    };
    return {word(values.x, 0), word(values.y, 2), word(values.z, 4), word(values.w, 6)};
  }
  /// Whether a token is in a slice of this block.
  [[nodiscard]] __device__ bool has(std::uint32_t token) const {
    const std::int64_t values = std::int64_t{plan.slice_chunks} * kChunk;
    return token >= first_slice() * values && token < end_slice() * values &&
           token < static_cast<std::uint32_t>(plan.vocab);
  }
};

/// Asks for the block's slice; by one thread, after barrier_expect().
__device__ inline void start_load(const RowPart<RowPath::shared>& part, BulkBarrier* barrier) {
  constexpr int kPiece = 1024;  // chunks
  const int slice = part.first_slice();
  const int chunks = part.chunks(slice);
  const bf16* from = part.logits + std::int64_t{slice} * part.plan.slice_chunks * kChunk;
  for (int i = 0; i < chunks; i += kPiece) {
    const int count = chunks - i < kPiece ? chunks - i : kPiece;
    bulk_load(part.held + i, from + std::int64_t{i} * kChunk, static_cast<std::uint32_t>(count) * 16,
              barrier);
  }
}
__device__ inline std::uint32_t load_bytes(const RowPart<RowPath::shared>& part) {
  return static_cast<std::uint32_t>(part.chunks(part.first_slice())) * 16;
}
/// When the slice is there: puts -inf behind the vocabulary. The thread that reads the last chunk does it.
__device__ inline void mask_tail(const RowPart<RowPath::shared>& part) {
  const int slice = part.first_slice();
  const int last = part.chunks(slice) - 1;
  const int left = part.plan.vocab - (slice * part.plan.slice_chunks + last) * kChunk;
  if (left < kChunk && threadIdx.x == static_cast<unsigned>(last) % kRowThreads)
    part.held[last] = part.without_tail(part.held[last], left);
}

/// Asks for the rows' slices, to be in shared memory after await_rows().
template <RowPath path, class... Parts>
__device__ inline void start_rows(RowScratch& scratch, const Parts&... parts) {
  if constexpr (path == RowPath::shared) {
    if (threadIdx.x > 0) return;
    barrier_expect(&scratch.barrier, (load_bytes(parts) + ...));
    (start_load(parts, &scratch.barrier), ...);
  }
}
/// \param round  counts the loads of this barrier
template <RowPath path, class... Parts>
__device__ inline void await_rows(RowScratch& scratch, unsigned& round, const Parts&... parts) {
  if constexpr (path == RowPath::shared) {
    barrier_wait(&scratch.barrier, round % 2);
    ++round;
    (mask_tail(parts), ...);
  }
}
/// When all threads are done with what start_rows() brought.
template <RowPath path>
__device__ inline void release_rows() {
  if constexpr (path == RowPath::shared) fence_before_bulk();
  __syncthreads();
}

/// The largest logit of a row, NaN where one is. \param which  0, or 1 for a second row before row_sums()
template <RowPath path>
__device__ inline float row_max(const RowPart<path>& part, RowScratch& scratch, int which = 0) {
  std::uint32_t most = kNothing;
  for (int slice = part.first_slice(); slice < part.end_slice(); ++slice) {
    const int chunks = part.chunks(slice);
    for (int i = static_cast<int>(threadIdx.x); i < chunks; i += static_cast<int>(kRowThreads)) {
      const uint4 c = part.chunk(slice, i);
      most = max_bf16x2(most, max_bf16x2(max_bf16x2(c.x, c.y), max_bf16x2(c.z, c.w)));
    }
  }
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2) most = max_bf16x2(most, shuffle_xor(most, apart));
  if (threadIdx.x % kWarp == 0) scratch.warps[threadIdx.x / kWarp].sums.most = most;
  __syncthreads();
  if (threadIdx.x < cluster_size()) {
    for (const OfWarp& warp : scratch.warps) most = max_bf16x2(most, warp.sums.most);
    *in_cluster_block(&scratch.most[which][cluster_rank()], threadIdx.x) = most;
  }
  cluster_sync();
  most = scratch.most[which][0];
  for (unsigned rank = 1; rank < cluster_size(); ++rank) most = max_bf16x2(most, scratch.most[which][rank]);
  return low_bf16(max_bf16x2(most, most >> 16 | most << 16));
}

/// y = (x - most) log2(e) / T: 0 for the largest logit, so that no sum is below 1, no log-probability above
/// 0.
struct Exponents {
  float scale;
  float most;
  [[nodiscard]] __device__ float of(float x) const { return (x - most) * scale; }
  /// Finite where the logit is -inf; 2^y is 0 all the same.
  [[nodiscard]] __device__ float bounded(float x) const { return fmaxf(of(x), -200.0f); }
};

/// Sums over a row, in the order that the plan gives. \param add  adds chunk i of a slice to the two halves
/// of the thread's sums: (slice, i, float (&even)[n], float (&odd)[n])
template <int n, RowPath path, class Add>
__device__ inline void row_sums(const RowPart<path>& part, RowScratch& scratch, const Add& add,
                                float (&sums)[n]) {
  for (int slice = part.first_slice(); slice < part.end_slice(); ++slice) {
    float even[n] = {};
    float odd[n] = {};
    const int chunks = part.chunks(slice);
    for (int i = static_cast<int>(threadIdx.x); i < chunks; i += static_cast<int>(kRowThreads))
      add(slice, i, even, odd);
    for (int j = 0; j < n; ++j) {
      const float sum = warp_sum(even[j] + odd[j]);
      if (threadIdx.x % kWarp == 0) scratch.warps[threadIdx.x / kWarp].sums.totals[j] = sum;
    }
    __syncthreads();
    if (threadIdx.x < cluster_size()) {
      float* to = in_cluster_block(scratch.totals[slice], threadIdx.x);
      for (int j = 0; j < n; ++j) {
        float sum = scratch.warps[0].sums.totals[j];
        for (unsigned warp = 1; warp < kRowWarps; ++warp) sum += scratch.warps[warp].sums.totals[j];
        to[j] = sum;
      }
    }
    if (slice + 1 < part.end_slice()) __syncthreads();
  }
  cluster_sync();
  for (int j = 0; j < n; ++j) {
    sums[j] = scratch.totals[0][j];
    for (int slice = 1; slice < part.plan.slices; ++slice) sums[j] += scratch.totals[slice][j];
  }
}

/// sum_v e_v and sum_v e_v y_v.
struct SoftmaxSums {
  float total = 0;
  float weighted = 0;
};
template <RowPath path>
__device__ inline SoftmaxSums softmax_sums(const RowPart<path>& part, RowScratch& scratch,
                                           Exponents exponents) {
  const auto add_value = [&](float x, float(&sums)[2]) {
    const float y = exponents.bounded(x);
    const float e = fast_exp2(y);
    sums[0] += e;
    sums[1] = fmaf(e, y, sums[1]);
  };
  const auto add = [&](int slice, int i, float(&even)[2], float(&odd)[2]) {
    const uint4 c = part.chunk(slice, i);
    for (const std::uint32_t pair : {c.x, c.y, c.z, c.w}) {
      add_value(low_bf16(pair), even);
      add_value(high_bf16(pair), odd);
    }
  };
  float sums[2];
  row_sums(part, scratch, add, sums);
  return {sums[0], sums[1]};
}

/// Of a token in its row, nats. One thread's work: float64.
struct TokenStatistics {
  float logprob = 0;
  float entropy = 0;
  float lse = 0;
};
__device__ inline TokenStatistics token_statistics(float token_logit, Exponents exponents, SoftmaxSums sums) {
  const double log_total = log(static_cast<double>(sums.total));
  const double y = exponents.of(token_logit);
  const double most = static_cast<double>(exponents.most) * static_cast<double>(exponents.scale);
  return {static_cast<float>(kLn2 * y - log_total),
          static_cast<float>(log_total - kLn2 * static_cast<double>(sums.weighted / sums.total)),
          static_cast<float>(kLn2 * most + log_total)};
}
__device__ inline void write_token(const TokenOutputs& out, std::int64_t row, const TokenStatistics& token) {
  if (out.logprob != nullptr) out.logprob[row] = token.logprob;
  if (out.entropy != nullptr) out.entropy[row] = token.entropy;
  if (out.lse != nullptr) out.lse[row] = token.lse;
}
/// The token's logit; NaN for an id that the vocabulary does not have.
__device__ inline float logit_of(const bf16* row, std::uint32_t token, int vocab) {
  return token < static_cast<std::uint32_t>(vocab) ? to_float(row[token]) : bits_to_float(0x7fc00000U);
}

/// A row's gradient, chunk by chunk. \param values  (slice, i): the four words of chunk i
template <RowPath path, class Values>
__device__ inline void write_row(const RowPart<path>& part, bf16* row, const Values& values) {
  for (int slice = part.first_slice(); slice < part.end_slice(); ++slice) {
    bf16* to = row + std::int64_t{slice} * part.plan.slice_chunks * kChunk;
    const int left = part.plan.vocab - slice * part.plan.slice_chunks * kChunk;
    const int chunks = part.chunks(slice);
    const int whole = left / kChunk < chunks ? left / kChunk : chunks;
    for (int i = static_cast<int>(threadIdx.x); i < whole; i += static_cast<int>(kRowThreads))
      store16_streaming(to + std::int64_t{i} * kChunk, values(slice, i));
    if (whole == chunks || threadIdx.x != static_cast<unsigned>(whole) % kRowThreads) continue;
    // What of the last chunk belongs to the vocabulary.
    const uint4 c = values(slice, whole);
    const std::uint32_t words[4] = {c.x, c.y, c.z, c.w};
    for (int j = 0; j < kChunk - 1; ++j) {
      if (j < left % kChunk)
        to[whole * kChunk + j].bits = static_cast<std::uint16_t>(words[j / 2] >> (j % 2 * 16));
    }
  }
}
/// Whether write_row() writes a token's value from this thread, so that the thread may write it again.
template <RowPath path>
__device__ inline bool writes_token(const RowPart<path>& part, std::uint32_t token) {
  return part.has(token) &&
         static_cast<int>(token / kChunk) % part.plan.slice_chunks % static_cast<int>(kRowThreads) ==
             static_cast<int>(threadIdx.x);
}
template <RowPath path>
__device__ inline void write_zeros(const RowPart<path>& part, bf16* row) {
  write_row(part, row, [](int, int) { return uint4{0, 0, 0, 0}; });
}

}  // namespace reckon::cuda
