#pragma once

#include <cstdint>

#include "reckon/cuda/gemm.h"
#include "reckon/cuda/runtime.h"
#include "reckon/cuda/sample.h"
#include "reckon/cuda/token_loss.h"
#include "weights.h"

namespace reckon::gpu {

/// Rows of a pass that predict tokens: their hidden states [T, H], and for each of R targets the row
/// (device).
struct HeadRows {
  const bf16* hidden = nullptr;
  const std::int32_t* rows = nullptr;  ///< [R]
  std::int64_t count = 0;              ///< R
};

/// Where a loss of the head leaves its gradients.
struct HeadGradient {
  float* dhidden = nullptr;    ///< [T, H], added to
  float* gradients = nullptr;  ///< [parameters], added to
};

/// The output layer and what is computed from its logits, a chunk of rows at a time: logits of all rows never
/// exist. A chunk's rows are gathered, so that rows without a target cost nothing. Chunks are a function of
/// the vocabulary alone.
class Head {
 public:
  /// \param chunk_rows  rows of logits that exist at once; 0: as many as fit 1.3 GB, at most 16,384
  Head(const Weights& weights, cuda::Gemm& gemm, Stream stream, std::int64_t chunk_rows = 0);

  /// Forward alone: reference log-probs, evaluation.
  void token_logprob(const HeadRows& rows, const std::uint32_t* token_ids, float temperature,
                     const cuda::TokenOutputs& out);
  /// Loss and gradients in one pass: logits, cuda::grpo_loss in place of them, dX, dW. Rows must be those
  /// that have a gradient: others would go through the products for nothing.
  void grpo_loss(const HeadRows& rows, const cuda::GrpoInputs& in, const cuda::GrpoSettings& settings,
                 const cuda::GrpoOutputs& out, const HeadGradient& gradient);
  void cross_entropy_loss(const HeadRows& rows, const std::uint32_t* token_ids, const float* weight,
                          float temperature, float* loss, const cuda::TokenOutputs& out,
                          const HeadGradient& gradient);
  /// Distillation from a teacher's top k words (cuda::top_k_kl_loss).
  void top_k_kl_loss(const HeadRows& rows, const cuda::TopKTeacher& teacher, cuda::KlDirection direction,
                     const float* weight, float temperature, float* loss, const HeadGradient& gradient);
  /// From a teacher of the same vocabulary, whose logits are computed here from its hidden states
  /// (cuda::full_kl_loss).
  void full_kl_loss(const HeadRows& rows, Head& teacher, const HeadRows& teacher_rows,
                    cuda::KlDirection direction, const float* weight, float temperature, float* loss,
                    const HeadGradient& gradient);
  /// Draws a token for each row.
  void sample(const HeadRows& rows, const cuda::DrawKey* keys, float temperature, std::uint32_t* token_ids,
              const cuda::TokenOutputs& out);

  /// Rows of logits that exist at once: at least 4,096 where the vocabulary allows it in 1.3 GB.
  [[nodiscard]] std::int64_t chunk_rows() const { return chunk_rows_; }
  /// Makes room: within it nothing is allocated later.
  void reserve(std::int64_t rows);

 private:
  template <class Loss>
  void for_chunks(const HeadRows& rows, const HeadGradient* gradient, const Loss& loss);
  [[nodiscard]] cuda::LogitRows compute_logits(const HeadRows& rows, std::int64_t first, std::int64_t count);

  const Weights& weights_;
  cuda::Gemm& gemm_;
  Stream stream_;
  std::int64_t vocab_, stride_, width_, chunk_rows_;
  cuda::DeviceArray<bf16> picked_, logits_;  // [chunk, H], [chunk, stride]
  cuda::DeviceArray<float> dpicked_;
};

}  // namespace reckon::gpu
