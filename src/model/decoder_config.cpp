#include "reckon/model/decoder_config.h"

#include <algorithm>
#include <string>

#include "family_traits.h"
#include "reckon/base/error.h"

namespace reckon {

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

void set_shape(DecoderConfig& config, const ModelInitConfig& init) {
  config.hidden_size = init.hidden_size;
  config.intermediate_size = init.intermediate_size;
  config.num_hidden_layers = init.num_hidden_layers;
  config.num_attention_heads = init.num_attention_heads;
  config.num_key_value_heads = init.num_key_value_heads;
  config.head_dim = init.head_dim;
  config.max_position_embeddings = init.max_position_embeddings;
  config.rope.theta = init.rope_theta;
  config.rms_norm_eps = init.rms_norm_eps;
  config.initializer_range = init.initializer_range;
}

DecoderConfig decoder_config_from(const ModelInitConfig& init, std::int64_t vocab_size,
                                  std::int64_t eos_token_id) {
  DecoderConfig config;
  config.family = init.init;
  config.qk_norm = traits_of(init.init).qk_norm;
  config.qkv_bias = traits_of(init.init).qkv_bias;
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
  const std::int64_t inner = c.intermediate_size;
  std::vector<TensorSpec> specs = {{"model.embed_tokens.weight", {c.vocab_size, c.hidden_size}}};
  for (std::int64_t layer = 0; layer < c.num_hidden_layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
      specs.push_back({prefix + name, std::move(shape)});
    };
    add("input_layernorm.weight", {c.hidden_size});
    add("self_attn.q_proj.weight", {queries, c.hidden_size});
    add("self_attn.k_proj.weight", {keys, c.hidden_size});
    add("self_attn.v_proj.weight", {keys, c.hidden_size});
    if (c.qkv_bias) {
      add("self_attn.q_proj.bias", {queries});
      add("self_attn.k_proj.bias", {keys});
      add("self_attn.v_proj.bias", {keys});
    }
    if (c.qk_norm) {
      add("self_attn.q_norm.weight", {c.head_dim});
      add("self_attn.k_norm.weight", {c.head_dim});
    }
    add("self_attn.o_proj.weight", {c.hidden_size, queries});
    if (c.out_bias) add("self_attn.o_proj.bias", {c.hidden_size});
    add("post_attention_layernorm.weight", {c.hidden_size});
    add("mlp.gate_proj.weight", {inner, c.hidden_size});
    add("mlp.up_proj.weight", {inner, c.hidden_size});
    if (c.mlp_bias) {
      add("mlp.gate_proj.bias", {inner});
      add("mlp.up_proj.bias", {inner});
    }
    add("mlp.down_proj.weight", {c.hidden_size, inner});
    if (c.mlp_bias) add("mlp.down_proj.bias", {c.hidden_size});
  }
  specs.push_back({"model.norm.weight", {c.hidden_size}});
  if (!c.tie_word_embeddings) specs.push_back({"lm_head.weight", {c.vocab_size, c.hidden_size}});
  return specs;
}

void check_decoder_tensors(const DecoderConfig& config, const WeightFiles& weights) {
  auto specs = decoder_tensor_specs(config);
  const TensorView* head = weights.find("lm_head.weight");
  const TensorView* embedding = weights.find("model.embed_tokens.weight");
  const bool same_head =
      config.tie_word_embeddings && head != nullptr && embedding != nullptr &&
      head->dtype == embedding->dtype && head->shape == embedding->shape &&
      std::equal(head->data.begin(), head->data.end(), embedding->data.begin(), embedding->data.end());
  if (same_head) specs.push_back({head->name, head->shape});
  std::vector<TensorView> tensors;
  for (const TensorView& view : weights.tensors()) {
    if (!view.name.ends_with(".rotary_emb.inv_freq")) tensors.push_back(view);
  }
  auto problems = tensor_mismatches(tensors, specs);
  for (const TensorView& view : tensors) {
    const bool known = std::any_of(kDtypeNames.begin(), kDtypeNames.end(),
                                   [&](const auto& entry) { return entry.first == view.dtype; });
    if (!known) {
      problems.push_back("tensor " + shown(view.name) + " is " + std::string(dtype_name(view.dtype)) +
                         " (need F32, BF16 or F16)");
    }
  }
  throw_problems(ExitCode::bad_data, problems, weights.path().string());
}

}  // namespace reckon
