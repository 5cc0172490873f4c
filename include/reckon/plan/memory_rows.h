#pragma once

#include <algorithm>

#include "reckon/plan/memory.h"
#include "reckon/plan/model_shape.h"

namespace reckon::plan {

/// Bytes of things that are made of tokens ("rows"). On the CPU all are float32 (Activations in
/// model/decoder.h); on a GPU the residual stream is, and what the products read is bfloat16 (DecoderPass in
/// src/gpu).
class MemoryRows {
 public:
  MemoryRows(const ModelShape& model, const MemoryTarget& target) : m_(model), target_(target) {}

  /// The products' own copies on the CPU: of all matrices, the output layer as far as it has logits. In
  /// bfloat16 there are two of half the size.
  [[nodiscard]] double packed() const {
    return 4 * (m_.layers() * m_.layer_matrices() + m_.logits() * m_.hidden());
  }
  /// Of tokens in sequences that each begin a block of sixteen (KvBlocks::kBlock).
  [[nodiscard]] double keys_and_values(double tokens, double sequences) const {
    return 2 * target_.kv_bytes * m_.layers() * m_.keys() * (tokens + sequences * 8);
  }
  [[nodiscard]] double layer(double rows) const {
    const double heads = static_cast<double>(2 * m_.num_attention_heads + m_.num_key_value_heads);
    const double stream = 2 * m_.hidden() + 2 + heads;
    return target_.is_gpu ? rows * (4 * stream + 2 * (m_.qkv() + m_.queries() + m_.qkv() + 2 * m_.inner()))
                          : rows * 4 * (stream + m_.qkv() + 2 * m_.queries() + 2 * m_.inner());
  }
  [[nodiscard]] double layer_input(double rows) const { return 4 * rows * m_.hidden(); }
  /// What a forward pass needs beside the layers' rows: its ends, and one layer's workspace.
  [[nodiscard]] double forward(double rows) const {
    return target_.is_gpu ? rows * (4 * (m_.hidden() + 1) + 2 * (m_.hidden() + m_.inner()))
                          : rows * 4 * (3 * m_.hidden() + 1 + m_.keys() + m_.inner());
  }
  [[nodiscard]] double backward(double rows) const {
    const double wide = std::max(m_.inner(), m_.queries());
    return target_.is_gpu
               ? rows * (4 * 2 * m_.hidden() + 2 * (m_.hidden() + wide + 2 * m_.inner() + 2 * m_.qkv()))
               : rows * 4 *
                     (4 * m_.hidden() + wide + std::max(2 * m_.inner(), m_.qkv()) + m_.queries() +
                      2 * m_.keys());
  }
  /// Hidden states behind the last norm, and on a GPU their gradient.
  [[nodiscard]] double hidden(double rows) const {
    return rows * m_.hidden() * (target_.is_gpu ? 3 : 4);  // half of rows * (2 + 4): forward and gradient
  }
  [[nodiscard]] double logits(double rows) const { return 4 * rows * m_.logits(); }
  /// CPU, as PolicyPass keeps them: all of a micro-batch's where they are few, else a chunk. GPU: the head's
  /// chunk (src/gpu/head.cpp). \param targets  0: of a pass that keeps none
  [[nodiscard]] double learner_logits(double targets) const {
    if (target_.is_gpu) {
      constexpr double kMostBytes = 1.3e9;
      const double chunk = std::min({targets, 16384.0, std::max(256.0, kMostBytes / (2 * m_.logits()))});
      return chunk * (2 * m_.logits() + 6 * m_.hidden());
    }
    constexpr double kMostKept = 8 << 20;
    constexpr double kChunk = 512;  // kWeightGradientRows
    if (targets * m_.logits() <= kMostKept && targets > 0) return logits(targets);
    return logits(m_.logits() > 32768 ? 256 : kChunk);
  }

 private:
  const ModelShape& m_;
  const MemoryTarget& target_;
};

}  // namespace reckon::plan
