#include "reckon/learn/update_loss.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "reckon/learn/objective.h"

namespace reckon {
namespace {

/// Values as float64, for the objective.
std::vector<double> widen(std::span<const float> values) {
  return {values.begin(), values.end()};
}

void add_cross_entropy(const SequenceTerms& terms, std::span<const float> logprob, std::span<float> coef,
                       UpdateStats& stats) {
  for (const float value : logprob) stats.loss -= terms.weight * value;
  std::fill(coef.begin(), coef.end(), static_cast<float>(-terms.weight));
}

void add_policy_loss(const SequenceTerms& terms, const LossConfig& config, std::span<const float> logprob,
                     std::span<const float> reference_logprob, std::span<float> coef, UpdateStats& stats) {
  const std::vector<double> policy = widen(logprob);
  const std::vector<double> sampler = widen(terms.sampler_logprob);
  const std::vector<double> reference = widen(reference_logprob);
  const std::vector<double> old = widen(terms.old_logprob);
  std::vector<double> slope(policy.size());
  const ObjectiveSums sums =
      policy_objective({policy, sampler, reference, terms.advantage, old}, config, terms.weight, slope);
  std::copy(slope.begin(), slope.end(), coef.begin());
  stats.loss += sums.loss;
  stats.kl += sums.kl;
  stats.clipped += sums.clipped;
  stats.ratio += sums.ratio;
  stats.importance += sums.importance;
  stats.truncated += sums.truncated;
  stats.masked += sums.masked;
  if (terms.compare) stats.max_logprob_diff = larger(stats.max_logprob_diff, sums.max_logprob_diff);
}

/// \throws std::invalid_argument where `what` of a sequence has not as many values as its completion
void check_length(const char* what, std::size_t sequence, std::size_t length, std::size_t expected) {
  if (length == expected) return;
  throw std::invalid_argument("UpdateLoss: sequence " + std::to_string(sequence) + " has " +
                              std::to_string(length) + " of " + what + " for " + std::to_string(expected) +
                              " completion tokens");
}

}  // namespace

void check_loss(const UpdateLoss& loss, std::span<const TrainSequence> sequences) {
  if (loss.terms.size() != sequences.size()) {
    throw std::invalid_argument("UpdateLoss: terms of " + std::to_string(loss.terms.size()) + " sequences (" +
                                std::to_string(sequences.size()) + " are given)");
  }
  if (loss.kind != LossKind::policy) return;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const SequenceTerms& terms = loss.terms[s];
    const std::size_t length = sequences[s].completion.size();
    check_length("sampler_logprob", s, terms.sampler_logprob.size(), length);
    if (!terms.old_logprob.empty()) check_length("old_logprob", s, terms.old_logprob.size(), length);
  }
}

UpdateStats evaluate_loss(const UpdateLoss& loss, std::size_t first_sequence, const LeafLogprobs& leaf,
                          std::span<const float> reference_logprob, std::span<float> coef) {
  UpdateStats stats;
  for (std::size_t s = 0; s + 1 < leaf.offsets.size(); ++s) {
    const SequenceTerms& terms = loss.terms[first_sequence + s];
    const std::size_t at = leaf.offsets[s];
    const std::size_t length = leaf.offsets[s + 1] - at;
    const std::span<const float> logprob = leaf.logprob.subspan(at, length);
    if (loss.kind == LossKind::cross_entropy) {
      add_cross_entropy(terms, logprob, coef.subspan(at, length), stats);
    } else {
      const auto reference =
          reference_logprob.empty() ? reference_logprob : reference_logprob.subspan(at, length);
      add_policy_loss(terms, loss.config, logprob, reference, coef.subspan(at, length), stats);
    }
  }
  for (const float entropy : leaf.entropy) stats.entropy += entropy;
  stats.tokens = static_cast<double>(leaf.logprob.size());
  stats.rows = static_cast<double>(leaf.rows);
  return stats;
}

UpdateStats add_up_leaves(Communicator& world, std::span<const UpdateStats> leaves) {
  static_assert(std::is_trivially_copyable_v<UpdateStats>);
  UpdateStats total;
  const std::string mine(reinterpret_cast<const char*>(leaves.data()), leaves.size_bytes());
  for (const std::string& rank : world.all_gather(mine)) {
    for (std::size_t at = 0; at < rank.size(); at += sizeof(UpdateStats)) {
      UpdateStats part;
      std::memcpy(&part, rank.data() + at, sizeof part);
      total.loss += part.loss;
      total.entropy += part.entropy;
      total.kl += part.kl;
      total.clipped += part.clipped;
      total.ratio += part.ratio;
      total.importance += part.importance;
      total.truncated += part.truncated;
      total.masked += part.masked;
      total.tokens += part.tokens;
      total.rows += part.rows;
      total.max_logprob_diff = larger(total.max_logprob_diff, part.max_logprob_diff);
    }
  }
  return total;
}

}  // namespace reckon
