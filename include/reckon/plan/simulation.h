#pragma once

#include <cstdint>

#include "reckon/plan/lengths.h"

namespace reckon::plan {

/// How sampling and learning take turns; what each setting does stands beside ScheduleConfig
/// (rollout/config.h) and ClusterConfig (dist/config.h), whose names these are.
struct Schedule {
  bool split = false;         ///< some ranks sample, the others learn; else every rank does both
  bool as_completed = false;  ///< else in order
  std::int64_t max_staleness = 0;
  double over_issue = 0;
  bool partial_rollouts = false;
};

/// The job, by the second and by the token.
struct JobModel {
  std::int64_t workers = 1;   ///< ranks that sample
  std::int64_t learners = 1;  ///< ranks that learn: the same ones where roles are not split
  std::int64_t prompts_per_step = 1;
  std::int64_t group_size = 1;
  Lengths lengths = Lengths::constant(1);
  // A worker decodes its rows together: a pass makes one token of each.
  std::int64_t rows_per_worker = 256;  ///< at most
  double pass_s = 0;                   ///< of a pass, whatever its rows
  double row_s = 0;                    ///< and of each row
  double group_s = 0;                  ///< of a group's prompt
  // An update.
  double update_token_s = 0;  ///< of a token, on one learner
  double update_fixed_s = 0;  ///< optimizer, reduction of gradients
  // Weights pass from the learners to a first worker and from each to the next, cut into buckets: the n-th
  // (from 0) has them whole sync_fill_s + n * sync_hop_s after the update.
  double sync_fill_s = 0;
  double sync_hop_s = 0;
  std::int64_t workers_per_hop = 1;  ///< those of a node have them at once
};

struct SimulationResult {
  double step_s = 0;          ///< mean of the steps behind the first `warmup`
  double worker_idle = 0;     ///< share of the time in which a worker has nothing to decode
  double learner_idle = 0;    ///< where roles are not split, both are the share in which a rank does neither
  double mean_staleness = 0;  ///< of the trained groups, in steps
  std::int64_t max_staleness = 0;
  double tokens_per_s = 0;  ///< of completions that were trained
  // Groups, from the first step on.
  std::int64_t issued = 0, trained = 0, dropped = 0, in_flight = 0;
  [[nodiscard]] double dropped_share() const {
    return issued == 0 ? 0 : static_cast<double>(dropped) / static_cast<double>(issued);
  }
};

/// Plays the job event by event. In order, each worker begins its share of the groups of each step; as
/// completed, groups are begun by the worker that has the fewest, which has no more than its share of a step.
/// A group ends when its longest completion does, and is trained as the schedule says. The same arguments
/// give the same result. \param steps  more than warmup  \throws std::invalid_argument where counts are not
/// positive, a group does not fit rows_per_worker, or a colocated schedule has a staleness.
[[nodiscard]] SimulationResult simulate(const JobModel& job, const Schedule& schedule, std::int64_t steps,
                                        std::int64_t warmup, std::uint64_t seed);

}  // namespace reckon::plan
