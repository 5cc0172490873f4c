#include "reckon/model/decoder_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "json_text.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

using nlohmann::json;
using Problems = std::vector<std::string>;

constexpr std::int64_t kMaxVocab = 1 << 24;
constexpr std::string_view kFamily = "qwen3";
constexpr std::string_view kArchitecture = "Qwen3ForCausalLM";
constexpr std::array kDtypeNames = {std::pair{TensorDtype::f32, "float32"},
                                    std::pair{TensorDtype::bf16, "bfloat16"},
                                    std::pair{TensorDtype::f16, "float16"}};

std::string number_text(double value) {
  std::ostringstream text;
  text.precision(12);
  text << value;
  return text.str();
}

std::string range_text(const Bounds& bounds) {
  const bool low = bounds.low > -std::numeric_limits<double>::infinity();
  const bool high = bounds.high < std::numeric_limits<double>::infinity();
  std::string text;
  if (low) text += (bounds.low_open ? " above " : " from ") + number_text(bounds.low);
  if (high) text += (bounds.high_open ? " below " : " to ") + number_text(bounds.high);
  return text;
}

bool inside(double value, const Bounds& bounds) {
  return (bounds.low_open ? value > bounds.low : value >= bounds.low) &&
         (bounds.high_open ? value < bounds.high : value <= bounds.high);
}

/// Takes checked values out of a JSON object; what is wrong is put down and the default kept, so that one
/// reading finds every problem. A null is a field that is left out. Called as a visitor by
/// describe(ModelInitConfig), which alone knows the ranges.
class Fields {
 public:
  Fields(const json& object, Problems& problems, std::string prefix = "")
      : object_(object), problems_(problems), prefix_(std::move(prefix)) {}

  /// The field, or nullptr where it is left out.
  [[nodiscard]] const json* get(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void wrong(std::string_view name, const json& value, const std::string& need) {
    problems_.push_back(prefix_ + std::string(name) + " is " + shown(value) + " (need " + need + ")");
  }
  void integer(std::string_view name, std::int64_t& target, const Bounds& bounds) {
    const json* value = get(name);
    if (value == nullptr) {
      if (bounds.required) problems_.push_back(prefix_ + std::string(name) + " is missing");
      return;
    }
    const bool fits = value->is_number_integer() && inside(value->get<double>(), bounds);
    if (!fits) return wrong(name, *value, "a whole number" + range_text(bounds));
    target = value->get<std::int64_t>();
  }
  void real(std::string_view name, double& target, const Bounds& bounds) {
    const json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_number() || !inside(value->get<double>(), bounds)) {
      return wrong(name, *value, "a number" + range_text(bounds));
    }
    target = value->get<double>();
  }
  /// A field that must be left out or be this.
  void only(std::string_view name, const json& supported) {
    const json* value = get(name);
    if (value != nullptr && *value != supported) {
      problems_.push_back(prefix_ + std::string(name) + " is " + shown(*value) +
                          " (supported: " + shown(supported) + ")");
    }
  }

  void operator()(std::string_view name, std::int64_t& target, const Bounds& bounds, std::string_view) {
    const bool has_default = name == "head_dim" || name == "num_key_value_heads";
    integer(name, target, has_default ? bounds : required(bounds));
  }
  void operator()(std::string_view name, double& target, const Bounds& bounds, std::string_view) {
    if (name != "rope_theta") real(name, target, bounds);  // which has several places: read_rope
  }
  template <class Other>
  void operator()(std::string_view, Other&, const Bounds&, std::string_view) {
  }  // of recipes, not of config.json

 private:
  const json& object_;
  Problems& problems_;
  std::string prefix_;
};

/// \throws Error(bad_data)  where the text is not a JSON object, or a key stands twice in one object: of two
/// values the
///         parser would silently keep the last.
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

void read_rope(const json& object, Fields& fields, double& theta, Problems& problems) {
  const Bounds positive = above(0);
  const bool at_top = fields.get("rope_theta") != nullptr;
  fields.real("rope_theta", theta, positive);
  fields.only("partial_rotary_factor", 1);
  for (const char* name : {"rope_parameters", "rope_scaling"}) {
    const json* value = fields.get(name);
    if (value == nullptr) continue;
    if (!value->is_object()) {
      fields.wrong(name, *value, "an object");
      continue;
    }
    Fields rope(*value, problems, std::string(name) + ".");
    rope.only("rope_type", "default");
    rope.only("type", "default");
    rope.only("partial_rotary_factor", 1);
    for (const auto& [key, inner] : value->items()) {
      if (inner.is_object())
        problems.push_back(std::string(name) + "." + key + ": RoPE by layer type is not supported");
    }
    double inner_theta = theta;
    rope.real("rope_theta", inner_theta, positive);
    if (at_top && inner_theta != theta) {
      problems.push_back("rope_theta is " + shown(object.at("rope_theta")) + " but " + name +
                         ".rope_theta is " + number_text(inner_theta));
    }
    theta = inner_theta;
  }
}

void read_eos(Fields& fields, DecoderConfig& config) {
  const json* value = fields.get("eos_token_id");
  if (value == nullptr) return;
  const auto list = value->is_array() ? *value : json::array({*value});
  for (const json& id : list) {
    const bool fits =
        id.is_number_integer() && inside(id.get<double>(), {.low = 0, .high = double(kMaxVocab)});
    if (!fits) return fields.wrong("eos_token_id", *value, "one or several whole numbers from 0");
    config.eos_token_ids.push_back(id.get<std::int64_t>());
  }
}

void read_dtype(Fields& fields, DecoderConfig& config) {
  for (const char* name : {"torch_dtype", "dtype"}) {  // the newer name wins
    const json* value = fields.get(name);
    if (value == nullptr) continue;
    const auto known = std::find_if(kDtypeNames.begin(), kDtypeNames.end(),
                                    [&](const auto& entry) { return *value == entry.second; });
    if (known == kDtypeNames.end()) {
      fields.wrong(name, *value, "\"float32\", \"bfloat16\" or \"float16\"");
    } else {
      config.dtype = known->first;
    }
  }
}

/// Whatever would make transformers compute something else than we do.
void refuse_unsupported(const json& object, Fields& fields, Problems& problems) {
  if (const json* names = fields.get("architectures")) {
    if (*names != json::array({kArchitecture})) {
      problems.push_back("architectures is " + shown(*names) +
                         " (supported: " + shown(json::array({kArchitecture})) + ")");
    }
  }
  fields.only("hidden_act", "silu");
  fields.only("attention_bias", false);
  fields.only("attention_dropout", 0);
  fields.only("use_sliding_window", false);
  if (const json* layers = fields.get("layer_types")) {
    const bool full =
        layers->is_array() && std::all_of(layers->begin(), layers->end(),
                                          [](const json& layer) { return layer == "full_attention"; });
    if (!full)
      problems.push_back("layer_types is " + shown(*layers) +
                         " (supported: \"full_attention\" in every layer)");
  }
  if (object.contains("quantization_config"))
    problems.push_back("quantization_config: quantised weights are not supported");
}

void check_shape(const DecoderConfig& c, Problems& problems) {
  if (c.num_key_value_heads > 0 && c.num_attention_heads % c.num_key_value_heads != 0) {
    problems.push_back("num_attention_heads is " + std::to_string(c.num_attention_heads) +
                       " (need a multiple of num_key_value_heads, " + std::to_string(c.num_key_value_heads) +
                       ")");
  }
  if (c.head_dim % 2 != 0) {
    problems.push_back("head_dim is " + std::to_string(c.head_dim) +
                       " (need an even number: RoPE turns pairs)");
  }
  for (const std::int64_t id : c.eos_token_ids) {
    if (id >= 0 && (id < c.vocab_size || c.vocab_size == 0)) continue;
    problems.push_back("eos_token_id " + std::to_string(id) + " is not a token (need 0 to " +
                       std::to_string(c.vocab_size - 1) + ", vocab_size - 1)");
  }
}

void throw_problems(ExitCode code, const Problems& problems, const std::string& where) {
  if (problems.empty()) return;
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + where + ": " + problem;
  throw Error(code, text);
}

void set_shape(DecoderConfig& config, const ModelInitConfig& init) {
  config.family = init.init;
  config.hidden_size = init.hidden_size;
  config.intermediate_size = init.intermediate_size;
  config.num_hidden_layers = init.num_hidden_layers;
  config.num_attention_heads = init.num_attention_heads;
  config.num_key_value_heads = init.num_key_value_heads;
  config.head_dim = init.head_dim;
  config.max_position_embeddings = init.max_position_embeddings;
  config.rope_theta = init.rope_theta;
  config.rms_norm_eps = init.rms_norm_eps;
  config.initializer_range = init.initializer_range;
}

json eos_json(const DecoderConfig& config) {
  if (config.eos_token_ids.empty()) return nullptr;
  if (config.eos_token_ids.size() == 1) return config.eos_token_ids.front();
  return config.eos_token_ids;
}

}  // namespace

DecoderConfig parse_decoder_config(std::string_view json_text, const std::string& where) {
  const json object = parse_object(json_text, where);
  Problems problems;
  Fields fields(object, problems);
  const json* type = fields.get("model_type");
  if (type == nullptr || *type != kFamily) {  // of another family the rest would only add noise
    throw Error(ExitCode::bad_data, where + ": model_type is " +
                                        (type == nullptr ? "missing" : shown(*type)) +
                                        " (supported: " + shown(kFamily) + ")");
  }
  refuse_unsupported(object, fields, problems);

  ModelInitConfig shape;
  shape.head_dim = 128;  // defaults of Qwen3Config
  shape.rope_theta = 10000.0;
  shape.rms_norm_eps = 1e-6;
  shape.initializer_range = 0.02;
  shape.num_attention_heads = 0;  // left so where the field is missing or wrong: check_shape stays silent
  shape.num_key_value_heads = 0;
  describe(fields, shape);
  if (fields.get("num_key_value_heads") == nullptr) shape.num_key_value_heads = shape.num_attention_heads;
  read_rope(object, fields, shape.rope_theta, problems);

  DecoderConfig config;
  set_shape(config, shape);
  fields.integer("vocab_size", config.vocab_size, required(between(1, double(kMaxVocab))));
  config.tie_word_embeddings = false;
  if (const json* tied = fields.get("tie_word_embeddings")) {
    if (tied->is_boolean()) {
      config.tie_word_embeddings = tied->get<bool>();
    } else {
      fields.wrong("tie_word_embeddings", *tied, "true or false");
    }
  }
  read_eos(fields, config);
  read_dtype(fields, config);
  check_shape(config, problems);
  throw_problems(ExitCode::bad_data, problems, where);
  return config;
}

std::string to_config_json(const DecoderConfig& c) {
  const auto dtype = std::find_if(kDtypeNames.begin(), kDtypeNames.end(),
                                  [&](const auto& entry) { return entry.first == c.dtype; });
  if (dtype == kDtypeNames.end())
    throw std::invalid_argument("to_config_json: no name for this dtype in config.json");
  const json object = {{"architectures", {kArchitecture}},
                       {"attention_bias", false},
                       {"attention_dropout", 0.0},
                       {"dtype", dtype->second},
                       {"eos_token_id", eos_json(c)},
                       {"head_dim", c.head_dim},
                       {"hidden_act", "silu"},
                       {"hidden_size", c.hidden_size},
                       {"initializer_range", c.initializer_range},
                       {"intermediate_size", c.intermediate_size},
                       {"max_position_embeddings", c.max_position_embeddings},
                       {"model_type", kFamily},
                       {"num_attention_heads", c.num_attention_heads},
                       {"num_hidden_layers", c.num_hidden_layers},
                       {"num_key_value_heads", c.num_key_value_heads},
                       {"rms_norm_eps", c.rms_norm_eps},
                       {"rope_parameters", {{"rope_theta", c.rope_theta}, {"rope_type", "default"}}},
                       {"rope_theta", c.rope_theta},    // where transformers 4 looks
                       {"torch_dtype", dtype->second},  // likewise
                       {"tie_word_embeddings", c.tie_word_embeddings},
                       {"use_cache", true},
                       {"use_sliding_window", false},
                       {"vocab_size", c.vocab_size}};
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

DecoderConfig decoder_config_from(const ModelInitConfig& init, std::int64_t vocab_size,
                                  std::int64_t eos_token_id) {
  DecoderConfig config;
  set_shape(config, init);
  config.vocab_size = vocab_size;
  config.eos_token_ids = {eos_token_id};
  Problems problems;
  check_shape(config, problems);
  throw_problems(ExitCode::usage, problems, "[model]");
  return config;
}

std::vector<TensorSpec> decoder_tensor_specs(const DecoderConfig& c) {
  const std::int64_t queries = c.num_attention_heads * c.head_dim;
  const std::int64_t keys = c.num_key_value_heads * c.head_dim;
  std::vector<TensorSpec> specs = {{"model.embed_tokens.weight", {c.vocab_size, c.hidden_size}}};
  for (std::int64_t layer = 0; layer < c.num_hidden_layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
      specs.push_back({prefix + name + ".weight", std::move(shape)});
    };
    add("input_layernorm", {c.hidden_size});
    add("self_attn.q_proj", {queries, c.hidden_size});
    add("self_attn.k_proj", {keys, c.hidden_size});
    add("self_attn.v_proj", {keys, c.hidden_size});
    if (c.qk_norm) add("self_attn.q_norm", {c.head_dim});
    if (c.qk_norm) add("self_attn.k_norm", {c.head_dim});
    add("self_attn.o_proj", {c.hidden_size, queries});
    add("post_attention_layernorm", {c.hidden_size});
    add("mlp.gate_proj", {c.intermediate_size, c.hidden_size});
    add("mlp.up_proj", {c.intermediate_size, c.hidden_size});
    add("mlp.down_proj", {c.hidden_size, c.intermediate_size});
  }
  specs.push_back({"model.norm.weight", {c.hidden_size}});
  if (!c.tie_word_embeddings) specs.push_back({"lm_head.weight", {c.vocab_size, c.hidden_size}});
  return specs;
}

void check_decoder_tensors(const DecoderConfig& config, const SafetensorsFile& file) {
  auto specs = decoder_tensor_specs(config);
  const TensorView* head = file.find("lm_head.weight");
  const TensorView* embedding = file.find("model.embed_tokens.weight");
  const bool same_head =
      config.tie_word_embeddings && head != nullptr && embedding != nullptr &&
      head->dtype == embedding->dtype && head->shape == embedding->shape &&
      std::equal(head->data.begin(), head->data.end(), embedding->data.begin(), embedding->data.end());
  if (same_head) specs.push_back({head->name, head->shape});
  auto problems = tensor_mismatches(file, specs);
  for (const TensorView& view : file.tensors()) {
    const bool known = std::any_of(kDtypeNames.begin(), kDtypeNames.end(),
                                   [&](const auto& entry) { return entry.first == view.dtype; });
    if (!known) {
      problems.push_back("tensor " + shown(view.name) + " is " + std::string(dtype_name(view.dtype)) +
                         " (need F32, BF16 or F16)");
    }
  }
  throw_problems(ExitCode::bad_data, problems, file.path().string());
}

}  // namespace reckon
