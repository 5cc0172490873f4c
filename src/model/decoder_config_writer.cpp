// config.json and generation_config.json as we write them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "family_traits.h"
#include "reckon/model/decoder_config.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

json eos_json(const DecoderConfig& config) {
  if (config.eos_token_ids.empty()) return nullptr;
  if (config.eos_token_ids.size() == 1) return config.eos_token_ids.front();
  return config.eos_token_ids;
}

json rope_json(const RopeConfig& rope) {
  json object = {{"rope_theta", rope.theta}, {"rope_type", enum_name(rope.type)}};
  if (rope.type == RopeType::standard) return object;
  object["factor"] = rope.factor;
  if (rope.type == RopeType::linear) return object;
  object["original_max_position_embeddings"] = rope.original_max_position_embeddings;
  if (rope.type == RopeType::llama3) {
    object["low_freq_factor"] = rope.low_freq_factor;
    object["high_freq_factor"] = rope.high_freq_factor;
    return object;
  }
  object["beta_fast"] = rope.beta_fast;
  object["beta_slow"] = rope.beta_slow;
  object["truncate"] = rope.truncate;
  if (rope.attention_factor != 0) object["attention_factor"] = rope.attention_factor;
  if (rope.mscale != 0) object["mscale"] = rope.mscale;
  if (rope.mscale_all_dim != 0) object["mscale_all_dim"] = rope.mscale_all_dim;
  return object;
}

/// The source's own text but for the dtype, under the name that it has there.
std::string with_dtype(std::string_view source, std::string_view dtype) {
  ordered_json object = ordered_json::parse(source);
  const bool old_name = object.contains("torch_dtype");
  if (old_name) object["torch_dtype"] = dtype;
  if (!old_name || object.contains("dtype")) object["dtype"] = dtype;
  return object.dump(2) + "\n";
}

}  // namespace

std::string_view config_dtype_name(TensorDtype dtype) {
  const auto found = std::find_if(kDtypeNames.begin(), kDtypeNames.end(),
                                  [&](const auto& entry) { return entry.first == dtype; });
  if (found == kDtypeNames.end()) throw std::invalid_argument("no name for this dtype in config.json");
  return found->second;
}

std::string to_config_json(const DecoderConfig& c, std::string_view source) {
  const std::string_view dtype = config_dtype_name(c.dtype);
  if (!source.empty()) return with_dtype(source, dtype);
  const FamilyTraits& traits = traits_of(c.family);
  json object = {{"architectures", {traits.architecture}},
                 {"attention_dropout", 0.0},
                 {"dtype", dtype},
                 {"eos_token_id", eos_json(c)},
                 {"head_dim", c.head_dim},
                 {"hidden_act", "silu"},
                 {"hidden_size", c.hidden_size},
                 {"initializer_range", c.initializer_range},
                 {"intermediate_size", c.intermediate_size},
                 {"max_position_embeddings", c.max_position_embeddings},
                 {"model_type", traits.model_type},
                 {"num_attention_heads", c.num_attention_heads},
                 {"num_hidden_layers", c.num_hidden_layers},
                 {"num_key_value_heads", c.num_key_value_heads},
                 {"rms_norm_eps", c.rms_norm_eps},
                 {"rope_parameters", rope_json(c.rope)},
                 {"rope_theta", c.rope.theta},  // where transformers 4 looks
                 {"torch_dtype", dtype},        // likewise
                 {"tie_word_embeddings", c.tie_word_embeddings},
                 {"use_cache", true},
                 {"vocab_size", c.vocab_size}};
  if (c.rope.type != RopeType::standard) object["rope_scaling"] = rope_json(c.rope);  // likewise
  if (traits.has_attention_bias) object["attention_bias"] = c.out_bias;
  if (traits.has_mlp_bias) object["mlp_bias"] = c.mlp_bias;
  if (traits.has_window) object["use_sliding_window"] = false;
  return object.dump(2) + "\n";
}

std::string generation_config_json(const DecoderConfig& config) {
  json object = {{"do_sample", true}, {"temperature", 1.0}, {"top_k", 0}, {"top_p", 1.0}};
  if (!config.eos_token_ids.empty()) {
    object["eos_token_id"] = eos_json(config);
    object["pad_token_id"] = config.eos_token_ids.front();
  }
  return object.dump(2) + "\n";
}

}  // namespace reckon
