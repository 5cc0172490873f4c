#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/model/decoder_config.h"
#include "reckon/ops/attention.h"
#include "reckon/ops/compute_dtype.h"
#include "reckon/ops/kv_cache.h"
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

/// What any forward pass asks of its rows, wherever the model is.
/// \param version  of the weights that the pass is through
/// \return the longest sequence among the rows, in tokens; 0 where there are none
/// \throws std::logic_error where a slot was opened under other weights than these.
/// \throws Error(usage) where a sequence is longer than max_position_embeddings.
std::int64_t check_rows(const PackedRows& rows, const KvBlocks& cache, std::uint64_t version,
                        const DecoderConfig& config);

/// What a forward pass keeps for the backward pass.
enum class Keep {
  nothing,  ///< one layer's buffers serve all layers: sampling, evaluation
  layers,   ///< what each layer's products read; norms and SwiGLU are computed again
  inputs,   ///< each layer's input alone: the backward pass computes the layer again, with the same bits
};

/// The buffers of forward and backward passes.
struct Activations {
  struct Layer {
    AlignedBuffer input, input_inv_rms;  // [T, H], [T]
    AlignedBuffer qkv, q, q_inv_rms,
        k_inv_rms;                // [T, (heads + 2 kv_heads) D], [T, heads D], [T, heads], [T, kv_heads]
    AlignedBuffer attended, lse;  // [T, heads D], [T, heads]
    AlignedBuffer middle, middle_inv_rms, gate_up;  // [T, H], [T], [T, 2 I]
  };
  Keep keep = Keep::nothing;
  std::vector<Layer> layers;
  AlignedBuffer inputs;                // [layers, T, H], with Keep::inputs
  AlignedBuffer last, last_inv_rms;    // [T, H], [T]
  AlignedBuffer normed, k, activated;  // workspace: [T, H], [T, kv_heads D], [T, I]
  AlignedBuffer gradient[7];           // workspace of the backward pass
};

/// Rows of a packed batch that a backward pass is over, and the sequences they are made of, their rows
/// counted from first_row.
struct RowRange {
  std::int64_t first_row = 0;
  std::int64_t count = 0;
  std::vector<RowRun> runs;
};

/// Told by a backward pass how far it is: the gradients from parameter `first` on are complete. `first`
/// descends.
using GradientsComplete = std::function<void(std::size_t first)>;

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
/// float32 on the CPU, or matrix products of numbers rounded to bfloat16 (Precision). All parameters lie
/// in one vector, in the order of tensors(); the weights of q, k, v and of gate, up stand together and are
/// multiplied as one. Sampler and learner run the same forward pass: a row's result depends on its sequence
/// alone, bit for bit.
class Decoder {
 public:
  /// \throws Error(usage) where the shape is not supported (head_dim a multiple of 16, at most 256).
  /// \throws Error(environment) where this machine cannot compute in that type.
  explicit Decoder(const DecoderConfig& config, Precision precision = {});
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  [[nodiscard]] const DecoderConfig& config() const { return config_; }
  [[nodiscard]] Precision precision() const { return precision_; }
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
  /// The products' own copies are made by the next pass: a decoder that only holds weights has none.
  void repack();
  /// Counts the calls of repack(): keys and values of an earlier version cannot be read.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// SHA-256 of names, shapes and values.
  [[nodiscard]] std::string sha256() const;

  /// The shape of the keys and values of a cache for this model.
  [[nodiscard]] KvCache::Shape kv_shape() const;
  /// Empties a cache and makes room for so many blocks of sixteen tokens.
  void reset_cache(KvCache& cache, std::int64_t num_blocks) const;

  /// Runs the rows through all blocks and the last norm, putting their keys and values into the cache.
  /// Earlier positions of the rows' slots must be in the cache, among the rows, or forked from such.
  /// \param hidden [T, H]
  /// \throws std::logic_error where a slot was opened under other weights than these.
  void forward(const PackedRows& rows, KvCache& cache, Activations& activations,
               std::span<float> hidden) const;
  /// logits = hidden E^T. \param hidden [R, H]  \param logits [R, V], V = num_logits()
  void logits(std::span<const float> hidden, std::span<float> logits) const;

  /// Gradient of logits(): writes dhidden [R, H], adds to gradients [parameters().size()].
  void logits_backward(std::span<const float> dlogits, std::span<const float> hidden,
                       std::span<float> dhidden, std::span<float> gradients) const;
  /// Gradient of forward(), for rows that are whole sequences and activations kept for it; adds to gradients.
  /// The rows of a pass can be taken in ranges, one after the other. \param dhidden [range.count, H]
  /// \param complete  called after each layer, where it is given: no further pass adds to the gradients from
  ///                  there on, logits_backward() came before
  void backward(const PackedRows& rows, const RowRange& range, const KvCache& cache, Activations& activations,
                std::span<const float> dhidden, std::span<float> gradients,
                const GradientsComplete& complete = {}) const;

 private:
  struct Layer {
    // Offsets; of norms and biases that the family does not have, 0.
    std::size_t input_norm, qkv, qkv_bias, q_norm, k_norm, out, out_bias, middle_norm, gate_up, gate_up_bias,
        down, down_bias;
    PackedWeight qkv_weight, out_weight, gate_up_weight, down_weight;
  };
  void lay_out_tensors();
  void make_packed_weights() const;
  /// Makes the products' copies of weights that have changed.
  void pack() const;
  [[nodiscard]] PackedWeight packed_head() const;
  [[nodiscard]] bool is_packed() const;
  [[nodiscard]] std::span<const float> at(std::size_t offset, std::int64_t size) const;
  [[nodiscard]] HeadSlice query_slice() const;
  [[nodiscard]] HeadSlice key_slice() const;
  [[nodiscard]] std::int64_t qkv_width() const;
  void resize_layer(Activations::Layer& a, std::size_t tokens) const;
  void turn_heads(const Layer& layer, std::span<const std::int32_t> positions, Activations::Layer& a,
                  AlignedBuffer& k) const;
  void turn_heads_backward(const Layer& layer, std::span<const std::int32_t> positions,
                           const Activations::Layer& a, std::int64_t first, std::span<const float> dq,
                           std::span<const float> dk, std::span<float> dqkv,
                           std::span<float> gradients) const;
  void project_qkv(const Layer& layer, std::span<const std::int32_t> positions, Activations::Layer& a,
                   Activations& work) const;
  void attend(const Layer& layer, std::span<const RowPosition> rows, const KvCache& cache,
              std::int64_t number, Activations::Layer& a, std::span<float> x) const;
  void project_gate_up(const Layer& layer, Activations::Layer& a, Activations& work,
                       std::span<const float> x) const;
  void forward_layer(std::int64_t number, const PackedRows& rows, KvCache& cache, Activations& activations,
                     Activations::Layer& a, std::span<float> x) const;
  void compute_layer_again(std::int64_t number, const PackedRows& rows, const RowRange& range,
                           const KvCache& cache, Activations& activations) const;
  void backward_layer(std::int64_t number, const PackedRows& rows, const RowRange& range,
                      const KvCache& cache, Activations& activations, std::span<float> dx,
                      std::span<float> gradients) const;
  void backward_mlp(const Layer& layer, const Activations::Layer& a, std::int64_t first, Activations& work,
                    std::span<float> dx, std::span<float> gradients) const;
  void backward_attention(std::int64_t number, const PackedRows& rows, const RowRange& range,
                          const KvCache& cache, const Activations::Layer& a, std::int64_t first,
                          Activations& work, std::span<float> dx, std::span<float> gradients) const;

  DecoderConfig config_;
  Precision precision_;
  std::uint64_t version_ = 0;
  std::vector<ParameterTensor> tensors_;
  AlignedBuffer parameters_;
  mutable std::vector<Layer> layers_;  // their packed weights are made by a pass
  mutable bool is_stale_ = false;      // the packed weights are of an earlier version
  std::size_t last_norm_ = 0;
  std::size_t head_ = 0;
  mutable PackedWeight head_weight_;
  std::int64_t num_logits_ = 0;
  mutable RopeTable rope_;  // grows with the longest sequence seen: real models allow 131,072 positions
};

}  // namespace reckon
