#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace reckon {

/// A prompt and its completion, as the learner sees them: token ids, nothing else.
struct TrainSequence {
  std::span<const std::uint32_t> prompt;      ///< at least one token
  std::span<const std::uint32_t> completion;  ///< at least one token; the loss is on these only
};

/// What a pass says of one leaf: T completion tokens of S sequences, one sequence after the other.
struct LeafLogprobs {
  std::span<const float> logprob;        ///< [T]
  std::span<const float> entropy;        ///< [T], nats
  std::span<const std::size_t> offsets;  ///< [S + 1], from 0
  std::int64_t rows = 0;                 ///< tokens that went through the model
};

}  // namespace reckon
