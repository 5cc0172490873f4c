#pragma once

#include <cstdint>
#include <span>

#include "decoder_pass.h"
#include "reckon/cuda/runtime.h"
#include "reckon/model/decoder.h"

namespace reckon::gpu {

/// Attention of a learner's packed rows by flash attention: each run's queries against the keys of its prefix
/// and its own. Keys of a prompt that several completions share are gathered for each; their gradients are
/// summed in the order of the runs, without atomic additions.
class PackedAttention : public PassAttention {
 public:
  PackedAttention(const cuda::HeadShape& heads, Stream stream) : heads_(heads), stream_(stream) {}
  /// The runs of the next passes: of all rows 0 .. rows - 1, in their order. Waits for the stream.
  void set_runs(std::span<const RowRange> ranges, std::int64_t rows);

  void forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
               float* lse) override;
  void backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                const float* lse, bf16* dq, bf16* dk, bf16* dv) override;

 private:
  [[nodiscard]] bool gathers() const { return gathered_rows_ != rows_; }
  void gather(const bf16* k, const bf16* v);

  cuda::HeadShape heads_;
  Stream stream_;
  std::int64_t rows_ = 0, gathered_rows_ = 0, num_runs_ = 0, longest_q_ = 0, longest_k_ = 0;
  cuda::DeviceArray<std::int32_t> q_starts_, k_starts_;  // [runs + 1]
  cuda::DeviceArray<std::int32_t> key_rows_;             // [gathered]: the row of each gathered key
  cuda::DeviceArray<std::int32_t> use_starts_,
      uses_;                                 // [T + 1], [gathered]: where a row's key was gathered to
  cuda::DeviceArray<bf16> k_, v_, dk_, dv_;  // gathered
};

}  // namespace reckon::gpu
