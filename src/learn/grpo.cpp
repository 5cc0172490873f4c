#include "reckon/learn/grpo.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "reckon/base/error.h"
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

/// The larger one; a NaN is larger than any number.
double larger(double a, double b) {
  return std::isnan(a) || a > b ? a : b;
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
  // What the first update is not on must be compared before the weights change.
  const double untrained_diff =
      config_.exactness == Exactness::all ? compare_untrained(groups, share, temperature) : 0.0;
  for (std::int64_t i = 0; i < config_.updates_per_step; ++i) {
    const auto check = [&](const UpdateStats& sums) {
      if (i == 0) check_exactness(larger(sums.max_logprob_diff, untrained_diff));
    };
    const UpdateStats once =
        update_once(groups.subspan(static_cast<std::size_t>(i) * share, share), temperature, check);
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
    stats.sums.max_logprob_diff =
        i == 0 ? larger(once.max_logprob_diff, untrained_diff) : before.max_logprob_diff;
  }
  return stats;
}

bool GrpoUpdater::trains(const Group& group) const {
  return config_.loss.kl_coef != 0.0 || has_signal(group);
}

void GrpoUpdater::check_exactness(double max_logprob_diff) const {
  if (config_.exactness == Exactness::report || max_logprob_diff == 0.0) return;
  char difference[32];
  std::snprintf(difference, sizeof difference, "%.3g",
                max_logprob_diff);  // 6e-08 is one unit in the last place
  throw Error(ExitCode::internal,
              "update " + std::to_string(learner_.updates()) +
                  ": the learner's log-probabilities differ from the "
                  "sampler's by up to " +
                  difference +
                  " (need the same bits). Nothing was changed; exactness = \"report\" goes on all the same.");
}

double GrpoUpdater::compare_untrained(std::span<const Group> groups, std::size_t first_share,
                                      float temperature) {
  std::vector<TrainSequence> sequences;
  std::vector<const Completion*> completions;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g < first_share && trains(groups[g])) continue;
    for (const Completion& completion : groups[g].completions) {
      sequences.push_back({groups[g].prompt.token_ids, completion.token_ids});
      completions.push_back(&completion);
    }
  }
  const auto difference = [&](std::size_t first, const LeafLogprobs& leaf, std::span<float>) {
    UpdateStats stats;
    for (std::size_t s = 0; s + 1 < leaf.offsets.size(); ++s) {
      const std::span<const float> sampler = completions[first + s]->sampler_logprob;
      for (std::size_t t = 0; t < sampler.size(); ++t) {
        const double apart = std::abs(static_cast<double>(leaf.logprob[leaf.offsets[s] + t]) - sampler[t]);
        // Written so that a NaN becomes the maximum and is seen.
        if (!(apart <= stats.max_logprob_diff)) stats.max_logprob_diff = apart;
      }
    }
    return stats;
  };
  return learner_.measure(sequences, temperature, difference).max_logprob_diff;
}

UpdateStats GrpoUpdater::update_once(std::span<const Group> groups, float temperature,
                                     const UpdateCheck& check) {
  LossDenominators denominators{.max_new_tokens = max_new_tokens_};
  std::vector<TrainSequence> sequences;
  std::vector<const Completion*> completions;
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      denominators.tokens += static_cast<std::int64_t>(completion.token_ids.size());
      denominators.sequences += 1;
      if (!trains(group)) continue;
      sequences.push_back({group.prompt.token_ids, completion.token_ids});
      completions.push_back(&completion);
    }
  }
  std::optional<PolicyPass> reference_pass;
  if (config_.loss.kl_coef != 0.0) reference_pass.emplace(*reference_);

  const auto loss = [&](std::size_t first, const LeafLogprobs& leaf, std::span<float> coef) {
    UpdateStats stats;
    const std::span<const std::size_t> offsets = leaf.offsets;
    const std::size_t count = offsets.size() - 1;
    if (reference_pass)
      reference_pass->forward({sequences.data() + first, count}, temperature, Keep::nothing);
    for (std::size_t s = 0; s < count; ++s) {
      const Completion& completion = *completions[first + s];
      const std::size_t at = offsets[s];
      const std::size_t length = offsets[s + 1] - at;
      const std::vector<double> policy = widen(leaf.logprob.subspan(at, length));
      const std::vector<double> sampler = widen(completion.sampler_logprob);
      std::vector<double> reference;
      if (reference_pass) reference = widen(reference_pass->leaf(0).logprob.subspan(at, length));
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
  return learner_.update(sequences, temperature, loss, check);
}

}  // namespace reckon
