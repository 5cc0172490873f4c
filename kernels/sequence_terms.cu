// sequence_logprob_gap() and sequence_importance() of token_loss.h.
#include "launch.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kGapThreads = 128;
constexpr std::int64_t kMostGapBlocks = 2048;

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
