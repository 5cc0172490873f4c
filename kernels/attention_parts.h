#pragma once

// Parts of a row's attention, and how they are put together: one definition for the kernel that works off
// splits in order and for the one that merges what others computed.
#include "device.h"
#include "reckon/cuda/attention.h"

namespace reckon::cuda {

/// Of the keys seen so far: the greatest score, and the sum of e^((score - max) / sqrt(D)).
struct RowSums {
  float max;
  float sum;
};

/// By what the values of two parts are multiplied when they are added.
struct MergeFactors {
  float before, after;
};

/// \param exponent  log2(e) / sqrt(D)
__device__ inline MergeFactors merge_sums(RowSums& sums, RowSums after, float exponent) {
  const float max = fmaxf(sums.max, after.max);
  const MergeFactors factors{fast_exp2((sums.max - max) * exponent), fast_exp2((after.max - max) * exponent)};
  sums = {max, fmaf(after.sum, factors.after, sums.sum * factors.before)};
  return factors;
}
__device__ inline float merge_value(float before, float after, MergeFactors factors) {
  return fmaf(after, factors.after, before * factors.before);
}

/// \param scale  1 / sqrt(D)
__device__ inline float log_sum_exp(RowSums sums, float scale) {
  return fmaf(sums.max, scale, logf(sums.sum));
}

/// What both kernels are launched with.
struct AttentionArguments {
  const bf16* q = nullptr;
  const std::int32_t* plan = nullptr;
  KvLayer layer;
  bf16* out = nullptr;
  float* lse = nullptr;
  float* parts = nullptr;      // [parts, heads, D]
  float* part_sums = nullptr;  // [parts, heads, 2]
  std::int64_t rows = 0;
  unsigned heads = 0, kv_heads = 0;
  float scale = 0, exponent = 0;
};

/// Merges the parts of the plan's merge list. \param blocks  of the grid
void launch_merge(const AttentionArguments& arguments, const HeadShape& shape, unsigned blocks,
                  Stream stream);

}  // namespace reckon::cuda
