// The forward pass of DecoderPass.
#include "decoder_pass.h"
#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/norm_rope.h"

namespace reckon::gpu {
namespace {

std::size_t elements(std::int64_t rows, std::int64_t width) {
  return static_cast<std::size_t>(rows * width);
}

}  // namespace

DecoderPass::DecoderPass(const Weights& weights, cuda::Gemm& gemm, Stream stream)
    : weights_(weights), gemm_(gemm), stream_(stream), rotation_(weights.config()) {}

cuda::HeadWeights DecoderPass::head_weights(const LayerOffsets& offsets) const {
  const DecoderConfig& config = weights_.config();
  cuda::HeadWeights heads{.eps = static_cast<float>(config.rms_norm_eps)};
  if (config.qkv_bias) heads.bias = weights_.at(offsets.qkv_bias);
  if (config.qk_norm) {
    heads.q_norm = weights_.at(offsets.q_norm);
    heads.k_norm = weights_.at(offsets.k_norm);
  }
  return heads;
}

bool DecoderPass::resize(Layer& layer, std::int64_t rows, Keep keep) {
  const DecoderConfig& config = weights_.config();
  const cuda::HeadShape heads = weights_.heads();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t width = heads.heads * heads.head_dim;
  const std::int64_t kv_width = heads.kv_heads * heads.head_dim;
  bool grows = false;
  if (keep != Keep::nothing) {
    grows |= layer.middle.resize(elements(rows, hidden));
    grows |= layer.lse.resize(elements(rows, heads.heads));
  }
  if (keep == Keep::layers) grows |= layer.input.resize(elements(rows, hidden));
  grows |= layer.input_inv_rms.resize(elements(rows, 1));
  grows |= layer.middle_inv_rms.resize(elements(rows, 1));
  grows |= layer.q_inv_rms.resize(elements(rows, heads.heads));
  grows |= layer.k_inv_rms.resize(elements(rows, heads.kv_heads));
  grows |= layer.qkv.resize(elements(rows, heads.width()));
  for (auto* buffer : {&layer.q, &layer.attended}) grows |= buffer->resize(elements(rows, width));
  for (auto* buffer : {&layer.k, &layer.v}) grows |= buffer->resize(elements(rows, kv_width));
  grows |= layer.gate_up.resize(elements(rows, 2 * config.intermediate_size));
  return grows;
}

bool DecoderPass::reserve(std::int64_t rows) {
  const DecoderConfig& config = weights_.config();
  if (layers_.empty()) layers_.resize(1);
  bool grows = resize(layers_.front(), rows, Keep::nothing);
  grows |= last_.resize(elements(rows, config.hidden_size));
  grows |= last_inv_rms_.resize(elements(rows, 1));
  grows |= normed_.resize(elements(rows, config.hidden_size));
  grows |= activated_.resize(elements(rows, config.intermediate_size));
  return grows;
}

DecoderPass::Residual DecoderPass::residual_of(std::int64_t number, std::int64_t rows) {
  const auto layer = static_cast<std::size_t>(number);
  const auto size = elements(rows, weights_.config().hidden_size);
  const bool is_last = number + 1 == weights_.config().num_hidden_layers;
  switch (keep_) {
    case Keep::layers:
      return {layers_[layer].input.data(), layers_[layer].middle.data(),
              is_last ? last_.data() : layers_[layer + 1].input.data()};
    case Keep::inputs:
      return {inputs_.data() + layer * size, layers_.front().middle.data(),
              is_last ? last_.data() : inputs_.data() + (layer + 1) * size};
    case Keep::nothing:
      break;
  }
  return {last_.data(), last_.data(), last_.data()};
}

void DecoderPass::forward(const DeviceRows& rows, PassAttention& attention, Keep keep, bf16* hidden) {
  const DecoderConfig& config = weights_.config();
  const auto num_layers = static_cast<std::size_t>(config.num_hidden_layers);
  keep_ = keep;
  // What a pass that keeps all layers has allocated stays for the next one of its kind.
  const std::size_t kept_layers = keep == Keep::layers ? num_layers : 1;
  if (layers_.size() < kept_layers) layers_.resize(kept_layers);
  reserve(rows.count);
  for (std::size_t i = 0; i < kept_layers; ++i) resize(layers_[i], rows.count, keep);
  if (keep == Keep::inputs) inputs_.resize(num_layers * elements(rows.count, config.hidden_size));
  const Residual first = residual_of(0, rows.count);
  cuda::embedding(weights_.at(0), rows.token_ids, rows.count, config.hidden_size, first.in, stream_);
  for (std::int64_t number = 0; number < config.num_hidden_layers; ++number) {
    Layer& layer = layers_[keep == Keep::layers ? static_cast<std::size_t>(number) : 0];
    const Residual x = residual_of(number, rows.count);
    attention_block(number, rows, attention, x, layer);
    mlp_block(number, rows.count, x, layer);
  }
  cuda::rms_norm(last_.data(), weights_.at(weights_.last_norm()), static_cast<float>(config.rms_norm_eps),
                 rows.count, config.hidden_size, hidden, last_inv_rms_.data(), stream_);
}

/// x.middle = x.in + attention.
void DecoderPass::attention_block(std::int64_t number, const DeviceRows& rows, PassAttention& attention,
                                  const Residual& x, Layer& layer) {
  const DecoderConfig& config = weights_.config();
  const LayerOffsets& offsets = weights_.layer(number);
  const cuda::HeadShape heads = weights_.heads();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t width = heads.heads * heads.head_dim;
  cuda::rms_norm(x.in, weights_.at(offsets.input_norm), static_cast<float>(config.rms_norm_eps), rows.count,
                 hidden, normed_.data(), layer.input_inv_rms.data(), stream_);
  gemm_.forward(normed_.data(), weights_.at(offsets.qkv), layer.qkv.data(), rows.count, heads.width(), hidden,
                stream_);
  cuda::split_heads(layer.qkv.data(), heads, head_weights(offsets), rotation_.at(rows.positions), rows.count,
                    layer.q.data(), layer.k.data(), layer.v.data(), layer.q_inv_rms.data(),
                    layer.k_inv_rms.data(), stream_);
  attention.forward(number, layer.q.data(), layer.k.data(), layer.v.data(), layer.attended.data(),
                    keep_ == Keep::nothing ? nullptr : layer.lse.data());
  gemm_.forward_add(layer.attended.data(), weights_.at(offsets.out), x.in, x.middle, rows.count, hidden,
                    width, stream_);
  if (config.out_bias) cuda::add_bias(x.middle, weights_.at(offsets.out_bias), rows.count, hidden, stream_);
}

/// x.out = x.middle + SwiGLU block; without x.out only what the backward pass reads.
void DecoderPass::mlp_block(std::int64_t number, std::int64_t rows, const Residual& x, Layer& layer) {
  const DecoderConfig& config = weights_.config();
  const LayerOffsets& offsets = weights_.layer(number);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  cuda::rms_norm(x.middle, weights_.at(offsets.middle_norm), static_cast<float>(config.rms_norm_eps), rows,
                 hidden, normed_.data(), layer.middle_inv_rms.data(), stream_);
  gemm_.forward(normed_.data(), weights_.at(offsets.gate_up), layer.gate_up.data(), rows, 2 * inner, hidden,
                stream_);
  if (config.mlp_bias)
    cuda::add_bias(layer.gate_up.data(), weights_.at(offsets.gate_up_bias), rows, 2 * inner, stream_);
  if (x.out == nullptr) return;
  cuda::swiglu(layer.gate_up.data(), rows, inner, activated_.data(), stream_);
  gemm_.forward_add(activated_.data(), weights_.at(offsets.down), x.middle, x.out, rows, hidden, inner,
                    stream_);
  if (config.mlp_bias) cuda::add_bias(x.out, weights_.at(offsets.down_bias), rows, hidden, stream_);
}

}  // namespace reckon::gpu
