#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "config_fields.h"
#include "reckon/model/decoder_config.h"

namespace reckon {

/// What the configuration class of a family fixes or leaves open (transformers, models/<model_type>/).
struct FamilyTraits {
  ModelFamily family = ModelFamily::qwen3;
  std::string_view model_type;
  std::string_view architecture;
  bool qk_norm = false;
  bool qkv_bias = false;              ///< always there
  bool has_attention_bias = false;    ///< a field `attention_bias`, for q, k, v and o together
  bool has_mlp_bias = false;          ///< a field `mlp_bias`
  bool has_window = false;            ///< fields of a sliding window
  std::int64_t default_head_dim = 0;  ///< 0: hidden_size / num_attention_heads
  std::int64_t default_kv_heads = 0;  ///< where the field is left out; 0: num_attention_heads
};

inline constexpr std::array kFamilies = {
    FamilyTraits{.family = ModelFamily::qwen2,
                 .model_type = "qwen2",
                 .architecture = "Qwen2ForCausalLM",
                 .qkv_bias = true,
                 .has_window = true,
                 .default_kv_heads = 32},
    FamilyTraits{.family = ModelFamily::qwen3,
                 .model_type = "qwen3",
                 .architecture = "Qwen3ForCausalLM",
                 .qk_norm = true,
                 .has_attention_bias = true,
                 .has_window = true,
                 .default_head_dim = 128,
                 .default_kv_heads = 32},
    FamilyTraits{.family = ModelFamily::llama,
                 .model_type = "llama",
                 .architecture = "LlamaForCausalLM",
                 .has_attention_bias = true,
                 .has_mlp_bias = true},
};

[[nodiscard]] constexpr const FamilyTraits& traits_of(ModelFamily family) {
  for (const FamilyTraits& traits : kFamilies) {
    if (traits.family == family) return traits;
  }
  return kFamilies[0];
}

inline constexpr std::int64_t kMaxVocab = 1 << 24;
inline constexpr std::array kDtypeNames = {std::pair{TensorDtype::f32, std::string_view("float32")},
                                           std::pair{TensorDtype::bf16, std::string_view("bfloat16")},
                                           std::pair{TensorDtype::f16, std::string_view("float16")}};

/// Takes over what the [model] table and config.json have in common.
void set_shape(DecoderConfig& config, const ModelInitConfig& init);
/// Heads, head_dim and ids that do not fit together.
void check_shape(const DecoderConfig& config, Problems& problems);

}  // namespace reckon
