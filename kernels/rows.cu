// Rows picked from a matrix and added back to it, and rounding (reckon/cuda/elementwise.h).
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/elementwise.h"
#include "values.h"

namespace reckon::cuda {
namespace {

__global__ void gather_rows_kernel(const bf16* from, const std::int32_t* rows, std::int64_t width, bf16* to) {
  const bf16* row = from + rows[blockIdx.x] * width;
  for (std::int64_t column = 8 * threadIdx.x; column < width; column += 8 * blockDim.x)
    store16(to + blockIdx.x * width + column, load16(row + column));
}

constexpr unsigned kThreads = 256;
constexpr int kRowsOfBlock = 16;

struct Scatter {
  const float* from;
  const std::int32_t* rows;
  std::int64_t count, width;
  float* to;
};

/// What the blocks of scatter_add_rows_kernel() note in shared memory.
struct ScatterNotes {
  std::int32_t is_named_before[kRowsOfBlock];
  std::int32_t is_named_after[kRowsOfBlock];
  std::uint32_t found[kThreads / kWarp];
};

/// Calls visit(j) for j = i and for each later j that names the same row, in order. All threads of the block
/// look for such names together, kThreads of them at a time.
template <class Visit>
__device__ void for_same_name(const Scatter& s, std::int64_t i, ScatterNotes& notes, const Visit& visit) {
  const std::int32_t row = s.rows[i];
  for (std::int64_t first = i; first < s.count; first += kThreads) {
    const std::int64_t mine = first + threadIdx.x;
    const std::uint32_t found = ballot(mine < s.count && s.rows[mine] == row);
    __syncthreads();  // those found before have been visited
    if (threadIdx.x % kWarp == 0) notes.found[threadIdx.x / kWarp] = found;
    __syncthreads();
    for (unsigned warp = 0; warp < kThreads / kWarp; ++warp) {
      const std::uint32_t names = notes.found[warp];
      if (names == 0) continue;
      for (unsigned lane = 0; lane < kWarp; ++lane) {
        if ((names >> lane & 1) != 0) visit(first + warp * kWarp + lane);
      }
    }
  }
}

/// to[rows[i]] += from[j] for j = i and, where others follow, for each later j that names the same row.
/// Called by all threads of the block.
__device__ void add_to_row(const Scatter& s, std::int64_t i, bool others_follow, ScatterNotes& notes) {
  for (std::int64_t first = 0; first < s.width; first += 4 * kThreads) {
    const std::int64_t column = first + 4 * threadIdx.x;
    const bool is_here = column < s.width;
    float* to = s.to + s.rows[i] * s.width + column;
    Values<4> sum = {};
    if (is_here) sum = load_values<4>(to);
    const auto add = [&](std::int64_t j) {
      if (!is_here) return;
      const Values<4> value = load_values<4>(s.from + j * s.width + column);
      for (int k = 0; k < 4; ++k) sum.at[k] += value.at[k];
    };
    if (others_follow) {
      for_same_name(s, i, notes, add);
    } else {
      add(i);
    }
    if (is_here) store_values(to, sum);
  }
}

/// A row of `to` is written by one block, that of the first i which names it. Each block looks through all
/// names for those of its own kRowsOfBlock rows.
__global__ void scatter_add_rows_kernel(Scatter s) {
  auto& notes = *shared_memory<ScatterNotes>();
  if (threadIdx.x < unsigned{kRowsOfBlock})
    notes.is_named_before[threadIdx.x] = notes.is_named_after[threadIdx.x] = 0;
  __syncthreads();
  const std::int64_t first = std::int64_t{blockIdx.x} * kRowsOfBlock;
  std::int32_t mine[kRowsOfBlock];
  for (int r = 0; r < kRowsOfBlock; ++r) mine[r] = first + r < s.count ? s.rows[first + r] : -1;
  for (std::int64_t j = threadIdx.x; j < s.count; j += kThreads) {
    const std::int32_t row = s.rows[j];
    bool is_ours = false;
    for (int r = 0; r < kRowsOfBlock; ++r) is_ours |= row == mine[r];
    if (!is_ours) continue;
    for (int r = 0; r < kRowsOfBlock; ++r) {
      if (row == mine[r] && j != first + r)
        (j < first + r ? notes.is_named_before : notes.is_named_after)[r] = 1;
    }
  }
  __syncthreads();
  for (int r = 0; r < kRowsOfBlock && first + r < s.count; ++r) {
    if (notes.is_named_before[r] == 0) add_to_row(s, first + r, notes.is_named_after[r] != 0, notes);
  }
}

constexpr std::int64_t kRoundedByBlock = 4096;

__global__ void round_to_bf16_kernel(const float* from, std::int64_t count, bf16* to) {
  const std::int64_t first = blockIdx.x * kRoundedByBlock + 4 * threadIdx.x;
  for (std::int64_t past = 0; past < kRoundedByBlock; past += 4 * kThreads) {
    const std::int64_t at = first + past;
    if (at + 4 <= count) {
      store_values(to + at, load_values<4>(from + at));
    } else {
      for (std::int64_t i = at; i < count; ++i) to[i] = to_bf16(from[i]);
    }
  }
}

}  // namespace

void gather_rows(const bf16* from, const std::int32_t* rows, std::int64_t count, std::int64_t width, bf16* to,
                 Stream stream) {
  require_multiple("gather_rows", "width", width, 8);
  if (count == 0) return;
  launch("gather_rows", gather_rows_kernel,
         {.grid = {static_cast<unsigned>(count)}, .threads = threads_for(width / 8, 512)}, stream, from, rows,
         width, to);
}

void scatter_add_rows(const float* from, const std::int32_t* rows, std::int64_t count, std::int64_t width,
                      float* to, Stream stream) {
  require_multiple("scatter_add_rows", "width", width, 8);
  if (count == 0) return;
  launch("scatter_add_rows", scatter_add_rows_kernel,
         {.grid = {static_cast<unsigned>(divide_up(count, kRowsOfBlock))},
          .threads = kThreads,
          .shared_bytes = sizeof(ScatterNotes)},
         stream, Scatter{from, rows, count, width, to});
}

void round_to_bf16(const float* from, std::int64_t count, bf16* to, Stream stream) {
  require_aligned("round_to_bf16", "from", from, 16);
  require_aligned("round_to_bf16", "to", to, 8);
  if (count == 0) return;
  launch("round_to_bf16", round_to_bf16_kernel,
         {.grid = {static_cast<unsigned>(divide_up(count, kRoundedByBlock))}, .threads = kThreads}, stream,
         from, count, to);
}

}  // namespace reckon::cuda
