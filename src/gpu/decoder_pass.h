#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/gemm.h"
#include "reckon/cuda/runtime.h"
#include "weights.h"

namespace reckon::gpu {

/// Rows of a pass, [T] each, on the device.
struct DeviceRows {
  std::int64_t count = 0;
  const std::uint32_t* token_ids = nullptr;
  const std::int32_t* positions = nullptr;
  cuda::RowsByToken by_token = {};  ///< for the gradient of the embedding
};

/// The attention of a pass's rows, layer after layer. Queries, keys and values are those of the rows alone:
/// what stands before them is the attention's affair. q, out, dout, dq [T, heads, D]; k, v, dk, dv [T,
/// kv_heads, D]; lse [heads, T].
class PassAttention {
 public:
  virtual ~PassAttention() = default;
  /// \param lse  null where no backward pass follows
  virtual void forward(std::int64_t layer, const bf16* q, const bf16* k, const bf16* v, bf16* out,
                       float* lse) = 0;
  virtual void backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                        const float* lse, bf16* dq, bf16* dk, bf16* dv) = 0;
};

/// Forward and backward passes through all layers of a decoder: the order of decoder_forward.cpp and
/// decoder_backward.cpp in module model, with a residual stream in float32 and products of bfloat16. A row's
/// result does not depend on the other rows where the products' sums do not (GemmSums::exact).
class DecoderPass {
 public:
  /// All must outlive the pass; work is put on the stream.
  DecoderPass(const Weights& weights, cuda::Gemm& gemm, Stream stream);

  /// \param hidden  [T, H] after the last norm
  void forward(const DeviceRows& rows, PassAttention& attention, Keep keep, bf16* hidden);
  /// Gradient of the forward() before, which kept something: adds to gradients [parameters].
  /// \param dhidden      [T, H]
  /// \param is_complete  called with the places of the parameter vector from which on nothing will be added,
  /// in
  ///                     descending order, as soon as the work for it is on the stream
  void backward(const DeviceRows& rows, PassAttention& attention, const float* dhidden, float* gradients,
                const std::function<void(std::size_t from)>& is_complete = {});

  [[nodiscard]] RotationTable& rotation() { return rotation_; }
  /// Makes room for passes of so many rows: within it forward() with Keep::nothing allocates nothing and can
  /// be recorded. \return whether there is new memory, of which an earlier recording does not know
  bool reserve(std::int64_t rows);

 private:
  /// What the backward pass reads of a layer.
  struct Layer {
    cuda::DeviceArray<float> input, input_inv_rms, middle, middle_inv_rms;  // [T, H], [T]
    cuda::DeviceArray<float> q_inv_rms, k_inv_rms, lse;
    cuda::DeviceArray<bf16> qkv, q, k, v, attended, gate_up;
  };
  /// Where the residual stream is before, in the middle of and behind a layer.
  struct Residual {
    float* in;
    float* middle;
    float* out;
  };
  bool resize(Layer& layer, std::int64_t rows, Keep keep);
  [[nodiscard]] Residual residual_of(std::int64_t number, std::int64_t rows);
  void attention_block(std::int64_t number, const DeviceRows& rows, PassAttention& attention,
                       const Residual& x, Layer& layer);
  void mlp_block(std::int64_t number, std::int64_t rows, const Residual& x, Layer& layer);
  void mlp_backward(std::int64_t number, std::int64_t rows, Layer& layer, float* gradients);
  void attention_backward(std::int64_t number, const DeviceRows& rows, PassAttention& attention, Layer& layer,
                          float* gradients);
  [[nodiscard]] cuda::HeadWeights head_weights(const LayerOffsets& offsets) const;

  const Weights& weights_;
  cuda::Gemm& gemm_;
  Stream stream_;
  RotationTable rotation_;
  Keep keep_ = Keep::nothing;
  std::vector<Layer> layers_;
  cuda::DeviceArray<float> inputs_, last_, last_inv_rms_;  // [layers, T, H] with Keep::inputs; [T, H], [T]
  cuda::DeviceArray<bf16> normed_, activated_;             // workspace: [T, H], [T, I]
  // Workspace of the backward pass: of the residual stream, rounded, and of what the products read.
  cuda::DeviceArray<float> dx_, dnormed_, partial_sums_;
  cuda::DeviceArray<bf16> dx_rounded_, dwide_, dgate_up_, dqkv_, dq_, dk_, dv_;
};

}  // namespace reckon::gpu
