// The gradients of Decoder, in the reverse order of decoder_forward.cpp.
#include <algorithm>

#include "reckon/model/decoder.h"
#include "reckon/ops/embedding.h"
#include "reckon/ops/swiglu.h"

namespace reckon {
namespace {

/// Rows first, first + 1, ... of a buffer whose rows have `width` values.
std::span<const float> rows_of(const AlignedBuffer& buffer, std::int64_t first, std::int64_t count,
                               std::int64_t width) {
  return buffer.span().subspan(static_cast<std::size_t>(first * width),
                               static_cast<std::size_t>(count * width));
}

std::span<float> resized(AlignedBuffer& buffer, std::int64_t count, std::int64_t width) {
  buffer.resize(static_cast<std::size_t>(count * width));
  return buffer.span();
}

}  // namespace

void Decoder::logits_backward(std::span<const float> dlogits, std::span<const float> hidden,
                              std::span<float> dhidden, std::span<float> gradients) const {
  linear_backward_input(dlogits, head_weight_, dhidden);
  const auto size = static_cast<std::size_t>(num_logits_ * config_.hidden_size);
  linear_backward_weight(dlogits, hidden, num_logits_, config_.hidden_size, gradients.subspan(head_, size),
                         precision_.compute);
}

void Decoder::backward(const PackedRows& rows, const RowRange& range, const KvCache& cache,
                       Activations& activations, std::span<const float> dhidden, std::span<float> gradients,
                       const GradientsComplete& complete) const {
  const std::int64_t hidden = config_.hidden_size;
  const std::span<float> dx = resized(activations.gradient[0], range.count, hidden);
  std::fill(dx.begin(), dx.end(), 0.0f);
  rms_norm_backward(dhidden, rows_of(activations.last, range.first_row, range.count, hidden),
                    at(last_norm_, hidden),
                    rows_of(activations.last_inv_rms, range.first_row, range.count, 1), dx,
                    gradients.subspan(last_norm_, static_cast<std::size_t>(hidden)));
  for (std::int64_t number = config_.num_hidden_layers; number-- > 0;) {
    if (activations.keep == Keep::inputs) compute_layer_again(number, rows, range, cache, activations);
    backward_layer(number, rows, range, cache, activations, dx, gradients);
    // The layer's first tensor; behind it lie its others, and the layers and the head that are done already.
    if (complete) complete(layers_[static_cast<std::size_t>(number)].input_norm);
  }
  embedding_backward(
      dx, hidden,
      std::span(rows.token_ids)
          .subspan(static_cast<std::size_t>(range.first_row), static_cast<std::size_t>(range.count)),
      gradients.first(static_cast<std::size_t>(config_.vocab_size * hidden)));
}

void Decoder::compute_layer_again(std::int64_t number, const PackedRows& rows, const RowRange& range,
                                  const KvCache& cache, Activations& activations) const {
  const Layer& layer = layers_[static_cast<std::size_t>(number)];
  Activations::Layer& a = activations.layers.front();
  const auto first = static_cast<std::size_t>(range.first_row);
  const auto count = static_cast<std::size_t>(range.count);
  const std::int64_t tokens = static_cast<std::int64_t>(rows.size());
  resize_layer(a, count);
  const auto input =
      rows_of(activations.inputs, number * tokens + range.first_row, range.count, config_.hidden_size);
  std::copy(input.begin(), input.end(), a.input.data());
  std::copy(input.begin(), input.end(), a.middle.data());
  project_qkv(layer, std::span(rows.positions).subspan(first, count), a, activations);
  attend(layer, std::span(rows.rows).subspan(first, count), cache, number, a, a.middle);
  project_gate_up(layer, a, activations, a.middle);
}

void Decoder::backward_layer(std::int64_t number, const PackedRows& rows, const RowRange& range,
                             const KvCache& cache, Activations& activations, std::span<float> dx,
                             std::span<float> gradients) const {
  const bool kept = activations.keep == Keep::layers;
  const Activations::Layer& a = activations.layers[kept ? static_cast<std::size_t>(number) : 0];
  const std::int64_t first = kept ? range.first_row : 0;
  backward_mlp(layers_[static_cast<std::size_t>(number)], a, first, activations, dx, gradients);
  backward_attention(number, rows, range, cache, a, first, activations, dx, gradients);
}

void Decoder::backward_mlp(const Layer& layer, const Activations::Layer& a, std::int64_t first,
                           Activations& work, std::span<float> dx, std::span<float> gradients) const {
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t inner = config_.intermediate_size;
  const std::int64_t count = static_cast<std::int64_t>(dx.size()) / hidden;
  const auto slice = [&](std::size_t offset, std::int64_t size) {
    return gradients.subspan(offset, static_cast<std::size_t>(size));
  };
  const auto gate_up = rows_of(a.gate_up, first, count, 2 * inner);
  const auto middle = rows_of(a.middle, first, count, hidden);
  const std::span<float> dactivated = resized(work.gradient[1], count, inner);
  const std::span<float> dgate_up = resized(work.gradient[2], count, 2 * inner);
  const std::span<float> dnormed = resized(work.gradient[3], count, hidden);
  const std::span<float> activated = resized(work.activated, count, inner);
  const std::span<float> normed = resized(work.normed, count, hidden);

  if (config_.mlp_bias) bias_backward(dx, slice(layer.down_bias, hidden));
  linear_backward_input(dx, layer.down_weight, dactivated);
  swiglu_backward(dactivated, gate_up, inner, dgate_up, activated);
  linear_backward_weight(dx, activated, hidden, inner, slice(layer.down, hidden * inner), precision_.compute);
  if (config_.mlp_bias) bias_backward(dgate_up, slice(layer.gate_up_bias, 2 * inner));
  linear_backward_input(dgate_up, layer.gate_up_weight, dnormed);
  rms_norm(middle, at(layer.middle_norm, hidden), config_.rms_norm_eps, normed);
  linear_backward_weight(dgate_up, normed, 2 * inner, hidden, slice(layer.gate_up, 2 * inner * hidden),
                         precision_.compute);
  rms_norm_backward(dnormed, middle, at(layer.middle_norm, hidden),
                    rows_of(a.middle_inv_rms, first, count, 1), dx, slice(layer.middle_norm, hidden));
}

void Decoder::backward_attention(std::int64_t number, const PackedRows& rows, const RowRange& range,
                                 const KvCache& cache, const Activations::Layer& a, std::int64_t first,
                                 Activations& work, std::span<float> dx, std::span<float> gradients) const {
  const Layer& layer = layers_[static_cast<std::size_t>(number)];
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t width = config_.num_attention_heads * config_.head_dim;
  const std::int64_t kv_width = config_.num_key_value_heads * config_.head_dim;
  const std::int64_t count = range.count;
  const auto slice = [&](std::size_t offset, std::int64_t size) {
    return gradients.subspan(offset, static_cast<std::size_t>(size));
  };
  const auto attended = rows_of(a.attended, first, count, width);
  const auto input = rows_of(a.input, first, count, hidden);
  const std::span<float> dattended = resized(work.gradient[1], count, width);
  const std::span<float> dqkv = resized(work.gradient[2], count, qkv_width());
  const std::span<float> dnormed = resized(work.gradient[3], count, hidden);
  const std::span<float> dq = resized(work.gradient[4], count, width);
  const std::span<float> dk = resized(work.gradient[5], count, kv_width);
  const std::span<float> dv = resized(work.gradient[6], count, kv_width);
  const std::span<float> normed = resized(work.normed, count, hidden);

  if (config_.out_bias) bias_backward(dx, slice(layer.out_bias, hidden));
  linear_backward_input(dx, layer.out_weight, dattended);
  linear_backward_weight(dx, attended, hidden, width, slice(layer.out, hidden * width), precision_.compute);
  attention_backward(dattended, attended, rows_of(a.q, first, count, width),
                     rows_of(a.lse, first, count, config_.num_attention_heads), range.runs, cache, number,
                     config_.num_attention_heads, dq, dk, dv);
  const auto positions =
      std::span(rows.positions)
          .subspan(static_cast<std::size_t>(range.first_row), static_cast<std::size_t>(count));
  turn_heads_backward(layer, positions, a, first, dq, dk, dqkv, gradients);
  for (std::int64_t row = 0; row < count; ++row) {
    std::copy_n(dv.data() + row * kv_width, kv_width, dqkv.data() + (row + 1) * qkv_width() - kv_width);
  }
  if (config_.qkv_bias) bias_backward(dqkv, slice(layer.qkv_bias, qkv_width()));
  linear_backward_input(dqkv, layer.qkv_weight, dnormed);
  rms_norm(input, at(layer.input_norm, hidden), config_.rms_norm_eps, normed);
  linear_backward_weight(dqkv, normed, qkv_width(), hidden, slice(layer.qkv, qkv_width() * hidden),
                         precision_.compute);
  rms_norm_backward(dnormed, input, at(layer.input_norm, hidden), rows_of(a.input_inv_rms, first, count, 1),
                    dx, slice(layer.input_norm, hidden));
}

void Decoder::turn_heads_backward(const Layer& layer, std::span<const std::int32_t> positions,
                                  const Activations::Layer& a, std::int64_t first, std::span<const float> dq,
                                  std::span<const float> dk, std::span<float> dqkv,
                                  std::span<float> gradients) const {
  if (!config_.qk_norm) {
    rope_backward(dq, query_slice(), rope_, positions, dqkv);
    rope_backward(dk, key_slice(), rope_, positions, dqkv);
    return;
  }
  const std::int64_t dim = config_.head_dim;
  const auto count = static_cast<std::int64_t>(positions.size());
  const auto width = static_cast<std::size_t>(dim);
  const auto qkv = rows_of(a.qkv, first, count, qkv_width());
  norm_rope_backward(dq, qkv, query_slice(), at(layer.q_norm, dim),
                     rows_of(a.q_inv_rms, first, count, config_.num_attention_heads), rope_, positions, dqkv,
                     gradients.subspan(layer.q_norm, width));
  norm_rope_backward(dk, qkv, key_slice(), at(layer.k_norm, dim),
                     rows_of(a.k_inv_rms, first, count, config_.num_key_value_heads), rope_, positions, dqkv,
                     gradients.subspan(layer.k_norm, width));
}

}  // namespace reckon
