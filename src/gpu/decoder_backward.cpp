// The gradients of DecoderPass, in the reverse order of decoder_forward.cpp.
#include <algorithm>
#include <stdexcept>

#include "decoder_pass.h"
#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/norm_rope.h"

namespace reckon::gpu {

void DecoderPass::backward(const DeviceRows& rows, PassAttention& attention, const float* dhidden,
                           float* gradients, const std::function<void(std::size_t from)>& is_complete) {
  if (keep_ == Keep::nothing) throw std::logic_error("DecoderPass::backward: forward kept nothing for it");
  const DecoderConfig& config = weights_.config();
  const cuda::HeadShape heads = weights_.heads();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const auto count = static_cast<std::size_t>(rows.count);
  for (auto* buffer : {&dx_, &dnormed_}) buffer->resize(count * static_cast<std::size_t>(hidden));
  dx_rounded_.resize(dx_.size());
  dwide_.resize(count * static_cast<std::size_t>(std::max(inner, heads.heads * heads.head_dim)));
  dgate_up_.resize(count * static_cast<std::size_t>(2 * inner));
  dqkv_.resize(count * static_cast<std::size_t>(heads.width()));
  dq_.resize(count * static_cast<std::size_t>(heads.heads * heads.head_dim));
  for (auto* buffer : {&dk_, &dv_})
    buffer->resize(count * static_cast<std::size_t>(heads.kv_heads * heads.head_dim));
  const std::int64_t widest = std::max({hidden, 2 * inner, heads.width() + 2 * heads.head_dim});
  partial_sums_.resize(static_cast<std::size_t>(cuda::gradient_workspace(rows.count, widest)));

  dx_.fill_zero(stream_);
  cuda::rms_norm_backward(dhidden, last_.data(), weights_.at(weights_.last_norm()), last_inv_rms_.data(),
                          rows.count, hidden, dx_.data(), dx_rounded_.data(),
                          gradients + weights_.last_norm(), partial_sums_.data(), stream_);
  for (std::int64_t number = config.num_hidden_layers; number-- > 0;) {
    Layer& layer = layers_[keep_ == Keep::layers ? static_cast<std::size_t>(number) : 0];
    if (keep_ == Keep::inputs) {
      Residual x = residual_of(number, rows.count);
      x.out = nullptr;
      attention_block(number, rows, attention, x, layer);
      mlp_block(number, rows.count, x, layer);
    }
    mlp_backward(number, rows.count, layer, gradients);
    attention_backward(number, rows, attention, layer, gradients);
    if (is_complete) is_complete(weights_.layer_begin(number));
  }
  cuda::embedding_backward(dx_.data(), rows.by_token, hidden, gradients, stream_);
}

void DecoderPass::mlp_backward(std::int64_t number, std::int64_t rows, Layer& layer, float* gradients) {
  const DecoderConfig& config = weights_.config();
  const LayerOffsets& offsets = weights_.layer(number);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  const float* middle = residual_of(number, rows).middle;
  if (config.mlp_bias) {
    cuda::bias_backward(dx_rounded_.data(), rows, hidden, gradients + offsets.down_bias, partial_sums_.data(),
                        stream_);
  }
  gemm_.backward_input(dx_rounded_.data(), weights_.at(offsets.down), dwide_.data(), rows, hidden, inner,
                       stream_);
  cuda::swiglu_backward(dwide_.data(), layer.gate_up.data(), rows, inner, dgate_up_.data(), activated_.data(),
                        stream_);
  gemm_.backward_weight(dx_rounded_.data(), activated_.data(), gradients + offsets.down, rows, hidden, inner,
                        stream_);
  if (config.mlp_bias) {
    cuda::bias_backward(dgate_up_.data(), rows, 2 * inner, gradients + offsets.gate_up_bias,
                        partial_sums_.data(), stream_);
  }
  gemm_.backward_input(dgate_up_.data(), weights_.at(offsets.gate_up), dnormed_.data(), rows, 2 * inner,
                       hidden, stream_);
  cuda::rms_norm(middle, weights_.at(offsets.middle_norm), static_cast<float>(config.rms_norm_eps), rows,
                 hidden, normed_.data(), nullptr, stream_);
  gemm_.backward_weight(dgate_up_.data(), normed_.data(), gradients + offsets.gate_up, rows, 2 * inner,
                        hidden, stream_);
  cuda::rms_norm_backward(dnormed_.data(), middle, weights_.at(offsets.middle_norm),
                          layer.middle_inv_rms.data(), rows, hidden, dx_.data(), dx_rounded_.data(),
                          gradients + offsets.middle_norm, partial_sums_.data(), stream_);
}

void DecoderPass::attention_backward(std::int64_t number, const DeviceRows& rows, PassAttention& attention,
                                     Layer& layer, float* gradients) {
  const DecoderConfig& config = weights_.config();
  const LayerOffsets& offsets = weights_.layer(number);
  const cuda::HeadShape heads = weights_.heads();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t width = heads.heads * heads.head_dim;
  const std::int64_t count = rows.count;
  const float* input = residual_of(number, count).in;
  if (config.out_bias) {
    cuda::bias_backward(dx_rounded_.data(), count, hidden, gradients + offsets.out_bias, partial_sums_.data(),
                        stream_);
  }
  gemm_.backward_input(dx_rounded_.data(), weights_.at(offsets.out), dwide_.data(), count, hidden, width,
                       stream_);
  gemm_.backward_weight(dx_rounded_.data(), layer.attended.data(), gradients + offsets.out, count, hidden,
                        width, stream_);
  attention.backward(dwide_.data(), layer.q.data(), layer.k.data(), layer.v.data(), layer.attended.data(),
                     layer.lse.data(), dq_.data(), dk_.data(), dv_.data());
  cuda::HeadGradients head_gradients;
  if (config.qkv_bias) head_gradients.bias = gradients + offsets.qkv_bias;
  if (config.qk_norm) {
    head_gradients.q_norm = gradients + offsets.q_norm;
    head_gradients.k_norm = gradients + offsets.k_norm;
  }
  cuda::split_heads_backward(dq_.data(), dk_.data(), dv_.data(), layer.qkv.data(), heads,
                             head_weights(offsets), rotation_.at(rows.positions), layer.q_inv_rms.data(),
                             layer.k_inv_rms.data(), count, dqkv_.data(), head_gradients,
                             partial_sums_.data(), stream_);
  gemm_.backward_input(dqkv_.data(), weights_.at(offsets.qkv), dnormed_.data(), count, heads.width(), hidden,
                       stream_);
  cuda::rms_norm(input, weights_.at(offsets.input_norm), static_cast<float>(config.rms_norm_eps), count,
                 hidden, normed_.data(), nullptr, stream_);
  gemm_.backward_weight(dqkv_.data(), normed_.data(), gradients + offsets.qkv, count, heads.width(), hidden,
                        stream_);
  cuda::rms_norm_backward(dnormed_.data(), input, weights_.at(offsets.input_norm), layer.input_inv_rms.data(),
                          count, hidden, dx_.data(), dx_rounded_.data(), gradients + offsets.input_norm,
                          partial_sums_.data(), stream_);
}

}  // namespace reckon::gpu
