#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/model/decoder_config.h"
#include "reckon/ops/attention.h"
#include "reckon/ops/linear.h"
#include "reckon/ops/norm_rope.h"

namespace reckon {

/// The rows of one forward pass: tokens of any number of sequences, packed without padding.
struct PackedRows {
  std::vector<std::uint32_t> token_ids;  ///< [T]
  std::vector<RowPosition> rows;         ///< [T] slot of the cache and position in its sequence
  std::vector<std::int32_t> positions;   ///< [T] the positions again, for the rotary embedding

  void clear();
  void add(std::uint32_t token_id, std::int32_t slot, std::int32_t position);
  [[nodiscard]] std::size_t size() const { return token_ids.size(); }
};

/// What the forward pass leaves for the backward pass, and its workspace. Without keep_for_backward one
/// layer's buffers serve all layers.
struct Activations {
  struct Layer {
    AlignedBuffer input, input_normed, input_inv_rms;  // [T, H], [T, H], [T]
    AlignedBuffer qkv, q, k, q_inv_rms,
        k_inv_rms;                // [T, (heads + 2 kv_heads) D], [T, heads, D], [T, kv_heads, D]
    AlignedBuffer attended, lse;  // [T, heads D], [T, heads]
    AlignedBuffer middle, middle_normed, middle_inv_rms;
    AlignedBuffer gate_up, activated;  // [T, 2 I], [T, I]
  };
  bool keep_for_backward = false;
  std::vector<Layer> layers;
  AlignedBuffer last, last_inv_rms;  // [T, H], [T]
  AlignedBuffer gradient[8];         // workspace of the backward pass
};

/// Keys and values of every layer.
using LayerCaches = std::vector<KvCache>;

/// One tensor of the model under its Hugging Face name, inside the flat parameter vector.
struct ParameterTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;
  std::size_t size = 0;
  bool is_norm = false;  ///< a norm's weight: 1 at first, no weight decay
};

/// A decoder-only transformer in the Qwen3 form: RMSNorm, rotary positions, grouped-query attention with
/// normalised queries and keys, SwiGLU. float32 on the CPU. All parameters lie in one vector, in the order of
/// tensors(); the weights of q, k, v and of gate, up stand together and are multiplied as one. Sampler and
/// learner run the same forward pass: a row's result depends on its sequence alone, bit for bit.
class Decoder {
 public:
  /// \throws Error(usage) where the shape is not supported (head_dim a multiple of 16, at most 256).
  explicit Decoder(const DecoderConfig& config);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  [[nodiscard]] const DecoderConfig& config() const { return config_; }
  [[nodiscard]] const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  [[nodiscard]] std::span<float> parameters() { return parameters_.span(); }
  [[nodiscard]] std::span<const float> parameters() const { return parameters_.span(); }

  /// Normal weights of the given deviation, norms 1: a function of the seed alone.
  void initialise(std::uint64_t seed, double deviation);
  /// Must be called whenever parameters() were written, before the next forward pass.
  void repack();
  /// SHA-256 of names, shapes and values.
  [[nodiscard]] std::string sha256() const;

  /// Caches for slots of the given capacities (tokens).
  void reset_caches(LayerCaches& caches, std::span<const std::int64_t> capacities) const;

  /// Runs the rows through all blocks and the last norm, putting their keys and values into the caches.
  /// Earlier positions of the rows' slots must be in the caches or among the rows.
  /// \param hidden [T, H]
  void forward(const PackedRows& rows, LayerCaches& caches, Activations& activations,
               std::span<float> hidden) const;
  /// logits = hidden E^T. \param hidden [R, H]  \param logits [R, V]
  void logits(std::span<const float> hidden, std::span<float> logits) const;

  /// Gradient of logits(): writes dhidden [R, H], adds to gradients [parameters().size()].
  void logits_backward(std::span<const float> dlogits, std::span<const float> hidden,
                       std::span<float> dhidden, std::span<float> gradients) const;
  /// Gradient of forward(), for rows that are whole sequences and activations kept for it; adds to gradients.
  /// \param dhidden [T, H]
  void backward(const PackedRows& rows, const LayerCaches& caches, Activations& activations,
                std::span<const float> dhidden, std::span<float> gradients) const;

 private:
  struct Layer {
    std::size_t input_norm, qkv, q_norm, k_norm, out, middle_norm, gate_up, down;  // offsets
    PackedWeight qkv_weight, out_weight, gate_up_weight, down_weight;
  };
  void add_tensor(std::string name, std::vector<std::int64_t> shape, bool is_norm = false);
  [[nodiscard]] std::span<const float> at(std::size_t offset, std::int64_t size) const;
  [[nodiscard]] HeadSlice query_slice() const;
  [[nodiscard]] HeadSlice key_slice() const;
  [[nodiscard]] std::int64_t qkv_width() const;
  void forward_layer(const Layer& layer, const PackedRows& rows, KvCache& cache, Activations::Layer& a,
                     std::span<float> x) const;
  void backward_layer(const Layer& layer, const PackedRows& rows, const KvCache& cache,
                      const Activations::Layer& a, AlignedBuffer* work, std::span<float> dx,
                      std::span<float> gradients) const;

  DecoderConfig config_;
  std::vector<ParameterTensor> tensors_;
  AlignedBuffer parameters_;
  std::vector<Layer> layers_;
  std::size_t last_norm_ = 0;
  std::size_t head_ = 0;
  PackedWeight head_weight_;
  RopeTable rope_;
};

}  // namespace reckon
