#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/model/decoder.h"
#include "reckon/rollout/sampler.h"

namespace reckon::testing {

/// A family's shape that the GPU takes, with grouped queries; float32 on the host, whose copy only holds the
/// weights.
inline DecoderConfig small_config(ModelFamily family) {
  DecoderConfig config;
  config.family = family;
  config.vocab_size = 45;  // no multiple of 8
  config.hidden_size = 48;
  config.intermediate_size = 56;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.max_position_embeddings = 512;
  config.eos_token_ids = {0};
  config.qk_norm = family == ModelFamily::qwen3;
  config.qkv_bias = family == ModelFamily::qwen2;
  config.out_bias = config.mlp_bias = family == ModelFamily::llama;
  config.tie_word_embeddings = family != ModelFamily::llama;
  return config;
}

/// Weights that bfloat16 holds exactly, biases and norms that are not what they are at first.
inline std::unique_ptr<Decoder> small_model(ModelFamily family, double deviation = 0.2) {
  auto model = std::make_unique<Decoder>(small_config(family));
  model->initialise(3, deviation);
  RandomStream random(4, 4);
  for (const ParameterTensor& tensor : model->tensors()) {
    for (float& value : model->parameters().subspan(tensor.offset, tensor.size)) {
      if (tensor.kind != ParameterKind::matrix) value += static_cast<float>(0.2 * random.normal());
      const auto bits = std::bit_cast<std::uint32_t>(value) + 0x8000U;
      value = std::bit_cast<float>(bits & 0xffff0000U);
    }
  }
  model->repack();
  return model;
}

/// Groups of a prompt each, of many lengths; every token is below 45 and none ends a completion.
struct SampleGroups {
  std::vector<std::vector<std::uint32_t>> prompts;
  std::vector<SampleRequest> requests;

  SampleGroups(const std::vector<std::size_t>& lengths, std::uint32_t group_size) {
    RandomStream random(5, 1);
    for (const std::size_t length : lengths) {
      std::vector<std::uint32_t> prompt;
      for (std::size_t i = 0; i < length; ++i) prompt.push_back(1 + random.below(44));
      prompts.push_back(prompt);
    }
    for (std::size_t g = 0; g < prompts.size(); ++g) {
      for (std::uint32_t i = 0; i < group_size; ++i) requests.push_back({prompts[g], {7, 1, g, 0, i}});
    }
  }
};

}  // namespace reckon::testing
