#include "gpu_bench_models.h"

#include <algorithm>

#include "gpu_bench.h"
#include "reckon/base/error.h"

namespace reckon::bench {
namespace {

DecoderConfig qwen(std::int64_t hidden, std::int64_t inner, std::int64_t layers, std::int64_t heads,
                   std::int64_t kv_heads, std::int64_t head_dim, std::int64_t vocab) {
  DecoderConfig config;
  config.family = ModelFamily::qwen2;
  config.qk_norm = false;
  config.qkv_bias = true;
  config.max_position_embeddings = 32768;
  config.rope.theta = 1e6;
  config.hidden_size = hidden;
  config.intermediate_size = inner;
  config.num_hidden_layers = layers;
  config.num_attention_heads = heads;
  config.num_key_value_heads = kv_heads;
  config.head_dim = head_dim;
  config.vocab_size = vocab;
  return config;
}

}  // namespace

DecoderConfig model_config(const std::string& name) {
  if (name == "tiny") return qwen(64, 96, 2, 4, 2, 16, 264);
  if (name == "0.5b") return qwen(896, 4864, 24, 14, 2, 64, 151936);
  if (name == "1.5b") return qwen(1536, 8960, 28, 12, 2, 128, 151936);
  if (name == "7b") {
    DecoderConfig config = qwen(3584, 18944, 28, 28, 4, 128, 152064);
    config.tie_word_embeddings = false;
    return config;
  }
  throw Error(ExitCode::usage, "--model \"" + name + "\" (need 0.5b, 1.5b, 7b or tiny)");
}

std::string model_title(const std::string& name) {
  if (name == "tiny") return name;
  return "Qwen2.5-" + name.substr(0, name.size() - 1) + "B";
}

DecoderConfig head_config(std::int64_t width, std::int64_t vocab) {
  return qwen(width, 16, 1, 1, 1, 16, vocab);
}

std::unique_ptr<Decoder> random_decoder(const DecoderConfig& config) {
  auto decoder = std::make_unique<Decoder>(config);
  std::uint64_t number = 0;
  for (const ParameterTensor& tensor : decoder->tensors()) {
    const auto values = decoder->parameters().subspan(tensor.offset, tensor.size);
    if (tensor.kind == ParameterKind::norm) {
      std::fill(values.begin(), values.end(), 1.0f);
    } else {
      fill_random(values, 0.02f, ++number);
    }
  }
  return decoder;
}

double product_weights(const DecoderConfig& config) {
  double total = 0;
  for (const TensorSpec& spec : decoder_tensor_specs(config)) {
    if (spec.shape.size() < 2) continue;
    if (spec.name == "model.embed_tokens.weight" && !config.tie_word_embeddings) continue;
    total += static_cast<double>(spec.shape[0]) * static_cast<double>(spec.shape[1]);
  }
  return total;
}

double kv_bytes_per_token(const DecoderConfig& config) {
  return 4.0 * static_cast<double>(config.num_hidden_layers * config.num_key_value_heads * config.head_dim);
}

double attention_flop(const DecoderConfig& config, double positions) {
  return 4.0 * static_cast<double>(config.num_hidden_layers * config.num_attention_heads * config.head_dim) *
         positions;
}

}  // namespace reckon::bench
