#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/learn/packed_batch.h"
#include "reckon/learn/train_sequence.h"
#include "reckon/model/decoder.h"

namespace reckon {

/// Log-probabilities of completion tokens under a decoder, for a packed micro-batch of leaves, and the
/// gradients back, leaf by leaf: what comes out for a leaf does not depend on those beside it. Within a leaf,
/// neighbours with the same prompt share its rows: the prompt of a group is computed once. The head runs on
/// the rows that predict completion tokens alone, a few hundred at a time: [T, V] logits never exist where
/// they are large.
class PolicyPass {
 public:
  explicit PolicyPass(const Decoder& decoder) : decoder_(decoder) {}

  /// \param sequences       their leaves are leaf_sequences each, the last one maybe fewer
  /// \param keep            what backward() will need
  void forward(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences, float temperature,
               Keep keep);
  /// The same as one leaf.
  void forward(std::span<const TrainSequence> sequences, float temperature, Keep keep) {
    forward(sequences, static_cast<std::int64_t>(sequences.size()), temperature, keep);
  }
  [[nodiscard]] std::size_t num_leaves() const { return batch_.leaves().size(); }
  [[nodiscard]] LeafLogprobs leaf(std::size_t index) const;
  /// \param coef  [T] of the leaf: d loss / d logprob   \param gradients  [parameters], added to
  /// \param complete  as Decoder::backward()
  /// \throws std::logic_error where forward() kept nothing for it
  void backward(std::size_t leaf, std::span<const float> coef, std::span<float> gradients,
                const GradientsComplete& complete = {});

 private:
  [[nodiscard]] std::size_t num_targets() const { return batch_.targets().size(); }
  [[nodiscard]] std::span<float> compute_logits(std::size_t first, std::size_t rows, std::size_t at);
  [[nodiscard]] std::span<const std::uint32_t> targets_of(std::size_t first, std::size_t rows) const;
  [[nodiscard]] std::size_t logit_rows() const;

  const Decoder& decoder_;
  PackedBatch batch_;
  KvCache cache_;
  Activations activations_;
  AlignedBuffer hidden_, picked_, logits_, dhidden_, dpicked_;
  std::vector<float> logprob_, entropy_, lse_;
  float temperature_ = 1;
  bool logits_kept_ = false;
};

}  // namespace reckon
