#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "reckon/plan/model_shape.h"

namespace reckon::plan {

/// What one rank's processor reaches, in numbers of a second.
struct Rates {
  double products = 0;   ///< FLOP of a matrix product of many rows
  double bandwidth = 0;  ///< bytes of memory that are read or written
  double rows = 0;       ///< bytes of activations (MemoryRows::layer) that norms, SwiGLU and rotations pass
  double learner_rows = 0;     ///< the same where they are kept for the backward pass
  double attention = 0;        ///< FLOP of scores and weighted sums
  double logits = 0;           ///< logits that a token is chosen from or a loss is computed of
  double backward_factor = 2;  ///< seconds of a backward pass over those of its forward pass
  double pass_s = 0;           ///< seconds of a pass of one row, beside reading the weights
  double optimizer = 0;        ///< parameters that AdamW updates
  double hash = 0;             ///< bytes that SHA-256 passes
  double host_link = 0;        ///< bytes between GPU and host; 0: there is none
};

/// A GPU by its datasheet.
struct Gpu {
  std::string name;
  double memory_gib = 0;
  double bandwidth = 0;   ///< bytes/s
  double bf16_flops = 0;  ///< dense
  double nvlink = 0;      ///< bytes/s in one direction
};

[[nodiscard]] std::span<const Gpu> known_gpus();
/// \throws Error(usage) with the nearest name, or all of them
[[nodiscard]] const Gpu& find_gpu(const std::string& name);

/// What of a datasheet's numbers is taken to be reached. Nothing here was measured by us on a GPU but for
/// what the comments name.
[[nodiscard]] Rates gpu_rates(const Gpu& gpu, const ModelShape& model);

/// How ranks are connected.
struct Network {
  std::int64_t nodes = 1;
  std::int64_t ranks_per_node = 1;
  double local = 0;      ///< bytes/s of a rank to others on its node
  double node = 0;       ///< bytes/s of a node to another
  double latency_s = 0;  ///< of a message
  [[nodiscard]] std::int64_t ranks() const { return nodes * ranks_per_node; }
  /// Bytes/s of a ring over `ranks` ranks, node after node: its slowest link.
  [[nodiscard]] double ring(std::int64_t ranks) const { return ranks > ranks_per_node ? node : local; }
  /// Seconds of a sum over the ranks of so many bytes on each: a reduce-scatter and an all-gather.
  [[nodiscard]] double all_reduce_s(double bytes, std::int64_t ranks) const;
};

/// Weights on their way from the learners to the workers: a chain of nodes, cut into buckets that follow each
/// other, so that the n-th node has them fill_s + n * hop_s after the first has begun.
struct WeightChain {
  double fill_s = 0;
  double hop_s = 0;
  double wire_s = 0;  ///< of the bytes on one link
};
/// \param bytes  of the weights as they are sent
[[nodiscard]] WeightChain weight_chain(const Network& network, double bytes, bool leaves_the_node);

}  // namespace reckon::plan
