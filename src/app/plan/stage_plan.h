#pragma once

#include <string>
#include <vector>

#include "plan_inputs.h"
#include "reckon/plan/simulation.h"

namespace reckon {

/// A stage in numbers.
struct StagePlan {
  std::string name;
  plan::Work work = plan::Work::grpo;
  plan::Placement placement;
  std::vector<plan::MemoryPart> memory;  ///< of the rank that takes the most
  plan::Role role = plan::Role::both;    ///< which that is
  double host_mb = 0;                    ///< with a GPU: of a rank, in the host's memory
  plan::StepTime time;
  double step_s = 0;
  double total_s = 0;
  double tokens_per_s = 0;
  // The largest power of two of each that fits, all else as it is; 0: not even what the recipe says fits.
  std::int64_t most_micro_batch_leaves = 0, most_max_batch = 0;
};

[[nodiscard]] StagePlan plan_stage(const PlanInputs& inputs, const PlannedStage& stage);

/// The largest model that fits in every stage without being spread over ranks.
struct LargestModel {
  double parameters = 0;   ///< of the recipe's shape, made wider and deeper alike; 0: none
  std::string known_name;  ///< the largest published one; empty: none
};
[[nodiscard]] LargestModel largest_model(const PlanInputs& inputs);

/// A schedule, and what the simulation makes of it.
struct ScheduleRow {
  std::string name;
  plan::Schedule schedule;
  std::int64_t ranks = 0;
  plan::JobModel job;
  plan::SimulationResult result;
};

/// The stage's schedules in a job of so many ranks, whose step grows with them: as many prompts a rank as the
/// recipe gives in a job of `base_ranks`. Split jobs share the ranks as [cluster] says, or else so that
/// sampling and learning take the same time.
[[nodiscard]] std::vector<ScheduleRow> simulate_schedules(const PlanInputs& inputs, const PlannedStage& stage,
                                                          std::int64_t ranks, std::int64_t base_ranks,
                                                          std::int64_t steps);

/// The grpo stage that takes the longest; null where there is none.
[[nodiscard]] const PlannedStage* sampled_stage(const PlanInputs& inputs);

}  // namespace reckon
