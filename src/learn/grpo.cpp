#include "reckon/learn/grpo.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "reckon/learn/advantage.h"
#include "reckon/learn/objective.h"

namespace reckon {
namespace {

bool has_signal(const Group& group) {
  return std::any_of(group.completions.begin(), group.completions.end(),
                     [](const Completion& completion) { return completion.advantage != 0.0f; });
}

/// Values of one completion as float64, for the objective.
std::vector<double> widen(std::span<const float> values) {
  return {values.begin(), values.end()};
}

}  // namespace

bool assign_advantages(Group& group, AdvantageScale scale) {
  std::vector<float> rewards;
  std::vector<Verdict> verdicts;
  for (const Completion& completion : group.completions) {
    rewards.push_back(completion.reward);
    verdicts.push_back(completion.verdict);
  }
  const GroupAdvantages result = group_advantages(rewards, verdicts, scale);
  for (std::size_t i = 0; i < group.completions.size(); ++i)
    group.completions[i].advantage = result.advantage[i];
  return result.zero_variance;
}

GrpoUpdater::GrpoUpdater(Learner& learner, const GrpoConfig& config, const Decoder* reference,
                         std::int64_t max_new_tokens)
    : learner_(learner), config_(config), reference_(reference), max_new_tokens_(max_new_tokens) {
  if (config.loss.kl_coef != 0.0 && reference == nullptr) {
    throw std::invalid_argument("GrpoUpdater: kl_coef " + std::to_string(config.loss.kl_coef) +
                                " without a reference model");
  }
}

GrpoStats GrpoUpdater::update(std::span<const Group> groups, float temperature) {
  GrpoStats stats;
  for (const Group& group : groups) stats.zero_variance_groups += has_signal(group) ? 0 : 1;
  const auto share = groups.size() / static_cast<std::size_t>(config_.updates_per_step);
  for (std::int64_t i = 0; i < config_.updates_per_step; ++i) {
    const UpdateStats once =
        update_once(groups.subspan(static_cast<std::size_t>(i) * share, share), temperature);
    const UpdateStats before = stats.sums;
    stats.sums = once;
    stats.sums.loss += before.loss;
    stats.sums.entropy += before.entropy;
    stats.sums.kl += before.kl;
    stats.sums.clipped += before.clipped;
    stats.sums.ratio += before.ratio;
    stats.sums.tokens += before.tokens;
    stats.sums.rows += before.rows;
    // Only the first update still has the weights that sampled.
    if (i > 0) stats.sums.max_logprob_diff = before.max_logprob_diff;
  }
  return stats;
}

UpdateStats GrpoUpdater::update_once(std::span<const Group> groups, float temperature) {
  LossDenominators denominators{.max_new_tokens = max_new_tokens_};
  std::vector<TrainSequence> sequences;
  std::vector<const Completion*> completions;
  for (const Group& group : groups) {
    const bool trains = config_.loss.kl_coef != 0.0 || has_signal(group);
    for (const Completion& completion : group.completions) {
      denominators.tokens += static_cast<std::int64_t>(completion.token_ids.size());
      denominators.sequences += 1;
      if (!trains) continue;
      sequences.push_back({group.prompt.token_ids, completion.token_ids});
      completions.push_back(&completion);
    }
  }
  std::optional<PolicyPass> reference_pass;
  if (config_.loss.kl_coef != 0.0) reference_pass.emplace(*reference_);

  const auto loss = [&](std::size_t first, const PolicyPass& pass, std::span<float> coef) {
    UpdateStats stats;
    const std::span<const std::size_t> offsets = pass.offsets();
    const std::size_t count = offsets.size() - 1;
    if (reference_pass) reference_pass->forward({sequences.data() + first, count}, temperature, false);
    for (std::size_t s = 0; s < count; ++s) {
      const Completion& completion = *completions[first + s];
      const std::size_t at = offsets[s];
      const std::size_t length = offsets[s + 1] - at;
      const std::vector<double> policy = widen(pass.logprob().subspan(at, length));
      const std::vector<double> sampler = widen(completion.sampler_logprob);
      std::vector<double> reference;
      if (reference_pass) reference = widen(reference_pass->logprob().subspan(at, length));
      std::vector<double> slope(length);
      const double weight =
          token_weight(config_.loss.loss_normalise, denominators, static_cast<std::int64_t>(length));
      const ObjectiveSums sums =
          policy_objective({policy, sampler, reference, completion.advantage}, config_.loss, weight, slope);
      std::copy(slope.begin(), slope.end(), coef.begin() + static_cast<std::ptrdiff_t>(at));
      stats.loss += sums.loss;
      stats.kl += sums.kl;
      stats.clipped += sums.clipped;
      stats.ratio += sums.ratio;
      if (!(sums.max_logprob_diff <= stats.max_logprob_diff)) stats.max_logprob_diff = sums.max_logprob_diff;
    }
    return stats;
  };
  return learner_.update(sequences, temperature, loss);
}

}  // namespace reckon
