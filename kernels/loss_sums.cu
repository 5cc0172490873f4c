// sum_columns(), max_difference(), sequence_logprob_gap() and sequence_importance() of token_loss.h.
#include "launch.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kSumThreads = 1024;
constexpr unsigned kGapThreads = 128;
constexpr std::int64_t kMostGapBlocks = 2048;

/// One block a column: thread t sums rows t, t + 1024, ... in order.
__global__ void __launch_bounds__(kSumThreads)
    sum_columns_kernel(const float* const* columns, std::int64_t rows, double* sums) {
  const float* column = columns[blockIdx.x];
  double sum = 0;
  for (std::int64_t row = threadIdx.x; row < rows; row += kSumThreads)
    sum += static_cast<double>(column[row]);
  sum = block_sum(sum, shared_memory<double>());
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

/// The larger one; NaN where either is.
__device__ inline float larger_or_nan(float a, float b) {
  return a > b || a != a ? a : b;
}

__global__ void __launch_bounds__(kSumThreads)
    max_difference_kernel(const float* a, const float* b, std::int64_t rows, float* most) {
  float largest = 0;
  for (std::int64_t row = threadIdx.x; row < rows; row += kSumThreads)
    largest = larger_or_nan(fabsf(a[row] - b[row]), largest);
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2)
    largest = larger_or_nan(largest, shuffle_xor(largest, apart));
  auto* of_warps = shared_memory<float>();
  if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = largest;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (unsigned warp = 1; warp < kSumThreads / kWarp; ++warp)
    largest = larger_or_nan(largest, of_warps[warp]);
  *most = largest;
}

struct LogprobGap {
  const float *logprob, *old;
  [[nodiscard]] __device__ double operator()(std::int64_t row) const {
    return static_cast<double>(logprob[row]) - static_cast<double>(old[row]);
  }
};
struct ImportanceWeight {
  const float *old, *sampler;
  double cap;
  [[nodiscard]] __device__ double operator()(std::int64_t row) const {
    const double weight = exp(static_cast<double>(old[row]) - static_cast<double>(sampler[row]));
    return weight > cap ? cap : weight;
  }
};

/// The mean of a value over each sequence's rows, written to each of them. One block a sequence.
template <class Value>
__global__ void __launch_bounds__(kGapThreads)
    sequence_means(Value value, const std::int32_t* offsets, std::int64_t sequences, float* means) {
  for (std::int64_t s = blockIdx.x; s < sequences; s += gridDim.x) {
    const std::int64_t begin = offsets[s];
    const std::int64_t end = offsets[s + 1];
    double sum = 0;
    for (std::int64_t row = begin + threadIdx.x; row < end; row += kGapThreads) sum += value(row);
    sum = block_sum(sum, shared_memory<double>());
    const auto mean = static_cast<float>(sum / static_cast<double>(end - begin));
    for (std::int64_t row = begin + threadIdx.x; row < end; row += kGapThreads) means[row] = mean;
  }
}

template <class Value>
void launch_means(const char* name, const Value& value, const std::int32_t* offsets, std::int64_t sequences,
                  float* means, Stream stream) {
  if (sequences == 0) return;
  const std::int64_t blocks = sequences < kMostGapBlocks ? sequences : kMostGapBlocks;
  launch(name, sequence_means<Value>,
         {.grid = dim3(static_cast<unsigned>(blocks)),
          .threads = kGapThreads,
          .shared_bytes = kGapThreads / kWarp * sizeof(double)},
         stream, value, offsets, sequences, means);
}

}  // namespace

void sum_columns(const float* const* columns, std::int64_t num_columns, std::int64_t rows, double* sums,
                 Stream stream) {
  if (num_columns == 0) return;
  launch("sum_columns", sum_columns_kernel,
         {.grid = dim3(static_cast<unsigned>(num_columns)),
          .threads = kSumThreads,
          .shared_bytes = kSumThreads / kWarp * sizeof(double)},
         stream, columns, rows, sums);
}

void max_difference(const float* a, const float* b, std::int64_t rows, float* most, Stream stream) {
  launch("max_difference", max_difference_kernel,
         {.grid = dim3(1), .threads = kSumThreads, .shared_bytes = kSumThreads / kWarp * sizeof(float)},
         stream, a, b, rows, most);
}

void sequence_logprob_gap(const float* logprob, const float* old_logprob, const std::int32_t* offsets,
                          std::int64_t sequences, float* gap, Stream stream) {
  launch_means("sequence_logprob_gap", LogprobGap{logprob, old_logprob}, offsets, sequences, gap, stream);
}

void sequence_importance(const float* old_logprob, const float* sampler_logprob, const std::int32_t* offsets,
                         std::int64_t sequences, double tis_cap, float* importance, Stream stream) {
  launch_means("sequence_importance", ImportanceWeight{old_logprob, sampler_logprob, tis_cap}, offsets,
               sequences, importance, stream);
}

}  // namespace reckon::cuda
