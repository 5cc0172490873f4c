#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/learn/learner.h"
#include "reckon/learn/staleness.h"
#include "reckon/record/rollout.h"

namespace reckon {

/// Fills the advantages of a group's completions. \return whether the group's rewards are all equal
bool assign_advantages(Group& group, AdvantageScale scale);

/// Metrics of the updates of one GRPO step.
struct GrpoStats {
  UpdateStats sums;                  ///< over the updates; grad_norm, learning_rate and applied of the last
  std::int64_t skipped_updates = 0;  ///< by the gate
  std::int64_t zero_variance_groups = 0;
  Staleness staleness;  ///< of all groups
};

/// Group-relative policy optimisation (DeepSeekMath, arXiv:2402.03300, Algorithm 1, lines 10-11):
/// updates_per_step optimizer updates on the groups of one step, each on an equal share of them, in order. A
/// zero-variance group has no policy gradient: without a KL term it is left out of the passes (and counted),
/// but its tokens count in the denominators all the same. Where off_policy is not none, the updates after the
/// first have the learner's log-probs before the first from a pass of their own.
class GrpoUpdater {
 public:
  /// \param learner  has a reference model where kl_coef is not 0; must outlive the updater
  GrpoUpdater(Learner& learner, const GrpoConfig& config, std::int64_t max_new_tokens);

  /// \param groups  all groups of the step, of all ranks, in global order, with advantages. Collective.
  /// \param policy_version  of the weights that the first update starts from: sampler and learner are
  /// compared
  ///                        in completions of this version alone
  /// \param gate  asked at each update, after exactness; empty: all are applied
  /// \throws Error(internal) where the first update's log-probs are not the sampler's, as exactness says:
  /// nothing is changed; or where a completion is of a later version.
  GrpoStats update(std::span<const Group> groups, float temperature, std::uint64_t policy_version,
                   const UpdateGate& gate = {});

 private:
  /// What one update is on.
  struct UpdateBatch {
    std::vector<TrainSequence> sequences;
    std::vector<SequenceTerms> terms;  // of the sequences
  };
  [[nodiscard]] bool trains(const Group& group) const;
  void check_exactness(double max_logprob_diff) const;
  /// Largest difference between sampler and learner in completions that the first update is not on.
  double compare_untrained(std::span<const Group> groups, std::size_t first_share, float temperature,
                           std::uint64_t policy_version);
  [[nodiscard]] UpdateBatch batch_of(std::span<const Group> groups, std::uint64_t policy_version) const;
  std::vector<float> add_old_logprobs(std::span<UpdateBatch> batches, float temperature);

  Learner& learner_;
  GrpoConfig config_;
  std::int64_t max_new_tokens_;
};

}  // namespace reckon
