#include "reckon/model/decoder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/base/sha256.h"
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
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t dim = config.head_dim;
  add_tensor("model.embed_tokens.weight", {config.vocab_size, hidden});
  layers_.resize(static_cast<std::size_t>(config.num_hidden_layers));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    Layer& layer = layers_[i];
    const auto next = [&] { return tensors_.empty() ? 0 : tensors_.back().offset + tensors_.back().size; };
    layer.input_norm = next();
    add_tensor(prefix + "input_layernorm.weight", {hidden}, true);
    layer.qkv = next();
    add_tensor(prefix + "self_attn.q_proj.weight", {config.num_attention_heads * dim, hidden});
    add_tensor(prefix + "self_attn.k_proj.weight", {config.num_key_value_heads * dim, hidden});
    add_tensor(prefix + "self_attn.v_proj.weight", {config.num_key_value_heads * dim, hidden});
    layer.q_norm = next();
    add_tensor(prefix + "self_attn.q_norm.weight", {dim}, true);
    layer.k_norm = next();
    add_tensor(prefix + "self_attn.k_norm.weight", {dim}, true);
    layer.out = next();
    add_tensor(prefix + "self_attn.o_proj.weight", {hidden, config.num_attention_heads * dim});
    layer.middle_norm = next();
    add_tensor(prefix + "post_attention_layernorm.weight", {hidden}, true);
    layer.gate_up = next();
    add_tensor(prefix + "mlp.gate_proj.weight", {config.intermediate_size, hidden});
    add_tensor(prefix + "mlp.up_proj.weight", {config.intermediate_size, hidden});
    layer.down = next();
    add_tensor(prefix + "mlp.down_proj.weight", {hidden, config.intermediate_size});
  }
  last_norm_ = tensors_.back().offset + tensors_.back().size;
  add_tensor("model.norm.weight", {hidden}, true);
  if (!config.tie_word_embeddings) {
    head_ = tensors_.back().offset + tensors_.back().size;
    add_tensor("lm_head.weight", {config.vocab_size, hidden});
  }
  parameters_.resize(tensors_.back().offset + tensors_.back().size);
  rope_ = RopeTable(config.max_position_embeddings, dim, config.rope_theta);
  const std::int64_t width = config.num_attention_heads * dim;
  for (Layer& layer : layers_) {
    layer.qkv_weight = PackedWeight(at(layer.qkv, qkv_width() * hidden), qkv_width(), hidden);
    layer.out_weight = PackedWeight(at(layer.out, hidden * width), hidden, width);
    const std::int64_t inner = config.intermediate_size;
    layer.gate_up_weight = PackedWeight(at(layer.gate_up, 2 * inner * hidden), 2 * inner, hidden);
    layer.down_weight = PackedWeight(at(layer.down, hidden * inner), hidden, inner);
  }
  head_weight_ = PackedWeight(at(head_, config.vocab_size * hidden), config.vocab_size, hidden);
}

void Decoder::add_tensor(std::string name, std::vector<std::int64_t> shape, bool is_norm) {
  ParameterTensor tensor;
  tensor.offset = tensors_.empty() ? 0 : tensors_.back().offset + tensors_.back().size;
  tensor.size = 1;
  for (const std::int64_t extent : shape) tensor.size *= static_cast<std::size_t>(extent);
  tensor.name = std::move(name);
  tensor.shape = std::move(shape);
  tensor.is_norm = is_norm;
  tensors_.push_back(std::move(tensor));
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

void Decoder::initialise(std::uint64_t seed, double deviation) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto values = parameters_.span().subspan(tensors_[i].offset, tensors_[i].size);
    if (tensors_[i].is_norm) {
      std::fill(values.begin(), values.end(), 1.0f);
      continue;
    }
    RandomStream random(seed, 0x6D6F646Cu, static_cast<std::uint32_t>(i));
    for (float& value : values) value = static_cast<float>(deviation * random.normal());
  }
  repack();
}

void Decoder::repack() {
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
    hash.update(tensor.name + "\n");
    hash.update_values(std::span<const std::int64_t>(tensor.shape));
    hash.update_values(parameters_.span().subspan(tensor.offset, tensor.size));
  }
  return hash.hex_digest();
}

void Decoder::reset_caches(LayerCaches& caches, std::span<const std::int64_t> capacities) const {
  caches.resize(layers_.size());
  for (KvCache& cache : caches) cache.reset(capacities, config_.num_key_value_heads, config_.head_dim);
}

void Decoder::forward(const PackedRows& rows, LayerCaches& caches, Activations& activations,
                      std::span<float> hidden) const {
  const auto tokens = static_cast<std::int64_t>(rows.size());
  const std::int64_t longest =
      rows.positions.empty() ? 0 : *std::max_element(rows.positions.begin(), rows.positions.end()) + 1;
  if (longest > rope_.max_positions()) {
    throw Error(ExitCode::usage, "model: a sequence of " + std::to_string(longest) +
                                     " tokens (max_position_embeddings is " +
                                     std::to_string(rope_.max_positions()) + ")");
  }
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
  norm_rope(a.qkv, query_slice(), at(layer.q_norm, config_.head_dim), eps, rope_, rows.positions, a.q,
            a.q_inv_rms);
  norm_rope(a.qkv, key_slice(), at(layer.k_norm, config_.head_dim), eps, rope_, rows.positions, a.k,
            a.k_inv_rms);
  for (std::size_t t = 0; t < tokens; ++t) {
    cache.put(rows.rows[t].slot, rows.rows[t].position, a.k.data() + t * kv_heads * dim,
              a.qkv.data() + t * static_cast<std::size_t>(qkv_width()) + (heads + kv_heads) * dim);
  }
  attention(a.q, rows.rows, cache, config_.num_attention_heads, a.attended, a.lse);
  linear(a.attended, layer.out_weight, x, Output::add);

  std::copy(x.begin(), x.end(), a.middle.data());
  rms_norm(x, at(layer.middle_norm, config_.hidden_size), eps, a.middle_normed, a.middle_inv_rms);
  linear(a.middle_normed, layer.gate_up_weight, a.gate_up);
  swiglu(a.gate_up, config_.intermediate_size, a.activated);
  linear(a.activated, layer.down_weight, x, Output::add);
}

void Decoder::logits(std::span<const float> hidden, std::span<float> logits) const {
  linear(hidden, head_weight_, logits);
}

}  // namespace reckon
