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

Decoder::Decoder(const DecoderConfig& config) : config_(config) {
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

void Decoder::make_packed_weights() {
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t width = config_.num_attention_heads * config_.head_dim;
  const std::int64_t inner = config_.intermediate_size;
  for (Layer& layer : layers_) {
    layer.qkv_weight = PackedWeight(at(layer.qkv, qkv_width() * hidden), qkv_width(), hidden);
    layer.out_weight = PackedWeight(at(layer.out, hidden * width), hidden, width);
    layer.gate_up_weight = PackedWeight(at(layer.gate_up, 2 * inner * hidden), 2 * inner, hidden);
    layer.down_weight = PackedWeight(at(layer.down, hidden * inner), hidden, inner);
  }
  head_weight_ = packed_head();
}

PackedWeight Decoder::packed_head() const {
  return {at(head_, num_logits_ * config_.hidden_size), num_logits_, config_.hidden_size};
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

void Decoder::reset_caches(LayerCaches& caches, std::span<const std::int64_t> capacities) const {
  caches.resize(layers_.size());
  for (KvCache& cache : caches) cache.reset(capacities, config_.num_key_value_heads, config_.head_dim);
}

void Decoder::forward(const PackedRows& rows, LayerCaches& caches, Activations& activations,
                      std::span<float> hidden) const {
  if (!is_packed())
    throw std::logic_error("Decoder::forward: no weights yet (need initialise() or repack())");
  const auto tokens = static_cast<std::int64_t>(rows.size());
  const std::int64_t longest =
      rows.positions.empty() ? 0 : *std::max_element(rows.positions.begin(), rows.positions.end()) + 1;
  if (longest > config_.max_position_embeddings) {
    throw Error(ExitCode::usage, "model: a sequence of " + std::to_string(longest) +
                                     " tokens (max_position_embeddings is " +
                                     std::to_string(config_.max_position_embeddings) + ")");
  }
  rope_.extend_to(longest);
  activations.layers.resize(activations.keep_for_backward ? layers_.size() : 1);
  activations.last.resize(static_cast<std::size_t>(tokens * config_.hidden_size));
  activations.last_inv_rms.resize(static_cast<std::size_t>(tokens));
  const std::span<float> x = activations.last;
  embedding(at(0, config_.vocab_size * config_.hidden_size), config_.hidden_size, rows.token_ids, x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    forward_layer(layers_[i], rows, caches[i], activations.layers[activations.keep_for_backward ? i : 0], x);
  }
  rms_norm(x, at(last_norm_, config_.hidden_size), config_.rms_norm_eps, hidden, activations.last_inv_rms);
}

void Decoder::forward_layer(const Layer& layer, const PackedRows& rows, KvCache& cache, Activations::Layer& a,
                            std::span<float> x) const {
  const std::size_t tokens = rows.size();
  const auto hidden = static_cast<std::size_t>(config_.hidden_size);
  const auto heads = static_cast<std::size_t>(config_.num_attention_heads);
  const auto kv_heads = static_cast<std::size_t>(config_.num_key_value_heads);
  const auto dim = static_cast<std::size_t>(config_.head_dim);
  const auto inner = static_cast<std::size_t>(config_.intermediate_size);
  const double eps = config_.rms_norm_eps;
  for (AlignedBuffer* buffer : {&a.input, &a.input_normed, &a.middle, &a.middle_normed})
    buffer->resize(tokens * hidden);
  for (AlignedBuffer* buffer : {&a.input_inv_rms, &a.middle_inv_rms}) buffer->resize(tokens);
  a.qkv.resize(tokens * static_cast<std::size_t>(qkv_width()));
  for (AlignedBuffer* buffer : {&a.q, &a.attended}) buffer->resize(tokens * heads * dim);
  for (AlignedBuffer* buffer : {&a.q_inv_rms, &a.lse}) buffer->resize(tokens * heads);
  a.k.resize(tokens * kv_heads * dim);
  a.k_inv_rms.resize(tokens * kv_heads);
  a.gate_up.resize(tokens * 2 * inner);
  a.activated.resize(tokens * inner);

  std::copy(x.begin(), x.end(), a.input.data());
  rms_norm(x, at(layer.input_norm, config_.hidden_size), eps, a.input_normed, a.input_inv_rms);
  linear(a.input_normed, layer.qkv_weight, a.qkv);
  if (config_.qkv_bias) add_bias(a.qkv, at(layer.qkv_bias, qkv_width()));
  turn_heads(layer, rows, a);
  for (std::size_t t = 0; t < tokens; ++t) {
    cache.put(rows.rows[t].slot, rows.rows[t].position, a.k.data() + t * kv_heads * dim,
              a.qkv.data() + t * static_cast<std::size_t>(qkv_width()) + (heads + kv_heads) * dim);
  }
  attention(a.q, rows.rows, cache, config_.num_attention_heads, a.attended, a.lse);
  linear(a.attended, layer.out_weight, x, Output::add);
  if (config_.out_bias) add_bias(x, at(layer.out_bias, config_.hidden_size));

  std::copy(x.begin(), x.end(), a.middle.data());
  rms_norm(x, at(layer.middle_norm, config_.hidden_size), eps, a.middle_normed, a.middle_inv_rms);
  linear(a.middle_normed, layer.gate_up_weight, a.gate_up);
  if (config_.mlp_bias) add_bias(a.gate_up, at(layer.gate_up_bias, 2 * config_.intermediate_size));
  swiglu(a.gate_up, config_.intermediate_size, a.activated);
  linear(a.activated, layer.down_weight, x, Output::add);
  if (config_.mlp_bias) add_bias(x, at(layer.down_bias, config_.hidden_size));
}

/// Queries and keys from a.qkv to a.q and a.k: normalised where the family does so, and turned by position.
void Decoder::turn_heads(const Layer& layer, const PackedRows& rows, Activations::Layer& a) const {
  if (!config_.qk_norm) {
    rope(a.qkv, query_slice(), rope_, rows.positions, a.q);
    rope(a.qkv, key_slice(), rope_, rows.positions, a.k);
    return;
  }
  const double eps = config_.rms_norm_eps;
  norm_rope(a.qkv, query_slice(), at(layer.q_norm, config_.head_dim), eps, rope_, rows.positions, a.q,
            a.q_inv_rms);
  norm_rope(a.qkv, key_slice(), at(layer.k_norm, config_.head_dim), eps, rope_, rows.positions, a.k,
            a.k_inv_rms);
}

void Decoder::logits(std::span<const float> hidden, std::span<float> logits) const {
  linear(hidden, head_weight_, logits);
}

}  // namespace reckon
