#include "reckon/learn/sft.h"

#include <algorithm>

namespace reckon {

UpdateStats sft_update(Learner& learner, std::span<const TrainSequence> sequences) {
  std::size_t tokens = 0;
  for (const TrainSequence& sequence : sequences) tokens += sequence.completion.size();
  const double weight = 1.0 / static_cast<double>(tokens);
  return learner.update(sequences, 1.0f, [&](std::size_t, const LeafLogprobs& leaf, std::span<float> coef) {
    UpdateStats stats;
    for (const float logprob : leaf.logprob) stats.loss -= weight * logprob;
    std::fill(coef.begin(), coef.end(), static_cast<float>(-weight));
    return stats;
  });
}

}  // namespace reckon
