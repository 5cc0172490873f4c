#pragma once

#include <map>
#include <utility>
#include <vector>

#include "head.h"
#include "kv_cache.h"
#include "paged_attention.h"
#include "reckon/rollout/sampling_backend.h"

namespace reckon::gpu {

/// Sampling on a GPU. A pass of decoding rows alone is padded to a few sizes, recorded as a CUDA graph the
/// first time and launched after that.
class GpuSamplingBackend : public SamplingBackend {
 public:
  /// All must outlive it.
  GpuSamplingBackend(const Weights& weights, cuda::Gemm& gemm, Stream stream);

  [[nodiscard]] const DecoderConfig& config() const override { return weights_.config(); }
  void reset_cache(std::int64_t num_blocks) override;
  [[nodiscard]] KvBlocks& cache() override { return blocks_; }
  [[nodiscard]] std::int64_t bytes_per_block() const override { return store_.bytes_per_block(); }
  void forward(const PackedRows& rows) override;
  void keep(std::int64_t row, std::int64_t place) override;
  void choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
              std::span<SampledToken> tokens) override;
  /// Passes that were recorded, for tests.
  [[nodiscard]] std::size_t num_recorded() const { return recorded_.size(); }

 private:
  [[nodiscard]] bool is_decoding(const PackedRows& rows) const;
  void forward_recorded(const PackedRows& rows, std::int64_t longest);
  void run_pass(std::int64_t rows, PagedAttention& attention);
  /// \return whether there is new memory
  bool upload_rows(const PackedRows& rows, std::int64_t padded_rows);
  void check_choice(const TokenChoice& choice) const;
  void choose_run(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
                  std::span<SampledToken> tokens);

  const Weights& weights_;
  Stream stream_;
  DecoderPass pass_;
  Head head_;
  KvBlocks blocks_;
  KvStore store_;
  PagedAttention attention_, recorded_attention_;
  std::map<std::pair<std::int64_t, std::int64_t>, cuda::RecordedWork> recorded_;  // by rows and positions
  std::int64_t num_rows_ = 0;                                                     // of the last pass
  std::vector<bool> is_kept_;                                                     // by place
  // What is uploaded stays in memory until the stream has read it.
  std::vector<std::uint32_t> token_ids_;
  std::vector<std::int32_t> positions_, choice_rows_;
  std::vector<cuda::DrawKey> keys_;
  cuda::DeviceArray<std::uint32_t> device_token_ids_, chosen_;
  cuda::DeviceArray<std::int32_t> device_positions_, device_choice_rows_;
  cuda::DeviceArray<cuda::DrawKey> device_keys_;
  cuda::DeviceArray<float> logprob_;
  cuda::DeviceArray<bf16> hidden_, kept_;  // [rows, H], [places, H]
};

}  // namespace reckon::gpu
