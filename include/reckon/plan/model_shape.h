#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace reckon::plan {

/// The shape of a decoder, as far as memory and time ask; names as in DecoderConfig (model/decoder_config.h).
struct ModelShape {
  std::string name;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  bool tie_word_embeddings = true;
  bool qk_norm = false;
  bool qkv_bias = false;
  std::int64_t other_parameters = 0;  ///< of biases that the flags do not name
  std::int64_t num_logits = 0;        ///< rows of the output layer that are computed; 0: vocab_size

  [[nodiscard]] double layers() const { return static_cast<double>(num_hidden_layers); }
  [[nodiscard]] double hidden() const { return static_cast<double>(hidden_size); }
  [[nodiscard]] double inner() const { return static_cast<double>(intermediate_size); }
  /// Width of all query heads, and of all key (or value) heads.
  [[nodiscard]] double queries() const { return static_cast<double>(num_attention_heads * head_dim); }
  [[nodiscard]] double keys() const { return static_cast<double>(num_key_value_heads * head_dim); }
  [[nodiscard]] double qkv() const { return queries() + 2 * keys(); }
  [[nodiscard]] double logits() const {
    return static_cast<double>(num_logits > 0 ? num_logits : vocab_size);
  }
  /// Weights of a layer's matrices: what a token is multiplied by.
  [[nodiscard]] double layer_matrices() const {
    return hidden() * qkv() + hidden() * queries() + 3 * hidden() * inner();
  }
  [[nodiscard]] double parameters() const;
};

/// Published models, by their number of parameters. Shapes are those of their config.json.
[[nodiscard]] std::span<const ModelShape> known_models();

/// The known model of this name, whatever the folders before it, or null.
[[nodiscard]] const ModelShape* find_known_model(const std::string& path);

/// A model of this family whose width, heads and layers are `factor` times those of `shape` (layers and heads
/// rounded, at least one; the heads keep their ratio and their width).
[[nodiscard]] ModelShape scaled(const ModelShape& shape, double factor);

}  // namespace reckon::plan
