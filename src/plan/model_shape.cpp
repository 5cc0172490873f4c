#include "reckon/plan/model_shape.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reckon::plan {
namespace {

enum class Family { qwen2, qwen3, llama };

struct Sizes {
  std::int64_t vocab, hidden, inner, layers, heads, kv_heads, head_dim;
  bool tied;
};

ModelShape shape_of(const char* name, Family family, const Sizes& s) {
  ModelShape shape;
  shape.name = name;
  shape.vocab_size = s.vocab;
  shape.hidden_size = s.hidden;
  shape.intermediate_size = s.inner;
  shape.num_hidden_layers = s.layers;
  shape.num_attention_heads = s.heads;
  shape.num_key_value_heads = s.kv_heads;
  shape.head_dim = s.head_dim;
  shape.tie_word_embeddings = s.tied;
  shape.qk_norm = family == Family::qwen3;
  shape.qkv_bias = family == Family::qwen2;
  return shape;
}

}  // namespace

double ModelShape::parameters() const {
  const double norms = 2 * hidden() + (qk_norm ? 2 * static_cast<double>(head_dim) : 0);
  const double biases = qkv_bias ? qkv() : 0;
  const double embeddings = (tie_word_embeddings ? 1 : 2) * static_cast<double>(vocab_size) * hidden();
  return embeddings + layers() * (layer_matrices() + norms + biases) + hidden() +
         static_cast<double>(other_parameters);
}

std::span<const ModelShape> known_models() {
  static const std::array models = {
      shape_of("Qwen2.5-0.5B", Family::qwen2, {151936, 896, 4864, 24, 14, 2, 64, true}),
      shape_of("Qwen3-0.6B", Family::qwen3, {151936, 1024, 3072, 28, 16, 8, 128, true}),
      shape_of("Llama-3.2-1B", Family::llama, {128256, 2048, 8192, 16, 32, 8, 64, true}),
      shape_of("Qwen2.5-1.5B", Family::qwen2, {151936, 1536, 8960, 28, 12, 2, 128, true}),
      shape_of("Qwen3-1.7B", Family::qwen3, {151936, 2048, 6144, 28, 16, 8, 128, true}),
      shape_of("Qwen2.5-3B", Family::qwen2, {151936, 2048, 11008, 36, 16, 2, 128, true}),
      shape_of("Llama-3.2-3B", Family::llama, {128256, 3072, 8192, 28, 24, 8, 128, true}),
      shape_of("Qwen3-4B", Family::qwen3, {151936, 2560, 9728, 36, 32, 8, 128, true}),
      shape_of("Qwen2.5-7B", Family::qwen2, {152064, 3584, 18944, 28, 28, 4, 128, false}),
      shape_of("Llama-3.1-8B", Family::llama, {128256, 4096, 14336, 32, 32, 8, 128, false}),
      shape_of("Qwen3-8B", Family::qwen3, {151936, 4096, 12288, 36, 32, 8, 128, false}),
      shape_of("Qwen3-14B", Family::qwen3, {151936, 5120, 17408, 40, 40, 8, 128, false}),
      shape_of("Qwen2.5-14B", Family::qwen2, {152064, 5120, 13824, 48, 40, 8, 128, false}),
      shape_of("Qwen3-32B", Family::qwen3, {151936, 5120, 25600, 64, 64, 8, 128, false}),
      shape_of("Qwen2.5-32B", Family::qwen2, {152064, 5120, 27648, 64, 40, 8, 128, false}),
      shape_of("Llama-3.1-70B", Family::llama, {128256, 8192, 28672, 80, 64, 8, 128, false}),
      shape_of("Qwen2.5-72B", Family::qwen2, {152064, 8192, 29568, 80, 64, 8, 128, false}),
  };
  return models;
}

const ModelShape* find_known_model(const std::string& path) {
  std::string name = path.substr(0, path.find_last_not_of('/') + 1);
  name = name.substr(name.rfind('/') + 1);
  for (const char* ending : {"-Instruct", "-Base"}) {
    if (name.ends_with(ending)) name.resize(name.rfind('-'));
  }
  if (const auto at = name.find("-Math-"); at != std::string::npos) name.erase(at, 5);
  const auto models = known_models();
  const auto found = std::ranges::find(models, name, &ModelShape::name);
  return found == models.end() ? nullptr : &*found;
}

ModelShape scaled(const ModelShape& shape, double factor) {
  const auto times = [factor](std::int64_t size, std::int64_t multiple) {
    const double steps = std::round(factor * static_cast<double>(size) / static_cast<double>(multiple));
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(steps)) * multiple;
  };
  ModelShape out = shape;
  out.name.clear();
  const std::int64_t heads_per_key = shape.num_attention_heads / shape.num_key_value_heads;
  out.num_key_value_heads = times(shape.num_key_value_heads, 1);
  out.num_attention_heads = out.num_key_value_heads * heads_per_key;
  out.hidden_size = times(shape.hidden_size, 8);
  out.intermediate_size = times(shape.intermediate_size, 8);
  out.num_hidden_layers = times(shape.num_hidden_layers, 1);
  return out;
}

}  // namespace reckon::plan
