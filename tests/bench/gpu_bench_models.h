#pragma once

#include <memory>
#include <string>

#include "reckon/model/decoder.h"

namespace reckon::bench {

/// The shape of Qwen2.5-0.5B, -1.5B or -7B by its last part ("1.5b"), or "tiny"; no token ends a completion.
/// \throws Error(usage) for an unknown name.
[[nodiscard]] DecoderConfig model_config(const std::string& name);
/// What rows call it: "Qwen2.5-0.5B".
[[nodiscard]] std::string model_title(const std::string& name);
/// One layer of the smallest kind under an output layer of this size.
[[nodiscard]] DecoderConfig head_config(std::int64_t width, std::int64_t vocab);

/// A decoder whose matrices are about normal, of deviation 0.02; it holds weights for a GPU and does not
/// compute.
[[nodiscard]] std::unique_ptr<Decoder> random_decoder(const DecoderConfig& config);

/// Weights that products of one row read: all but norms, biases, and an embedding that is not the output
/// layer.
[[nodiscard]] double product_weights(const DecoderConfig& config);
/// Bytes of a token's keys and values in all layers, in bfloat16.
[[nodiscard]] double kv_bytes_per_token(const DecoderConfig& config);
/// FLOP of the attention of a row that sees so many positions, in all layers: 4 D for each query head and
/// position.
[[nodiscard]] double attention_flop(const DecoderConfig& config, double positions);

}  // namespace reckon::bench
