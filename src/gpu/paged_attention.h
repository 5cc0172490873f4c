#pragma once

#include <cstdint>
#include <vector>

#include "decoder_pass.h"
#include "kv_cache.h"
#include "reckon/cuda/attention.h"
#include "reckon/ops/kv_blocks.h"

namespace reckon::gpu {

/// Attention of a pass's rows over a paged cache, into which it puts their keys and values: our own kernel,
/// whose result for a row does not depend on the others. The one for sampling, and with numerics = "exact"
/// for the learner's forward pass.
class PagedAttention : public PassAttention {
 public:
  /// \param store  must outlive it
  PagedAttention(const cuda::HeadShape& heads, KvStore& store, Stream stream);

  /// Plans passes of these rows and uploads what they need.
  void set_rows(const PackedRows& rows, const KvBlocks& cache);
  /// The same for a pass that is recorded and launched again: of padded_rows rows, those behind the given
  /// ones without attention, their keys put aside; at positions below `positions`. Nothing may be forked.
  /// \return whether there is new memory, of which an earlier recording does not know
  bool set_recorded_rows(const PackedRows& rows, const KvBlocks& cache, std::int64_t padded_rows,
                         std::int64_t positions);

  void forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
               float* lse) override;
  void backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                const float* lse, bf16* dq, bf16* dk, bf16* dv) override;

 private:
  void plan(const PackedRows& rows, const KvBlocks& cache, std::int64_t padded_rows);
  bool make_room();
  void upload();

  cuda::HeadShape heads_;
  KvStore& store_;
  Stream stream_;
  std::int64_t rows_ = 0;
  cuda::AttentionPlan plan_;
  cuda::AttentionSizes limits_;
  std::vector<cuda::AttentionRow> attention_rows_;
  std::vector<std::int64_t> places_;
  std::vector<cuda::BlockCopy> copies_;
  cuda::DeviceArray<std::int32_t> device_plan_;
  cuda::DeviceArray<std::int64_t> device_places_;
  cuda::DeviceArray<cuda::BlockCopy> device_copies_;
  cuda::DeviceArray<float> workspace_;
};

}  // namespace reckon::gpu
