#include "reckon/model/decoder.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/model/weights_hash.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/isa.h"
#include "reckon/ops/swiglu.h"

namespace reckon {

void PackedRows::clear() {
  token_ids.clear();
  rows.clear();
  positions.clear();
}

void PackedRows::add(std::uint32_t token_id, std::int32_t slot, std::int32_t position) {
  token_ids.push_back(token_id);
  rows.push_back({slot, position});
  positions.push_back(position);
}

Decoder::Decoder(const DecoderConfig& config, Precision precision) : config_(config), precision_(precision) {
  check_compute_dtype(precision.compute);
  if (config.head_dim % 16 != 0 || config.head_dim > 256) {
    throw Error(ExitCode::usage, "model: head_dim " + std::to_string(config.head_dim) +
                                     " (need a multiple of 16, at most 256)");
  }
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    throw Error(ExitCode::usage, "model: " + std::to_string(config.num_attention_heads) +
                                     " query heads over " + std::to_string(config.num_key_value_heads) +
                                     " key-value heads (need a whole number each)");
  }
  lay_out_tensors();
  const RopeFrequencies rope = rope_frequencies(config.rope, config.head_dim);
  rope_ = RopeTable(rope.frequencies, rope.scale);
  num_logits_ = config.vocab_size;
}

void Decoder::lay_out_tensors() {
  std::map<std::string, std::size_t> offsets;
  std::size_t next = 0;
  for (TensorSpec& spec : decoder_tensor_specs(config_)) {
    ParameterTensor tensor;
    tensor.offset = next;
    tensor.size = 1;
    for (const std::int64_t extent : spec.shape) tensor.size *= static_cast<std::size_t>(extent);
    next += tensor.size;
    if (spec.name.ends_with("norm.weight")) tensor.kind = ParameterKind::norm;
    if (spec.name.ends_with(".bias")) tensor.kind = ParameterKind::bias;
    tensor.name = std::move(spec.name);
    tensor.shape = std::move(spec.shape);
    offsets[tensor.name] = tensor.offset;
    tensors_.push_back(std::move(tensor));
  }
  parameters_.resize(next);
  last_norm_ = offsets.at("model.norm.weight");
  head_ = config_.tie_word_embeddings ? 0 : offsets.at("lm_head.weight");
  layers_.resize(static_cast<std::size_t>(config_.num_hidden_layers));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto offset = [&](const char* name) {
      const auto found = offsets.find("model.layers." + std::to_string(i) + "." + name);
      return found == offsets.end() ? 0 : found->second;
    };
    Layer& layer = layers_[i];
    layer.input_norm = offset("input_layernorm.weight");
    layer.qkv = offset("self_attn.q_proj.weight");  // k and v stand behind it, as do their biases
    layer.qkv_bias = offset("self_attn.q_proj.bias");
    layer.q_norm = offset("self_attn.q_norm.weight");
    layer.k_norm = offset("self_attn.k_norm.weight");
    layer.out = offset("self_attn.o_proj.weight");
    layer.out_bias = offset("self_attn.o_proj.bias");
    layer.middle_norm = offset("post_attention_layernorm.weight");
    layer.gate_up = offset("mlp.gate_proj.weight");  // up stands behind it
    layer.gate_up_bias = offset("mlp.gate_proj.bias");
    layer.down = offset("mlp.down_proj.weight");
    layer.down_bias = offset("mlp.down_proj.bias");
  }
}

void Decoder::make_packed_weights() const {
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t width = config_.num_attention_heads * config_.head_dim;
  const std::int64_t inner = config_.intermediate_size;
  for (Layer& layer : layers_) {
    layer.qkv_weight =
        PackedWeight(at(layer.qkv, qkv_width() * hidden), qkv_width(), hidden, precision_.compute);
    layer.out_weight = PackedWeight(at(layer.out, hidden * width), hidden, width, precision_.compute);
    layer.gate_up_weight =
        PackedWeight(at(layer.gate_up, 2 * inner * hidden), 2 * inner, hidden, precision_.compute);
    layer.down_weight = PackedWeight(at(layer.down, hidden * inner), hidden, inner, precision_.compute);
  }
  head_weight_ = packed_head();
}

PackedWeight Decoder::packed_head() const {
  return {at(head_, num_logits_ * config_.hidden_size), num_logits_, config_.hidden_size, precision_.compute};
}

bool Decoder::is_packed() const {
  return head_weight_.out_features() > 0;
}

void Decoder::limit_vocabulary(std::int64_t num_tokens) {
  if (num_tokens < 1 || num_tokens > config_.vocab_size) {
    throw std::invalid_argument("limit_vocabulary: " + std::to_string(num_tokens) + " tokens (need 1 to " +
                                std::to_string(config_.vocab_size) + ", the rows of the output layer)");
  }
  num_logits_ = num_tokens;
  if (is_packed()) head_weight_ = packed_head();
}

std::span<const float> Decoder::at(std::size_t offset, std::int64_t size) const {
  return parameters_.span().subspan(offset, static_cast<std::size_t>(size));
}

std::int64_t Decoder::qkv_width() const {
  return (config_.num_attention_heads + 2 * config_.num_key_value_heads) * config_.head_dim;
}

HeadSlice Decoder::query_slice() const {
  return {qkv_width(), 0, config_.num_attention_heads, config_.head_dim};
}

HeadSlice Decoder::key_slice() const {
  return {qkv_width(), config_.num_attention_heads * config_.head_dim, config_.num_key_value_heads,
          config_.head_dim};
}

void Decoder::add_eos(std::int64_t token_id) {
  std::vector<std::int64_t>& ids = config_.eos_token_ids;
  if (std::find(ids.begin(), ids.end(), token_id) == ids.end()) ids.push_back(token_id);
}

void Decoder::initialise(std::uint64_t seed, double deviation) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto values = parameters_.span().subspan(tensors_[i].offset, tensors_[i].size);
    if (tensors_[i].kind != ParameterKind::matrix) {
      std::fill(values.begin(), values.end(), tensors_[i].kind == ParameterKind::norm ? 1.0f : 0.0f);
      continue;
    }
    RandomStream random(seed, 0x6D6F646Cu, static_cast<std::uint32_t>(i));
    for (float& value : values) value = static_cast<float>(deviation * random.normal());
  }
  repack();
}

void Decoder::repack() {
  ++version_;
  is_stale_ = true;
}

void Decoder::pack() const {
  if (!is_stale_) return;
  is_stale_ = false;
  if (!is_packed()) return make_packed_weights();  // packs them as it makes them
  for (Layer& layer : layers_) {
    for (PackedWeight* weight :
         {&layer.qkv_weight, &layer.out_weight, &layer.gate_up_weight, &layer.down_weight}) {
      weight->pack();
    }
  }
  head_weight_.pack();
}

std::string Decoder::sha256() const {
  Sha256 hash;
  for (const ParameterTensor& tensor : tensors_) {
    hash_tensor(hash, tensor.name, tensor.shape, parameters_.span().subspan(tensor.offset, tensor.size));
  }
  return hash.hex_digest();
}

KvCache::Shape Decoder::kv_shape() const {
  return {config_.num_hidden_layers, config_.num_key_value_heads, config_.head_dim, precision_.kv};
}

void Decoder::reset_cache(KvCache& cache, std::int64_t num_blocks) const {
  cache.reset(kv_shape(), num_blocks, version_);
}

void Decoder::logits(std::span<const float> hidden, std::span<float> logits) const {
  pack();
  linear(hidden, head_weight_, logits);
}

}  // namespace reckon
