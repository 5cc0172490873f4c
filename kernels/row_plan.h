#pragma once

// How a row of logits is cut into slices, and who works on them. The cut is a function of V alone, and so is
// the order of every sum over a row: slice by slice, in a slice as kRowThreads threads take its chunks in
// turn. Whether a cluster of blocks or one block does it, a row has the same bits.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "reckon/cuda/runtime.h"
#include "reckon/cuda/sample.h"
#include "reckon/cuda/token_loss.h"

namespace reckon::cuda {

inline constexpr unsigned kRowThreads = 512;    ///< of a block
inline constexpr unsigned kResidentBlocks = 3;  ///< of a multiprocessor: one loads, one computes, one stores
inline constexpr int kChunk = 8;                ///< values of a 16-byte access
inline constexpr int kMostSlices = 8;           ///< blocks of a cluster that every sm_90 takes
inline constexpr std::size_t kScratchBytes = 768;
/// Of a slice in shared memory: kResidentBlocks such blocks share 228 KB, 1 KB of each is CUDA's.
inline constexpr std::size_t kSliceBytes = 228 * 1024 / kResidentBlocks - 1024 - kScratchBytes;

enum class RowPath : std::int32_t {
  shared,    ///< each block of a cluster holds one slice in its shared memory (sm_90 and later)
  streaming  ///< one block goes over all slices, reading global memory in each pass
};

struct RowPlan {
  RowPath path = RowPath::shared;
  std::int32_t vocab = 0;
  std::int32_t slices = 1;        ///< 1, 2, 4 or 8
  std::int32_t slice_chunks = 0;  ///< chunks of 8 values in a slice; the last slice may have fewer
  std::int32_t rows_held = 1;     ///< rows beside each other: student and teacher

  [[nodiscard]] unsigned cluster() const {
    return path == RowPath::shared ? static_cast<unsigned>(slices) : 1U;
  }
  [[nodiscard]] std::size_t shared_bytes() const {
    return kScratchBytes + (path == RowPath::shared ? held_bytes() : 0);
  }
  /// Of a block's slices.
  [[nodiscard]] std::size_t held_bytes() const {
    return static_cast<std::size_t>(slice_chunks) * 16 * static_cast<std::size_t>(rows_held);
  }
};

[[nodiscard]] inline RowPlan plan_row(std::int64_t vocab, const DeviceInfo& device,
                                      std::int32_t rows_held = 1) {
  RowPlan plan{.vocab = static_cast<std::int32_t>(vocab), .rows_held = rows_held};
  const std::int64_t chunks = (vocab + kChunk - 1) / kChunk;
  for (plan.slices = 1;; plan.slices *= 2) {
    plan.slice_chunks = static_cast<std::int32_t>((chunks + plan.slices - 1) / plan.slices);
    if (plan.slices == kMostSlices || plan.held_bytes() <= kSliceBytes) break;
  }
  const bool fits = plan.held_bytes() + kScratchBytes <= device.shared_bytes_per_block;
  plan.path = device.compute_capability >= 90 && fits ? RowPath::shared : RowPath::streaming;
  return plan;
}

/// \throws std::invalid_argument  "<where>: <what>" unless `is_so`
inline void require(bool is_so, const char* where, const std::string& what) {
  if (!is_so) throw std::invalid_argument(std::string(where) + ": " + what);
}

/// What all functions on logits need.
inline void check_rows(const char* where, const LogitRows& logits, float temperature) {
  require(logits.rows >= 0, where, std::to_string(logits.rows) + " rows (need 0 or more)");
  require(logits.vocab >= 1 && logits.vocab < (std::int64_t{1} << 30), where,
          "V = " + std::to_string(logits.vocab) + " (need 1 to 2^30)");
  require(logits.stride % kChunk == 0 && logits.stride >= logits.vocab, where,
          "stride " + std::to_string(logits.stride) + " for V = " + std::to_string(logits.vocab) +
              " (need a multiple of 8, at least V)");
  require(reinterpret_cast<std::uintptr_t>(logits.logits) % 16 == 0, where,
          "logits begin at an address that is no multiple of 16");
  require(temperature > 0 && temperature <= 3e38f, where,
          "temperature " + std::to_string(temperature) + " (need a finite number above 0)");
}

// The functions of token_loss.h and sample.h on a plan of the caller's: the tests compare the paths.
void token_logprob(const RowPlan& plan, const LogitRows& logits, const std::uint32_t* token_ids,
                   float temperature, const TokenOutputs& out, Stream stream);
void grpo_loss(const RowPlan& plan, const LogitRows& logits, const GrpoInputs& in,
               const GrpoSettings& settings, const GrpoOutputs& out, Stream stream);
void cross_entropy_loss(const RowPlan& plan, const LogitRows& logits, const std::uint32_t* token_ids,
                        const float* weight, float temperature, float* loss, const TokenOutputs& out,
                        Stream stream);
void top_k_kl_loss(const RowPlan& plan, const LogitRows& logits, const TopKTeacher& teacher,
                   KlDirection direction, const float* weight, float temperature, float* loss, Stream stream);
void full_kl_loss(const RowPlan& plan, const LogitRows& logits, const bf16* teacher_logits,
                  std::int64_t teacher_stride, KlDirection direction, const float* weight, float temperature,
                  float* loss, Stream stream);
void sample_tokens(const RowPlan& plan, const LogitRows& logits, const DrawKey* keys, float temperature,
                   std::uint32_t* token_ids, const TokenOutputs& out, Stream stream);

}  // namespace reckon::cuda
