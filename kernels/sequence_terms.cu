// sequence_logprob_gap(), sequence_importance() and sequence_mask() of token_loss.h.
#include <cmath>

#include "launch.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kGapThreads = 128;
constexpr std::int64_t kMostGapBlocks = 2048;

/// A value of each row, and what comes of its sum over a sequence's rows.
struct LogprobGap {
  const float *logprob, *old;
  [[nodiscard]] __device__ double operator()(std::int64_t row) const {
    return static_cast<double>(logprob[row]) - static_cast<double>(old[row]);
  }
  [[nodiscard]] __device__ double finish(double sum, double rows) const { return sum / rows; }
};
struct ImportanceWeight {
  const float *old, *sampler;
  double cap;
  [[nodiscard]] __device__ double operator()(std::int64_t row) const {
    const double weight = exp(static_cast<double>(old[row]) - static_cast<double>(sampler[row]));
    return weight > cap ? cap : weight;
  }
  [[nodiscard]] __device__ double finish(double sum, double rows) const { return sum / rows; }
};
struct Mask {
  const float *old, *sampler;
  double log_cap;
  [[nodiscard]] __device__ double operator()(std::int64_t row) const {
    return static_cast<double>(old[row]) - static_cast<double>(sampler[row]);
  }
  [[nodiscard]] __device__ double finish(double sum, double) const {
    if (sum != sum) return sum;  // not a number: the loss is to show it
    return sum <= log_cap && sum >= -log_cap ? 1.0 : 0.0;
  }
};

/// What comes of each sequence's rows, written to each of them. One block a sequence.
template <class Value>
__global__ void __launch_bounds__(kGapThreads)
    sequence_terms(Value value, const std::int32_t* offsets, std::int64_t sequences, float* results) {
  for (std::int64_t s = blockIdx.x; s < sequences; s += gridDim.x) {
    const std::int64_t begin = offsets[s];
    const std::int64_t end = offsets[s + 1];
    double sum = 0;
    for (std::int64_t row = begin + threadIdx.x; row < end; row += kGapThreads) sum += value(row);
    sum = block_sum(sum, shared_memory<double>());
    const auto result = static_cast<float>(value.finish(sum, static_cast<double>(end - begin)));
    for (std::int64_t row = begin + threadIdx.x; row < end; row += kGapThreads) results[row] = result;
  }
}

template <class Value>
void launch_terms(const char* name, const Value& value, const std::int32_t* offsets, std::int64_t sequences,
                  float* results, Stream stream) {
  if (sequences == 0) return;
  const std::int64_t blocks = sequences < kMostGapBlocks ? sequences : kMostGapBlocks;
  launch(name, sequence_terms<Value>,
         {.grid = dim3(static_cast<unsigned>(blocks)),
          .threads = kGapThreads,
          .shared_bytes = kGapThreads / kWarp * sizeof(double)},
         stream, value, offsets, sequences, results);
}

}  // namespace

void sequence_logprob_gap(const float* logprob, const float* old_logprob, const std::int32_t* offsets,
                          std::int64_t sequences, float* gap, Stream stream) {
  launch_terms("sequence_logprob_gap", LogprobGap{logprob, old_logprob}, offsets, sequences, gap, stream);
}

void sequence_importance(const float* old_logprob, const float* sampler_logprob, const std::int32_t* offsets,
                         std::int64_t sequences, double cap, float* importance, Stream stream) {
  launch_terms("sequence_importance", ImportanceWeight{old_logprob, sampler_logprob, cap}, offsets, sequences,
               importance, stream);
}

void sequence_mask(const float* old_logprob, const float* sampler_logprob, const std::int32_t* offsets,
                   std::int64_t sequences, double cap, float* keep, Stream stream) {
  launch_terms("sequence_mask", Mask{old_logprob, sampler_logprob, std::log(cap)}, offsets, sequences, keep,
               stream);
}

}  // namespace reckon::cuda
