// The sum of squares in float64 (reckon/cuda/optimizer.h).
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/optimizer.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kThreads = 512;
constexpr std::int64_t kBlockValues = 65536;
constexpr int kAtOnce = 4;  // loads of a thread under way

__device__ inline double add_square(double sum, float value) {
  return fma(static_cast<double>(value), static_cast<double>(value), sum);
}

/// Zeros from `end` on.
__device__ inline Values<4> load_below(const float* values, std::int64_t at, std::int64_t end) {
  if (at + 4 <= end) return floats_of(load16_streaming(values + at));
  Values<4> four = {};
  for (int i = 0; i < 4; ++i) {
    if (at + i < end) four.at[i] = values[at + i];
  }
  return four;
}

/// A block's values: four sums a thread, then the threads along block_sum()'s tree.
__global__ void sum_block_squares(const float* values, std::int64_t count, double* sums) {
  const std::int64_t first = blockIdx.x * kBlockValues;
  const std::int64_t past = first + kBlockValues;
  const std::int64_t end = past < count ? past : count;
  double sum[4] = {};
  for (std::int64_t at = first + 4 * threadIdx.x; at < end; at += kAtOnce * 4 * kThreads) {
    Values<4> fours[kAtOnce];
    for (int r = 0; r < kAtOnce; ++r) fours[r] = load_below(values, at + r * 4 * kThreads, end);
    for (int r = 0; r < kAtOnce; ++r) {
      for (int i = 0; i < 4; ++i) sum[i] = add_square(sum[i], fours[r].at[i]);
    }
  }
  const double total = block_sum((sum[0] + sum[1]) + (sum[2] + sum[3]), shared_memory<double>());
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

__global__ void add_block_sums(const double* sums, std::int64_t blocks, double* to) {
  double sum = 0;
  for (std::int64_t block = threadIdx.x; block < blocks; block += kThreads) sum += sums[block];
  sum = block_sum(sum, shared_memory<double>());
  if (threadIdx.x == 0) *to = sum;
}

}  // namespace

void sum_of_squares(const float* values, std::int64_t count, double* sum, double* workspace, Stream stream) {
  require_aligned("sum_of_squares", "values", values, 16);
  const std::int64_t blocks = sum_of_squares_workspace(count);
  if (blocks > 0) {
    launch("sum_of_squares", sum_block_squares,
           {.grid = {static_cast<unsigned>(blocks)},
            .threads = kThreads,
            .shared_bytes = kThreads / kWarp * sizeof(double)},
           stream, values, count, workspace);
  }
  launch("sum_of_squares", add_block_sums,
         {.grid = {1}, .threads = kThreads, .shared_bytes = kThreads / kWarp * sizeof(double)}, stream,
         workspace, blocks, sum);
}

}  // namespace reckon::cuda
