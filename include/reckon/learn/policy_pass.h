#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/model/decoder.h"

namespace reckon {

/// A prompt and its completion, as the learner sees them: token ids, nothing else.
struct TrainSequence {
  std::span<const std::uint32_t> prompt;      ///< at least one token
  std::span<const std::uint32_t> completion;  ///< at least one token; the loss is on these only
};

/// Log-probabilities of completion tokens under a decoder, for a packed micro-batch, and the gradients back.
/// The head runs on the rows that predict completion tokens alone, 256 at a time: [T, V] logits never exist.
class PolicyPass {
 public:
  explicit PolicyPass(const Decoder& decoder) : decoder_(decoder) {}

  /// \param sequences  S sequences; their completion tokens, one after the other, are the T targets
  /// \param keep_for_backward  whether backward() will follow
  /// Afterwards logprob(), entropy() are [T], offsets() is [S + 1].
  void forward(std::span<const TrainSequence> sequences, float temperature, bool keep_for_backward);
  /// \param coef  [T]: d loss / d logprob   \param gradients  [parameters], added to
  void backward(std::span<const float> coef, std::span<float> gradients);

  [[nodiscard]] std::span<const float> logprob() const { return logprob_; }
  [[nodiscard]] std::span<const float> entropy() const { return entropy_; }
  [[nodiscard]] std::span<const std::size_t> offsets() const { return offsets_; }
  /// Tokens that went through the model, prompts included.
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

 private:
  void compute_logits(std::size_t first, std::size_t rows);
  [[nodiscard]] std::span<const std::uint32_t> targets_of(std::size_t first, std::size_t rows) const;

  const Decoder& decoder_;
  PackedRows rows_;
  LayerCaches caches_;
  Activations activations_;
  std::vector<std::uint32_t> targets_;     // [T]
  std::vector<std::int64_t> target_rows_;  // [T] row whose output predicts the target
  std::vector<std::size_t> offsets_;       // [S + 1]
  AlignedBuffer hidden_, picked_, logits_, dhidden_, dpicked_;
  std::vector<float> logprob_, entropy_, lse_;
  float temperature_ = 1;
};

}  // namespace reckon
