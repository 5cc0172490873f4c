#pragma once

// The kernel of the losses whose gradient follows from the token's log-probability and the entropy:
// d loss / d x_v = coef / T (1[v = token] - p_v) + bonus p_v / T (log p_v + entropy).
// A loss says what is known of a row before the pass and what the coefficients are after it:
//   static constexpr bool kHasGradient
//   struct Row { ... };                                  floats, at most as many as RowScratch::values
//   bool skips(row) const                                the row's gradient and outputs need no logits
//   void write_skipped(row) const
//   Row read(row) const
//   Coefficients finish(row, Row, TokenStatistics, bool writes) const
#include "logit_row.h"
#include "row_launch.h"

namespace reckon::cuda {

struct Coefficients {
  double coef = 0;   ///< d loss / d logprob
  double bonus = 0;  ///< - d loss / d entropy
};

struct RowTask {
  RowPlan plan;
  LogitRows logits;
  const std::uint32_t* token_ids = nullptr;
  float scale = 0;  ///< log2(e) / T
  double inverse_temperature = 0;
};
[[nodiscard]] inline RowTask row_task(const RowPlan& plan, const LogitRows& logits,
                                      const std::uint32_t* token_ids, float temperature) {
  const double inverse = 1.0 / static_cast<double>(temperature);
  return {plan, logits, token_ids, static_cast<float>(kLog2e * inverse), inverse};
}

__device__ inline Slope slope_of(const Coefficients& by, SoftmaxSums sums, double inverse_temperature) {
  const double coef = by.coef * inverse_temperature;
  const double bonus = by.bonus * inverse_temperature;
  const double total = sums.total;
  const double tilt = kLn2 * bonus / total;
  // log p + entropy = ln 2 (y - sum_v p_v y_v)
  return {static_cast<float>(-coef / total - tilt * (static_cast<double>(sums.weighted) / total)),
          static_cast<float>(tilt), static_cast<float>(coef)};
}

template <bool is_tilted, RowPath path>
__device__ inline void write_slope(const RowPart<path>& part, bf16* row, Exponents exponents, Slope slope,
                                   std::uint32_t token, float token_logit) {
  const auto gradient = [&](float x) {
    const float y = is_tilted ? exponents.bounded(x) : exponents.of(x);
    return fast_exp2(y) * (is_tilted ? fmaf(slope.tilt, y, slope.factor) : slope.factor);
  };
  const auto pair = [&](std::uint32_t x) { return pack_bf16(gradient(low_bf16(x)), gradient(high_bf16(x))); };
  write_row(part, row, [&](int slice, int i) {
    const uint4 c = part.chunk(slice, i);
    return uint4{pair(c.x), pair(c.y), pair(c.z), pair(c.w)};
  });
  if (writes_token(part, token)) row[token] = to_bf16(gradient(token_logit) + slope.token);
}

template <class Loss, RowPath path>
__global__ void __launch_bounds__(kRowThreads,
                                  resident_blocks(path, path == RowPath::shared ? kResidentBlocks : 2))
    row_loss(RowTask task, Loss loss) {
  auto& scratch = *shared_memory<RowScratch>();
  auto* held = shared_memory<uint4>() + kScratchBytes / 16;
  auto& known = *reinterpret_cast<typename Loss::Row*>(scratch.values);
  static_assert(sizeof(known) + sizeof(float) <= sizeof scratch.values);
  float& token_logit = scratch.values[15];
  if (threadIdx.x == 0) barrier_init(&scratch.barrier);
  cluster_sync();  // the barrier is there, and all blocks are

  unsigned round = 0;
  for (std::int64_t row = blockIdx.x / cluster_size(); row < task.logits.rows;
       row += gridDim.x / cluster_size()) {
    bf16* logits = task.logits.logits + row * task.logits.stride;
    const RowPart<path> part{task.plan, logits, held};
    if (loss.skips(row)) {
      if constexpr (Loss::kHasGradient) write_zeros(part, logits);
      if (threadIdx.x == 0 && cluster_rank() == 0) loss.write_skipped(row);
      continue;
    }
    start_rows<path>(scratch, part);
    const std::uint32_t token = task.token_ids[row];
    if (threadIdx.x == 0) {
      known = loss.read(row);
      token_logit = logit_of(logits, token, task.plan.vocab);
    }
    await_rows<path>(scratch, round, part);
    const Exponents exponents{task.scale, row_max(part, scratch)};
    const SoftmaxSums sums = softmax_sums(part, scratch, exponents);
    if (threadIdx.x == 0) {
      const bool writes = cluster_rank() == 0;
      const Coefficients by = loss.finish(row, known, token_statistics(token_logit, exponents, sums), writes);
      if constexpr (Loss::kHasGradient) scratch.slope = slope_of(by, sums, task.inverse_temperature);
    }
    if constexpr (Loss::kHasGradient) {
      __syncthreads();
      const Slope slope = scratch.slope;
      if (slope.tilt != 0) {
        write_slope<true>(part, logits, exponents, slope, token, token_logit);
      } else if (slope.token != 0) {
        write_slope<false>(part, logits, exponents, slope, token, token_logit);
      } else {
        write_zeros(part, logits);
      }
    }
    release_rows<path>();
  }
}

template <class Loss>
void launch_row_loss(const char* name, const RowTask& task, const Loss& loss, Stream stream) {
  launch_rows(name, row_loss<Loss, RowPath::shared>, row_loss<Loss, RowPath::streaming>, task.plan,
              task.logits.rows, stream, task, loss);
}

}  // namespace reckon::cuda
