// config.json and generation_config.json of Hugging Face model folders.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "config_fields.h"
#include "family_traits.h"
#include "reckon/base/error.h"
#include "reckon/model/decoder_config.h"

namespace reckon {

using nlohmann::json;

json parse_object(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(ExitCode::bad_data, where + ": key " + shown(parsed) + " stands twice");
    }
    return true;
  };
  json object;
  try {
    object = json::parse(text, watch);
  } catch (const json::exception& error) {
    const std::string what = error.what();  // "[json.exception...] what"
    throw Error(ExitCode::bad_data,
                where + ": is not valid JSON: " + shown(what.substr(what.find("] ") + 2)));
  }
  if (!object.is_object())
    throw Error(ExitCode::bad_data, where + ": is " + shown(object) + " (need a JSON object)");
  return object;
}

void throw_problems(ExitCode code, const Problems& problems, const std::string& where) {
  if (problems.empty()) return;
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + where + ": " + problem;
  throw Error(code, text);
}

namespace {

const FamilyTraits& family_of(const json& object, const std::string& where) {
  const auto type = object.find("model_type");
  for (const FamilyTraits& traits : kFamilies) {
    if (type != object.end() && *type == traits.model_type) return traits;
  }
  std::string supported;
  for (const FamilyTraits& traits : kFamilies) {
    supported += (supported.empty() ? "" : ", ") + shown(traits.model_type);
  }
  // Of another family the rest of the file would only add noise.
  throw Error(ExitCode::bad_data, where + ": model_type is " +
                                      (type == object.end() ? "missing" : shown(*type)) +
                                      " (supported: " + supported + ")");
}

/// The fields of one type of RoPE beside rope_type and rope_theta.
void read_scaling(Fields& rope, RopeConfig& config, std::int64_t max_position_embeddings) {
  if (config.type == RopeType::standard) return;
  const Bounds positive = above(0);
  const Bounds length = between(1, 1e9);
  if (config.type != RopeType::linear) {
    config.original_max_position_embeddings = max_position_embeddings;
    rope.integer("original_max_position_embeddings", config.original_max_position_embeddings, length);
  }
  if (config.type == RopeType::yarn && rope.get("factor") == nullptr) {
    // DeepSeek's form: the ratio of the two lengths.
    config.factor = static_cast<double>(max_position_embeddings) /
                    static_cast<double>(config.original_max_position_embeddings);
  } else {
    rope.real("factor", config.factor, required(at_least(1)));
  }
  if (config.type == RopeType::llama3) {
    rope.real("low_freq_factor", config.low_freq_factor, required(positive));
    rope.real("high_freq_factor", config.high_freq_factor, required(positive));
    if (config.high_freq_factor <= config.low_freq_factor) {
      rope.wrong("high_freq_factor", config.high_freq_factor,
                 "more than low_freq_factor, " + number_text(config.low_freq_factor));
    }
  }
  if (config.type == RopeType::yarn) {
    rope.real("attention_factor", config.attention_factor, positive);
    rope.real("beta_fast", config.beta_fast, positive);
    rope.real("beta_slow", config.beta_slow, positive);
    rope.real("mscale", config.mscale, at_least(0));
    rope.real("mscale_all_dim", config.mscale_all_dim, at_least(0));
    rope.boolean("truncate", config.truncate);
  }
}

void read_rope_type(Fields& rope, RopeConfig& config) {
  const json* value = rope.get("rope_type");
  const bool old_name = value == nullptr;
  if (old_name) value = rope.get("type");
  if (value == nullptr) return;
  std::string supported;
  for (const auto& [type, name] : enum_names(RopeType{})) {
    if (*value == name) {
      config.type = type;
      return;
    }
    supported += (supported.empty() ? "one of " : ", ") + shown(name);
  }
  rope.wrong(old_name ? "type" : "rope_type", *value, supported);
}

void read_rope(const json& object, Fields& fields, DecoderConfig& decoder, Problems& problems) {
  RopeConfig& config = decoder.rope;
  const bool at_top = fields.get("rope_theta") != nullptr;
  fields.real("rope_theta", config.theta, above(0));
  fields.only("partial_rotary_factor", 1);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {  // the newer name wins
    const json* value = fields.get(name);
    if (value == nullptr) continue;
    if (!value->is_object()) {
      fields.wrong(name, *value, "an object");
      continue;
    }
    Fields rope(*value, problems, std::string(name) + ".");
    rope.only("partial_rotary_factor", 1);
    for (const auto& [key, inner] : value->items()) {
      if (inner.is_object())
        problems.push_back(std::string(name) + "." + key + ": RoPE by layer type is not supported");
    }
    double inner_theta = config.theta;
    rope.real("rope_theta", inner_theta, above(0));
    if (at_top && inner_theta != config.theta) {
      problems.push_back("rope_theta is " + shown(object.at("rope_theta")) + " but " + name +
                         ".rope_theta is " + number_text(inner_theta));
    }
    config.theta = inner_theta;
    read_rope_type(rope, config);
    read_scaling(rope, config, decoder.max_position_embeddings);
  }
}

void read_eos(Fields& fields, std::vector<std::int64_t>& ids) {
  const json* value = fields.get("eos_token_id");
  if (value == nullptr) return;
  const auto list = value->is_array() ? *value : json::array({*value});
  for (const json& id : list) {
    const bool fits =
        id.is_number_integer() && inside(id.get<double>(), {.low = 0, .high = double(kMaxVocab)});
    if (!fits) return fields.wrong("eos_token_id", *value, "one or several whole numbers from 0");
    ids.push_back(id.get<std::int64_t>());
  }
}

void read_dtype(Fields& fields, DecoderConfig& config) {
  for (const char* name : {"torch_dtype", "dtype"}) {  // the newer name wins
    const json* value = fields.get(name);
    if (value == nullptr) continue;
    const auto known = std::find_if(kDtypeNames.begin(), kDtypeNames.end(),
                                    [&](const auto& entry) { return *value == entry.second; });
    if (known == kDtypeNames.end()) {
      fields.wrong(name, *value, R"("float32", "bfloat16" or "float16")");
    } else {
      config.dtype = known->first;
    }
  }
}

/// A window shorter than the sequence makes another model. `layer_types` decides where it is given, else the
/// layers from max_window_layers on have it.
void refuse_active_window(const json& object, Fields& fields, std::int64_t num_layers, Problems& problems) {
  if (const json* layers = fields.get("layer_types")) {
    const bool full =
        layers->is_array() && std::all_of(layers->begin(), layers->end(),
                                          [](const json& layer) { return layer == "full_attention"; });
    if (!full)
      problems.push_back("layer_types is " + shown(*layers) +
                         " (supported: \"full_attention\" in every layer)");
    return;
  }
  bool uses = false;
  fields.boolean("use_sliding_window", uses);
  std::int64_t first = 28;  // default of Qwen2Config and Qwen3Config
  fields.integer("max_window_layers", first, between(0, 1e9));
  const auto window = object.find("sliding_window");
  if (!uses || first >= num_layers || (window != object.end() && window->is_null())) return;
  problems.push_back(
      "use_sliding_window is true: sliding_window " + (window == object.end() ? "4096" : shown(*window)) +
      " from layer " + std::to_string(first) +
      " on is not supported (need false, or max_window_layers = " + std::to_string(num_layers) + ")");
}

/// Whatever would make transformers compute something else than we do.
void refuse_unsupported(const json& object, const FamilyTraits& traits, Fields& fields, Problems& problems) {
  if (const json* names = fields.get("architectures")) {
    if (*names != json::array({traits.architecture})) {
      problems.push_back("architectures is " + shown(*names) +
                         " (supported: " + shown(json::array({traits.architecture})) + ")");
    }
  }
  fields.only("hidden_act", "silu");
  fields.only("attention_dropout", 0);
  if (object.contains("quantization_config"))
    problems.push_back("quantization_config: quantised weights are not supported");
}

/// Sizes and constants, by the declarations of the recipe's [model] table, which alone knows the ranges.
void read_shape(const json& object, const FamilyTraits& traits, Fields& fields, DecoderConfig& config) {
  ModelInitConfig shape;
  shape.head_dim = 0;
  shape.rms_norm_eps = 1e-6;
  shape.initializer_range = 0.02;
  shape.num_attention_heads = 0;  // left so where the field is missing or wrong: check_shape stays silent
  // Left out is 32 in Qwen's classes; a null means one for each query head everywhere.
  const bool has_default = traits.default_kv_heads != 0 && !object.contains("num_key_value_heads");
  shape.num_key_value_heads = has_default ? traits.default_kv_heads : 0;
  describe(fields, shape);
  if (shape.num_key_value_heads == 0) shape.num_key_value_heads = shape.num_attention_heads;
  if (shape.head_dim == 0) {
    shape.head_dim = traits.default_head_dim != 0 || shape.num_attention_heads == 0
                         ? traits.default_head_dim
                         : shape.hidden_size / shape.num_attention_heads;
  }
  set_shape(config, shape);
}

}  // namespace

DecoderConfig parse_decoder_config(std::string_view json_text, const std::string& where) {
  const json object = parse_object(json_text, where);
  const FamilyTraits& traits = family_of(object, where);
  Problems problems;
  Fields fields(object, problems);
  DecoderConfig config;
  config.family = traits.family;
  refuse_unsupported(object, traits, fields, problems);
  read_shape(object, traits, fields, config);
  if (traits.has_window) refuse_active_window(object, fields, config.num_hidden_layers, problems);
  read_rope(object, fields, config, problems);
  fields.integer("vocab_size", config.vocab_size, required(between(1, double(kMaxVocab))));
  config.tie_word_embeddings = false;
  fields.boolean("tie_word_embeddings", config.tie_word_embeddings);
  config.qk_norm = traits.qk_norm;
  config.qkv_bias = traits.qkv_bias;
  if (traits.has_attention_bias) {
    fields.boolean("attention_bias", config.out_bias);
    config.qkv_bias = config.out_bias;
  }
  if (traits.has_mlp_bias) fields.boolean("mlp_bias", config.mlp_bias);
  read_eos(fields, config.eos_token_ids);
  read_dtype(fields, config);
  check_shape(config, problems);
  throw_problems(ExitCode::bad_data, problems, where);
  return config;
}

std::vector<std::int64_t> parse_generation_eos(std::string_view json_text, const std::string& where) {
  const json object = parse_object(json_text, where);
  Problems problems;
  Fields fields(object, problems);
  std::vector<std::int64_t> ids;
  read_eos(fields, ids);
  throw_problems(ExitCode::bad_data, problems, where);
  return ids;
}

}  // namespace reckon
