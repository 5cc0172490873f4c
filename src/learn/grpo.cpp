#include "reckon/learn/grpo.h"

#include <algorithm>
#include <cstdio>
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

GrpoUpdater::GrpoUpdater(Learner& learner, const GrpoConfig& config, std::int64_t max_new_tokens)
    : learner_(learner), config_(config), max_new_tokens_(max_new_tokens) {}

GrpoStats GrpoUpdater::update(std::span<const Group> groups, float temperature, std::uint64_t policy_version,
                              const UpdateGate& gate) {
  GrpoStats stats;
  stats.staleness = staleness_of(groups, policy_version);
  for (const Group& group : groups) stats.zero_variance_groups += has_signal(group) ? 0 : 1;
  const auto share = groups.size() / static_cast<std::size_t>(config_.updates_per_step);
  // What the first update is not on must be compared before the weights change.
  const double untrained_diff = config_.exactness == Exactness::all
                                    ? compare_untrained(groups, share, temperature, policy_version)
                                    : 0.0;
  std::vector<UpdateBatch> batches;
  for (std::int64_t i = 0; i < config_.updates_per_step; ++i)
    batches.push_back(batch_of(groups.subspan(static_cast<std::size_t>(i) * share, share), policy_version));
  const std::vector<float> old = add_old_logprobs(batches, temperature);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto exact_gate = [&](const UpdateStats& sums) {
      if (i == 0) check_exactness(larger(sums.max_logprob_diff, untrained_diff));
      return gate ? gate(sums) : UpdateDecision::apply;
    };
    const UpdateStats once = learner_.update(
        batches[i].sequences, {.kind = LossKind::policy, .config = config_.loss, .terms = batches[i].terms},
        temperature, exact_gate);
    stats.skipped_updates += once.applied ? 0 : 1;
    const UpdateStats before = stats.sums;
    stats.sums = once;
    stats.sums.loss += before.loss;
    stats.sums.entropy += before.entropy;
    stats.sums.kl += before.kl;
    stats.sums.clipped += before.clipped;
    stats.sums.ratio += before.ratio;
    stats.sums.importance += before.importance;
    stats.sums.truncated += before.truncated;
    stats.sums.masked += before.masked;
    stats.sums.tokens += before.tokens;
    stats.sums.rows += before.rows;
    // Only the first update still has the weights of this version.
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
                                      float temperature, std::uint64_t policy_version) {
  std::vector<TrainSequence> sequences;
  std::vector<SequenceTerms> terms;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g < first_share && trains(groups[g])) continue;
    for (const Completion& completion : groups[g].completions) {
      if (is_stale(completion, policy_version)) continue;
      sequences.push_back({groups[g].prompt.token_ids, completion.token_ids});
      terms.push_back({.sampler_logprob = completion.sampler_logprob});
    }
  }
  // Of all that a loss gives the difference alone is wanted: without a reference model.
  return learner_.measure(sequences, {.kind = LossKind::policy, .terms = terms}, temperature)
      .max_logprob_diff;
}

GrpoUpdater::UpdateBatch GrpoUpdater::batch_of(std::span<const Group> groups,
                                               std::uint64_t policy_version) const {
  LossDenominators denominators{.max_new_tokens = max_new_tokens_};
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      denominators.tokens += static_cast<std::int64_t>(completion.token_ids.size());
      denominators.sequences += 1;
    }
  }
  UpdateBatch batch;
  for (const Group& group : groups) {
    if (!trains(group)) continue;
    for (const Completion& completion : group.completions) {
      const auto length = static_cast<std::int64_t>(completion.token_ids.size());
      batch.sequences.push_back({group.prompt.token_ids, completion.token_ids});
      batch.terms.push_back({.sampler_logprob = completion.sampler_logprob,
                             .advantage = completion.advantage,
                             .weight = token_weight(config_.loss.loss_normalise, denominators, length),
                             .compare = !is_stale(completion, policy_version)});
    }
  }
  return batch;
}

/// The first update is on the old policy: its own log-probs are the old ones.
/// \return the values that the terms point to
std::vector<float> GrpoUpdater::add_old_logprobs(std::span<UpdateBatch> batches, float temperature) {
  if (config_.loss.off_policy == OffPolicy::none || batches.size() < 2) return {};
  std::vector<TrainSequence> sequences;
  for (const UpdateBatch& batch : batches.subspan(1))
    sequences.insert(sequences.end(), batch.sequences.begin(), batch.sequences.end());
  std::vector<float> logprobs = learner_.logprobs(sequences, temperature);
  std::size_t at = 0;
  for (UpdateBatch& batch : batches.subspan(1)) {
    for (std::size_t s = 0; s < batch.terms.size(); ++s) {
      const std::size_t length = batch.sequences[s].completion.size();
      batch.terms[s].old_logprob = std::span(logprobs).subspan(at, length);
      at += length;
    }
  }
  return logprobs;
}

}  // namespace reckon
