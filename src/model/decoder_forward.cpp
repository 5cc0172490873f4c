// The forward pass of Decoder.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "reckon/base/error.h"
#include "reckon/model/decoder.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/swiglu.h"

namespace reckon {

std::int64_t check_rows(const PackedRows& rows, const KvBlocks& cache, std::uint64_t version,
                        const DecoderConfig& config) {
  for (const RowPosition& row : rows.rows) {
    if (cache.version(row.slot) != version) {
      throw std::logic_error("Decoder::forward: slot " + std::to_string(row.slot) + " is of weight version " +
                             std::to_string(cache.version(row.slot)) + " (the weights are version " +
                             std::to_string(version) + ")");
    }
  }
  const std::int64_t longest =
      rows.positions.empty() ? 0 : *std::max_element(rows.positions.begin(), rows.positions.end()) + 1;
  if (longest > config.max_position_embeddings) {
    throw Error(ExitCode::usage, "model: a sequence of " + std::to_string(longest) +
                                     " tokens (max_position_embeddings is " +
                                     std::to_string(config.max_position_embeddings) + ")");
  }
  return longest;
}

void Decoder::forward(const PackedRows& rows, KvCache& cache, Activations& activations,
                      std::span<float> hidden) const {
  if (version_ == 0)
    throw std::logic_error("Decoder::forward: no weights yet (need initialise() or repack())");
  pack();
  rope_.extend_to(std::max<std::int64_t>(1, check_rows(rows, cache, version_, config_)));
  const std::size_t tokens = rows.size();
  const auto width = static_cast<std::size_t>(config_.hidden_size);
  const Keep keep = activations.keep;
  activations.layers.resize(keep == Keep::layers ? layers_.size() : 1);
  activations.last.resize(tokens * width);
  activations.last_inv_rms.resize(tokens);
  if (keep == Keep::inputs) activations.inputs.resize(layers_.size() * tokens * width);
  const std::span<float> x = activations.last;
  embedding(at(0, config_.vocab_size * config_.hidden_size), config_.hidden_size, rows.token_ids, x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Activations::Layer& a = activations.layers[keep == Keep::layers ? i : 0];
    if (keep == Keep::inputs) std::copy(x.begin(), x.end(), activations.inputs.data() + i * tokens * width);
    forward_layer(static_cast<std::int64_t>(i), rows, cache, activations, a, x);
  }
  cache.finish_forks();
  rms_norm(x, at(last_norm_, config_.hidden_size), config_.rms_norm_eps, hidden, activations.last_inv_rms);
}

void Decoder::resize_layer(Activations::Layer& a, std::size_t tokens) const {
  const auto hidden = static_cast<std::size_t>(config_.hidden_size);
  const auto heads = static_cast<std::size_t>(config_.num_attention_heads);
  const auto kv_heads = static_cast<std::size_t>(config_.num_key_value_heads);
  const auto dim = static_cast<std::size_t>(config_.head_dim);
  for (AlignedBuffer* buffer : {&a.input, &a.middle}) buffer->resize(tokens * hidden);
  for (AlignedBuffer* buffer : {&a.input_inv_rms, &a.middle_inv_rms}) buffer->resize(tokens);
  a.qkv.resize(tokens * static_cast<std::size_t>(qkv_width()));
  for (AlignedBuffer* buffer : {&a.q, &a.attended}) buffer->resize(tokens * heads * dim);
  for (AlignedBuffer* buffer : {&a.q_inv_rms, &a.lse}) buffer->resize(tokens * heads);
  a.k_inv_rms.resize(tokens * kv_heads);
  a.gate_up.resize(tokens * 2 * static_cast<std::size_t>(config_.intermediate_size));
}

void Decoder::forward_layer(std::int64_t number, const PackedRows& rows, KvCache& cache,
                            Activations& activations, Activations::Layer& a, std::span<float> x) const {
  const Layer& layer = layers_[static_cast<std::size_t>(number)];
  const std::size_t tokens = rows.size();
  const auto kv_width = static_cast<std::size_t>(config_.num_key_value_heads * config_.head_dim);
  const auto width = static_cast<std::size_t>(qkv_width());
  resize_layer(a, tokens);
  std::copy(x.begin(), x.end(), a.input.data());
  project_qkv(layer, rows.positions, a, activations);
  for (std::size_t t = 0; t < tokens; ++t) {
    cache.put(number, rows.rows[t].slot, rows.rows[t].position, activations.k.data() + t * kv_width,
              a.qkv.data() + (t + 1) * width - kv_width);
  }
  cache.copy_forked(number);
  attend(layer, rows.rows, cache, number, a, x);
  std::copy(x.begin(), x.end(), a.middle.data());
  project_gate_up(layer, a, activations, x);

  activations.activated.resize(tokens * static_cast<std::size_t>(config_.intermediate_size));
  swiglu(a.gate_up, config_.intermediate_size, activations.activated);
  linear(activations.activated, layer.down_weight, x, Output::add);
  if (config_.mlp_bias) add_bias(x, at(layer.down_bias, config_.hidden_size));
}

/// From a.input: a.qkv, the turned queries a.q and the turned keys work.k.
void Decoder::project_qkv(const Layer& layer, std::span<const std::int32_t> positions, Activations::Layer& a,
                          Activations& work) const {
  work.normed.resize(a.input.size());
  work.k.resize(positions.size() * static_cast<std::size_t>(config_.num_key_value_heads * config_.head_dim));
  rms_norm(a.input, at(layer.input_norm, config_.hidden_size), config_.rms_norm_eps, work.normed,
           a.input_inv_rms);
  linear(work.normed, layer.qkv_weight, a.qkv);
  if (config_.qkv_bias) add_bias(a.qkv, at(layer.qkv_bias, qkv_width()));
  turn_heads(layer, positions, a, work.k);
}

/// Queries and keys from a.qkv: normalised where the family does so, and turned by position.
void Decoder::turn_heads(const Layer& layer, std::span<const std::int32_t> positions, Activations::Layer& a,
                         AlignedBuffer& k) const {
  if (!config_.qk_norm) {
    rope(a.qkv, query_slice(), rope_, positions, a.q);
    rope(a.qkv, key_slice(), rope_, positions, k);
    return;
  }
  const double eps = config_.rms_norm_eps;
  norm_rope(a.qkv, query_slice(), at(layer.q_norm, config_.head_dim), eps, rope_, positions, a.q,
            a.q_inv_rms);
  norm_rope(a.qkv, key_slice(), at(layer.k_norm, config_.head_dim), eps, rope_, positions, k, a.k_inv_rms);
}

/// Attention and its output product, added to x.
void Decoder::attend(const Layer& layer, std::span<const RowPosition> rows, const KvCache& cache,
                     std::int64_t number, Activations::Layer& a, std::span<float> x) const {
  attention(a.q, rows, cache, number, config_.num_attention_heads, a.attended, a.lse);
  linear(a.attended, layer.out_weight, x, Output::add);
  if (config_.out_bias) add_bias(x, at(layer.out_bias, config_.hidden_size));
}

/// From x: a.gate_up.
void Decoder::project_gate_up(const Layer& layer, Activations::Layer& a, Activations& work,
                              std::span<const float> x) const {
  work.normed.resize(x.size());
  rms_norm(x, at(layer.middle_norm, config_.hidden_size), config_.rms_norm_eps, work.normed,
           a.middle_inv_rms);
  linear(work.normed, layer.gate_up_weight, a.gate_up);
  if (config_.mlp_bias) add_bias(a.gate_up, at(layer.gate_up_bias, 2 * config_.intermediate_size));
}

}  // namespace reckon
