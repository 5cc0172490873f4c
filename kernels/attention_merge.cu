// Merges parts of rows, in the order of their splits: a thread has eight columns of a row-head.
#include "attention_parts.h"
#include "attention_plan.h"
#include "launch.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kThreads = 128;
constexpr unsigned kAhead = 4;  // parts that are loaded before they are merged

struct Part {
  RowSums sums;
  uint4 low, high;
};

__device__ Part load_part(const AttentionArguments& args, unsigned head_dim, std::int64_t row_head,
                          unsigned column) {
  const float* values = args.parts + row_head * head_dim + column;
  const float* sums = args.part_sums + row_head * 2;
  return {{sums[0], sums[1]}, load16(values), load16(values + 4)};
}

__device__ void widen(const Part& part, float (&values)[8]) {
  const std::uint32_t words[8] = {part.low.x,  part.low.y,  part.low.z,  part.low.w,
                                  part.high.x, part.high.y, part.high.z, part.high.w};
#pragma unroll
  for (unsigned i = 0; i < 8; ++i) values[i] = bits_to_float(words[i]);
}

__device__ void merge_row_head(const AttentionArguments& args, unsigned head_dim, const PlanMerge& merge,
                               unsigned head, unsigned column) {
  const auto part_at = [&](int i) {
    return load_part(args, head_dim, (static_cast<std::int64_t>(merge.first_part) + i) * args.heads + head,
                     column);
  };
  const Part first = part_at(0);
  RowSums sums = first.sums;
  float o[8];
  widen(first, o);
  for (int done = 1; done < merge.num_parts; done += static_cast<int>(kAhead)) {
    Part parts[kAhead];
#pragma unroll
    for (unsigned j = 0; j < kAhead; ++j) {
      if (done + static_cast<int>(j) < merge.num_parts) parts[j] = part_at(done + static_cast<int>(j));
    }
#pragma unroll
    for (unsigned j = 0; j < kAhead; ++j) {
      if (done + static_cast<int>(j) >= merge.num_parts) continue;
      const MergeFactors factors = merge_sums(sums, parts[j].sums, args.exponent);
      float values[8];
      widen(parts[j], values);
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) o[i] = merge_value(o[i], values[i], factors);
    }
  }
  const float by = 1.0f / sums.sum;
  store16(args.out + (static_cast<std::int64_t>(merge.row) * args.heads + head) * head_dim + column,
          {pack_bf16(o[0] * by, o[1] * by), pack_bf16(o[2] * by, o[3] * by), pack_bf16(o[4] * by, o[5] * by),
           pack_bf16(o[6] * by, o[7] * by)});
  if (column == 0 && args.lse != nullptr)
    args.lse[head * args.rows + merge.row] = log_sum_exp(sums, args.scale);
}

__global__ void __launch_bounds__(kThreads) merge_kernel(AttentionArguments args, unsigned head_dim) {
  const auto* header = reinterpret_cast<const PlanHeader*>(args.plan);
  const auto* merges = reinterpret_cast<const PlanMerge*>(args.plan + header->merge_list);
  const unsigned lanes = head_dim / 8;
  const unsigned count = static_cast<unsigned>(header->merges) * args.heads * lanes;
  for (unsigned i = blockIdx.x * kThreads + threadIdx.x; i < count; i += gridDim.x * kThreads) {
    const unsigned row_head = i / lanes;
    merge_row_head(args, head_dim, merges[row_head / args.heads], row_head % args.heads, i % lanes * 8);
  }
}

}  // namespace

void launch_merge(const AttentionArguments& arguments, const HeadShape& shape, unsigned blocks,
                  Stream stream) {
  launch("merge_attention", merge_kernel, {.grid = {blocks}, .threads = kThreads}, stream, arguments,
         static_cast<unsigned>(shape.head_dim));
}

}  // namespace reckon::cuda
