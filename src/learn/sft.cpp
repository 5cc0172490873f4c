#include "reckon/learn/sft.h"

#include <vector>

namespace reckon {

UpdateStats sft_update(Learner& learner, std::span<const TrainSequence> sequences, const UpdateGate& gate) {
  std::size_t tokens = 0;
  for (const TrainSequence& sequence : sequences) tokens += sequence.completion.size();
  const std::vector<SequenceTerms> terms(sequences.size(), {.weight = 1.0 / static_cast<double>(tokens)});
  return learner.update(sequences, {.kind = LossKind::cross_entropy, .terms = terms}, 1.0f, gate);
}

}  // namespace reckon
