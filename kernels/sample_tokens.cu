// sample_tokens() of sample.h: 2 bytes a logit.
#include "logit_row.h"
#include "row_launch.h"

namespace reckon::cuda {
namespace {

/// Philox4x32-10, as philox4x32() of reckon/base/philox.h.
__device__ inline uint4 philox(uint4 counter, const std::uint32_t (&key)[2]) {
  std::uint32_t key0 = key[0];
  std::uint32_t key1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter.x;
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter.z;
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter.y ^ key0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter.w ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

/// One row's draw. A token's score is x / T + g, g = -log(-log(u)) with u = (word + 1/2) 2^-32; g is at most
/// -log(1 - u), so that e^score is at most e^(x / T) / (1 - u), which is cheap in float32. Only tokens whose
/// bound reaches the best score are scored in float64.
struct Draw {
  DrawKey key;
  Exponents exponents;
  double temperature;
  double shift;   // what e is relative to: the largest x / T
  double margin;  // what float32 bounds can lack
  float least;    // a token whose bound is below is not the best

  [[nodiscard]] __device__ uint4 words_of(std::uint32_t quarter) const {
    return philox({quarter, key.position, key.visit, key.sample_index}, key.key);
  }
  /// e^(score - shift), less the margin.
  [[nodiscard]] __device__ float least_for(double score) const {
    return static_cast<float>(exp(score - shift - margin));
  }
  [[nodiscard]] __device__ float weight_of(float x) const { return fast_exp2(exponents.of(x)); }
  /// Also where a number is NaN: then float64 decides.
  [[nodiscard]] __device__ bool can_win(float x, std::uint32_t word) const {
    const float rest = (static_cast<float>(~word) + 0.5f) * 0x1.0p-32f;  // 1 - u
    return !(weight_of(x) < least * rest);
  }
  [[nodiscard]] __device__ double score(float x, std::uint32_t word) const {
    const double uniform = (static_cast<double>(word) + 0.5) * 0x1.0p-32;
    return static_cast<double>(x) / temperature - log(-log(uniform));
  }
};

/// Ties go to the lower id; a score that is NaN or -inf never wins.
__device__ inline void take_better(Candidate& best, const Candidate& other) {
  if (other.score > best.score ||
      (other.score == best.score && other.token < best.token && other.score > -HUGE_VAL))
    best = other;
}

/// \param at  of the row's chunks
__device__ inline void draw_from_chunk(Draw& draw, Candidate& best, uint4 chunk, std::uint32_t at,
                                       bool is_mine) {
  const std::uint32_t pairs[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
  for (unsigned half = 0; half < 2; ++half) {
    const std::uint32_t first = pairs[2 * half];
    const std::uint32_t second = pairs[2 * half + 1];
    const uint4 words = draw.words_of(2 * at + half);
    const bool can = draw.can_win(low_bf16(first), words.x) || draw.can_win(high_bf16(first), words.y) ||
                     draw.can_win(low_bf16(second), words.z) || draw.can_win(high_bf16(second), words.w);
    if (ballot(is_mine && can) == 0) continue;
    // Rare: once more token by token, so that each score can spare the next.
    for (unsigned j = 0; j < 4; ++j) {
      const std::uint32_t pair = j < 2 ? first : second;
      const float x = j % 2 == 0 ? low_bf16(pair) : high_bf16(pair);
      const std::uint32_t word = j == 0 ? words.x : j == 1 ? words.y : j == 2 ? words.z : words.w;
      if (is_mine && draw.can_win(x, word)) take_better(best, {draw.score(x, word), 8 * at + 4 * half + j});
      const float least = warp_max(draw.least_for(best.score));
      draw.least = fmaxf(draw.least, least);
    }
  }
}

/// The thread's best of a row. All lanes of a warp take the same way.
template <RowPath path>
__device__ inline Candidate draw_from_row(const RowPart<path>& part, Draw draw) {
  Candidate best{-HUGE_VAL, ~0U};
  for (int slice = part.first_slice(); slice < part.end_slice(); ++slice) {
    const int chunks = part.chunks(slice);
    for (int first = 0; first < chunks; first += static_cast<int>(kRowThreads)) {
      const int i = first + static_cast<int>(threadIdx.x);
      const bool is_mine = i < chunks;
      const uint4 c = is_mine ? part.chunk(slice, i) : uint4{kNothing, kNothing, kNothing, kNothing};
      const std::uint32_t pair = max_bf16x2(max_bf16x2(c.x, c.y), max_bf16x2(c.z, c.w));
      const float most = low_bf16(max_bf16x2(pair, pair >> 16 | pair << 16));
      // 1 - u is at least 2^-33: most chunks of a trained model's rows cannot win with any word.
      const bool can = is_mine && !(draw.weight_of(most) < draw.least * 0x1.0p-33f);
      if (ballot(can) == 0) continue;
      const int at = slice * part.plan.slice_chunks + i;
      draw_from_chunk(draw, best, c, static_cast<std::uint32_t>(at), is_mine);
    }
  }
  return best;
}

/// The first token of the largest logit among the thread's.
template <RowPath path>
__device__ inline Candidate first_of(const RowPart<path>& part, float most) {
  Candidate best{-HUGE_VAL, ~0U};
  for (int slice = part.first_slice(); slice < part.end_slice(); ++slice) {
    const int chunks = part.chunks(slice);
    for (int i = static_cast<int>(threadIdx.x); i < chunks; i += static_cast<int>(kRowThreads)) {
      const uint4 c = part.chunk(slice, i);
      auto token = static_cast<std::uint32_t>((slice * part.plan.slice_chunks + i) * kChunk);
      for (const std::uint32_t pair : {c.x, c.y, c.z, c.w}) {
        if (low_bf16(pair) == most) take_better(best, {0, token});
        if (high_bf16(pair) == most) take_better(best, {0, token + 1});
        token += 2;
      }
    }
  }
  return best;
}

/// The best over the cluster; the first block's thread 0 has the result.
__device__ inline Candidate best_of_row(Candidate best, RowScratch& scratch) {
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2)
    take_better(best, {shuffle_xor(best.score, apart), shuffle_xor(best.token, apart)});
  if (threadIdx.x % kWarp == 0) scratch.warps[threadIdx.x / kWarp].best = best;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (const OfWarp& warp : scratch.warps) take_better(best, warp.best);
    *in_cluster_block(&scratch.best[cluster_rank()], 0) = best;
  }
  cluster_sync();
  if (threadIdx.x == 0 && cluster_rank() == 0) {
    for (unsigned rank = 1; rank < cluster_size(); ++rank) take_better(best, scratch.best[rank]);
  }
  return best;
}

struct SampleTask {
  RowPlan plan;
  LogitRows logits;
  const DrawKey* keys = nullptr;
  float scale = 0;  // log2(e) / T
  double temperature = 0;
  std::uint32_t* token_ids = nullptr;
  TokenOutputs out;
};

__device__ inline Draw draw_of(const DrawKey& key, Exponents exponents, double temperature) {
  // The largest logit's score is at least its x / T - log(-log(2^-33)); bounds are float32: x / T is rounded
  // to 2^-23 of its distance to the largest, e^x to 2 units in the last place.
  constexpr double kLeastGumbel = -3.1301;
  const double shift = static_cast<double>(exponents.most) / temperature;
  const double margin = 1e-4 + 1e-6 * (fabs(shift) + 100.0);
  Draw draw{key, exponents, temperature, shift, margin, 0};
  draw.least = fmaxf(draw.least_for(shift + kLeastGumbel), 0.0f);
  return draw;
}

template <RowPath path>
__global__ void __launch_bounds__(kRowThreads, resident_blocks(path, 2)) sample_kernel(SampleTask task) {
  auto& scratch = *shared_memory<RowScratch>();
  auto* held = shared_memory<uint4>() + kScratchBytes / 16;
  if (threadIdx.x == 0) barrier_init(&scratch.barrier);
  cluster_sync();  // the barrier is there, and all blocks are

  unsigned round = 0;
  for (std::int64_t row = blockIdx.x / cluster_size(); row < task.logits.rows;
       row += gridDim.x / cluster_size()) {
    const bf16* logits = task.logits.logits + row * task.logits.stride;
    const RowPart<path> part{task.plan, logits, held};
    start_rows<path>(scratch, part);
    const DrawKey key = task.keys[row];
    await_rows<path>(scratch, round, part);
    const float most = row_max(part, scratch);
    const Exponents exponents{task.scale, most};
    const SoftmaxSums sums = softmax_sums(part, scratch, exponents);
    const Candidate mine = key.greedy != 0 ? first_of(part, most)
                                           : draw_from_row(part, draw_of(key, exponents, task.temperature));
    const Candidate best = best_of_row(mine, scratch);
    if (threadIdx.x == 0 && cluster_rank() == 0) {
      const std::uint32_t token = best.token == ~0U ? 0 : best.token;  // nothing can be drawn
      task.token_ids[row] = token;
      write_token(task.out, row, token_statistics(logit_of(logits, token, task.plan.vocab), exponents, sums));
    }
    release_rows<path>();
  }
}

}  // namespace

void sample_tokens(const RowPlan& plan, const LogitRows& logits, const DrawKey* keys, float temperature,
                   std::uint32_t* token_ids, const TokenOutputs& out, Stream stream) {
  const double exact = temperature;
  const auto scale = static_cast<float>(kLog2e * (1.0 / exact));
  launch_rows("sample_tokens", sample_kernel<RowPath::shared>, sample_kernel<RowPath::streaming>, plan,
              logits.rows, stream, SampleTask{plan, logits, keys, scale, exact, token_ids, out});
}

void sample_tokens(const LogitRows& logits, const DrawKey* keys, float temperature, std::uint32_t* token_ids,
                   const TokenOutputs& out, Stream stream) {
  check_rows("sample_tokens", logits, temperature);
  require(logits.rows == 0 || (keys != nullptr && token_ids != nullptr), "sample_tokens",
          "keys or token_ids is null (need both)");
  sample_tokens(plan_row(logits.vocab, device_info()), logits, keys, temperature, token_ids, out, stream);
}

}  // namespace reckon::cuda
