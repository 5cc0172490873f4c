// The gradients of Decoder, in the reverse order of decoder.cpp.
#include <algorithm>

#include "reckon/model/decoder.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/swiglu.h"

namespace reckon {

void Decoder::logits_backward(std::span<const float> dlogits, std::span<const float> hidden,
                              std::span<float> dhidden, std::span<float> gradients) const {
  linear_backward_input(dlogits, head_weight_, dhidden);
  const auto size = static_cast<std::size_t>(num_logits_ * config_.hidden_size);
  linear_backward_weight(dlogits, hidden, num_logits_, config_.hidden_size, gradients.subspan(head_, size));
}

void Decoder::backward(const PackedRows& rows, const LayerCaches& caches, Activations& activations,
                       std::span<const float> dhidden, std::span<float> gradients) const {
  AlignedBuffer* work = activations.gradient;
  work[0].resize(dhidden.size());
  const std::span<float> dx = work[0];
  std::fill(dx.begin(), dx.end(), 0.0f);
  const auto width = static_cast<std::size_t>(config_.hidden_size);
  rms_norm_backward(dhidden, activations.last, at(last_norm_, config_.hidden_size), activations.last_inv_rms,
                    dx, gradients.subspan(last_norm_, width));
  for (std::size_t i = layers_.size(); i-- > 0;) {
    backward_layer(layers_[i], rows, caches[i], activations.layers[i], work + 1, dx, gradients);
  }
  embedding_backward(dx, config_.hidden_size, rows.token_ids,
                     gradients.first(static_cast<std::size_t>(config_.vocab_size) * width));
}

void Decoder::turn_heads_backward(const Layer& layer, const PackedRows& rows, const Activations::Layer& a,
                                  std::span<const float> dq, std::span<const float> dk, std::span<float> dqkv,
                                  std::span<float> gradients) const {
  if (!config_.qk_norm) {
    rope_backward(dq, query_slice(), rope_, rows.positions, dqkv);
    rope_backward(dk, key_slice(), rope_, rows.positions, dqkv);
    return;
  }
  const std::int64_t dim = config_.head_dim;
  const auto width = static_cast<std::size_t>(dim);
  norm_rope_backward(dq, a.qkv, query_slice(), at(layer.q_norm, dim), a.q_inv_rms, rope_, rows.positions,
                     dqkv, gradients.subspan(layer.q_norm, width));
  norm_rope_backward(dk, a.qkv, key_slice(), at(layer.k_norm, dim), a.k_inv_rms, rope_, rows.positions, dqkv,
                     gradients.subspan(layer.k_norm, width));
}

void Decoder::backward_layer(const Layer& layer, const PackedRows& rows, const KvCache& cache,
                             const Activations::Layer& a, AlignedBuffer* work, std::span<float> dx,
                             std::span<float> gradients) const {
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t inner = config_.intermediate_size;
  const std::int64_t attended = config_.num_attention_heads * config_.head_dim;
  const auto slice = [&](std::size_t offset, std::int64_t size) {
    return gradients.subspan(offset, static_cast<std::size_t>(size));
  };

  AlignedBuffer& dactivated = work[0];
  AlignedBuffer& dgate_up = work[1];
  AlignedBuffer& dnormed = work[2];
  dactivated.resize(a.activated.size());
  dgate_up.resize(a.gate_up.size());
  dnormed.resize(dx.size());
  if (config_.mlp_bias) bias_backward(dx, slice(layer.down_bias, hidden));
  linear_backward_input(dx, layer.down_weight, dactivated);
  linear_backward_weight(dx, a.activated, hidden, inner, slice(layer.down, hidden * inner));
  swiglu_backward(dactivated, a.gate_up, inner, dgate_up);
  if (config_.mlp_bias) bias_backward(dgate_up, slice(layer.gate_up_bias, 2 * inner));
  linear_backward_input(dgate_up, layer.gate_up_weight, dnormed);
  linear_backward_weight(dgate_up, a.middle_normed, 2 * inner, hidden,
                         slice(layer.gate_up, 2 * inner * hidden));
  rms_norm_backward(dnormed, a.middle, at(layer.middle_norm, hidden), a.middle_inv_rms, dx,
                    slice(layer.middle_norm, hidden));

  AlignedBuffer& dattended = work[0];
  AlignedBuffer& dqkv = work[1];
  AlignedBuffer& dq = work[3];
  AlignedBuffer& dk = work[4];
  AlignedBuffer& dv = work[5];
  dattended.resize(a.attended.size());
  dqkv.resize(a.qkv.size());
  dq.resize(a.q.size());
  dk.resize(a.k.size());
  dv.resize(a.k.size());
  if (config_.out_bias) bias_backward(dx, slice(layer.out_bias, hidden));
  linear_backward_input(dx, layer.out_weight, dattended);
  linear_backward_weight(dx, a.attended, hidden, attended, slice(layer.out, hidden * attended));
  attention_backward(dattended, a.attended, a.q, a.lse, rows.rows, cache, config_.num_attention_heads, dq, dk,
                     dv);
  turn_heads_backward(layer, rows, a, dq, dk, dqkv, gradients);
  const std::int64_t kv_width = config_.num_key_value_heads * config_.head_dim;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const auto row = static_cast<std::int64_t>(t);
    std::copy_n(dv.data() + row * kv_width, kv_width, dqkv.data() + (row + 1) * qkv_width() - kv_width);
  }
  if (config_.qkv_bias) bias_backward(dqkv, slice(layer.qkv_bias, qkv_width()));
  linear_backward_input(dqkv, layer.qkv_weight, dnormed);
  linear_backward_weight(dqkv, a.input_normed, qkv_width(), hidden, slice(layer.qkv, qkv_width() * hidden));
  rms_norm_backward(dnormed, a.input, at(layer.input_norm, hidden), a.input_inv_rms, dx,
                    slice(layer.input_norm, hidden));
}

}  // namespace reckon
