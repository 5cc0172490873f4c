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

/// Weight decay is for matrices alone.
enum class ParameterKind {
  matrix,  ///< at first normal
  norm,    ///< at first 1
  bias,    ///< at first 0
};

/// One tensor of the model under its Hugging Face name, inside the flat parameter vector.
struct ParameterTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;
  std::size_t size = 0;
  ParameterKind kind = ParameterKind::matrix;
};

/// A decoder-only transformer of the Qwen2, Qwen3 and Llama families: RMSNorm, rotary positions,
/// grouped-query attention (queries and keys normalised in Qwen3), SwiGLU, biases where the family has them.
/// float32 on the CPU. All parameters lie in one vector, in the order of tensors(); the weights of q, k, v
/// and of gate, up stand together and are multiplied as one. Sampler and learner run the same forward pass: a
/// row's result depends on its sequence alone, bit for bit.
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
  /// From now on only the first `num_tokens` rows of the output layer have logits: models have more rows than
  /// their tokenizer has tokens, and a row without a token must not be sampled. Sampler and learner then have
  /// the same distribution. \throws std::invalid_argument where there are fewer rows.
  void limit_vocabulary(std::int64_t num_tokens);
  /// Completions end by this token too.
  void add_eos(std::int64_t token_id);
  /// Logits of a row: vocab_size, or what limit_vocabulary() said.
  [[nodiscard]] std::int64_t num_logits() const { return num_logits_; }
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
  /// logits = hidden E^T. \param hidden [R, H]  \param logits [R, V], V = num_logits()
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
    // Offsets; of norms and biases that the family does not have, 0.
    std::size_t input_norm, qkv, qkv_bias, q_norm, k_norm, out, out_bias, middle_norm, gate_up, gate_up_bias,
        down, down_bias;
    PackedWeight qkv_weight, out_weight, gate_up_weight, down_weight;
  };
  void lay_out_tensors();
  void make_packed_weights();
  [[nodiscard]] PackedWeight packed_head() const;
  [[nodiscard]] bool is_packed() const;
  [[nodiscard]] std::span<const float> at(std::size_t offset, std::int64_t size) const;
  [[nodiscard]] HeadSlice query_slice() const;
  [[nodiscard]] HeadSlice key_slice() const;
  [[nodiscard]] std::int64_t qkv_width() const;
  void turn_heads(const Layer& layer, const PackedRows& rows, Activations::Layer& a) const;
  void turn_heads_backward(const Layer& layer, const PackedRows& rows, const Activations::Layer& a,
                           std::span<const float> dq, std::span<const float> dk, std::span<float> dqkv,
                           std::span<float> gradients) const;
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
  std::int64_t num_logits_ = 0;
  mutable RopeTable rope_;  // grows with the longest sequence seen: real models allow 131,072 positions
};

}  // namespace reckon
