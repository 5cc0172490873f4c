#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/model/config.h"
#include "reckon/model/rope.h"
#include "reckon/model/weight_files.h"

namespace reckon {

/// The shape of a decoder, as a Hugging Face config.json gives it. Names are those of config.json.
struct DecoderConfig {
  ModelFamily family = ModelFamily::qwen3;
  std::int64_t vocab_size = 0;  ///< rows of the embedding; may be more than the tokenizer has tokens
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;  ///< in Qwen3 not hidden_size / num_attention_heads
  std::int64_t max_position_embeddings = 0;
  RopeConfig rope;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  bool tie_word_embeddings = true;  ///< the output layer is the embedding; lm_head.weight is not stored
  bool qk_norm = true;              ///< RMSNorm over head_dim on queries and keys, before RoPE
  bool qkv_bias = false;            ///< q_proj, k_proj and v_proj have a bias
  bool out_bias = false;            ///< o_proj has one
  bool mlp_bias = false;            ///< gate_proj, up_proj and down_proj have one
  std::vector<std::int64_t> eos_token_ids;  ///< a completion ends at any of them
  TensorDtype dtype = TensorDtype::f32;     ///< of the stored weights

  bool operator==(const DecoderConfig&) const = default;
};

/// Reads a config.json of the families above, in the form of transformers 5 (`rope_parameters`, `dtype`) and
/// of transformers 4 (`rope_theta`, `rope_scaling`, `torch_dtype`). A field that is left out has the default
/// of the family's configuration class in transformers; those that give the model its size must be there.
/// \param where  what messages begin with: the file's path.
/// \throws Error(bad_data)  with a line for every problem: a field of the wrong type or out of range, a shape
///         that does not work out, and whatever we would compute differently from transformers (another
///         family or activation, a sliding window that is active, another type of RoPE, quantised weights).
[[nodiscard]] DecoderConfig parse_decoder_config(std::string_view json_text, const std::string& where);

/// The ids that end a completion by generation_config.json, which wins over config.json; empty where it names
/// none. \throws Error(bad_data)
[[nodiscard]] std::vector<std::int64_t> parse_generation_eos(std::string_view json_text,
                                                             const std::string& where);

/// A config.json that transformers 4 and 5 load with equal values.
/// \param source  the config.json that the model was read from, or "": its fields are kept as they stand but
///                for the dtype, whose name it keeps too.
[[nodiscard]] std::string to_config_json(const DecoderConfig& config, std::string_view source = {});

/// A generation_config.json that samples as we do while training: temperature 1, no top-k, no top-p.
[[nodiscard]] std::string generation_config_json(const DecoderConfig& config);

/// "float32", "bfloat16" or "float16". \throws std::invalid_argument for other dtypes.
[[nodiscard]] std::string_view config_dtype_name(TensorDtype dtype);

/// The decoder of a recipe's [model] table.
/// \param eos_token_id  in [0, vocab_size).
/// \throws Error(usage)  where the shape does not work out, with a line for every problem.
[[nodiscard]] DecoderConfig decoder_config_from(const ModelInitConfig& init, std::int64_t vocab_size,
                                                std::int64_t eos_token_id);

/// Names and shapes of the weights, in the order of the forward pass; linear layers are [out, in].
[[nodiscard]] std::vector<TensorSpec> decoder_tensor_specs(const DecoderConfig& config);

/// \throws Error(bad_data)  where a folder's tensors are not those of the decoder, with a line for every
/// mismatch. An lm_head.weight beside tied embeddings is accepted where it equals them; frequencies of RoPE
/// that old exporters wrote are passed over.
void check_decoder_tensors(const DecoderConfig& config, const WeightFiles& weights);

}  // namespace reckon
