// The schedules of a stage, in jobs of any number of ranks.
#include <algorithm>
#include <cmath>

#include "stage_plan.h"

namespace reckon {
namespace {

struct NamedSchedule {
  const char* name;
  plan::Schedule schedule;
};

std::vector<NamedSchedule> schedules() {
  std::vector<NamedSchedule> all = {{"colocated, in turns", {}}, {"split, in turns", {.split = true}}};
  constexpr const char* kNames[] = {"split, max_staleness 1", "split, max_staleness 2",
                                    "split, max_staleness 4"};
  constexpr std::int64_t kStaleness[] = {1, 2, 4};
  for (std::size_t i = 0; i < 3; ++i)
    all.push_back({kNames[i], {.split = true, .max_staleness = kStaleness[i]}});
  all.push_back({"as_completed, max_staleness 1", {.split = true, .as_completed = true, .max_staleness = 1}});
  all.push_back({"as_completed, max_staleness 4", {.split = true, .as_completed = true, .max_staleness = 4}});
  all.push_back({"as_completed, over_issue 0.25", {.split = true, .as_completed = true, .over_issue = 0.25}});
  all.push_back({"as_completed, over_issue 0.25, in_flight",
                 {.split = true, .as_completed = true, .over_issue = 0.25, .partial_rollouts = true}});
  return all;
}

/// Workers of a split job: as the recipe says, or else so that both roles take the same time.
std::int64_t workers_of(const PlanInputs& inputs, const plan::StageLoad& load, std::int64_t ranks) {
  const ClusterConfig& cluster = inputs.recipe.cluster;
  if (cluster.mode == ClusterMode::split) {
    const double share = cluster.rollout_share * static_cast<double>(ranks);
    const std::int64_t workers = cluster.rollout_ranks > 0 ? cluster.rollout_ranks : std::llround(share);
    return std::clamp<std::int64_t>(workers, 1, ranks - 1);
  }
  std::int64_t low = 1, high = ranks - 1;  // the fewest that sample no longer than the others learn
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    const plan::Placement placement{
        .workers = middle, .learners = ranks - middle, .split = true, .sharding = inputs.sharding};
    const plan::StepTime time =
        step_time(inputs.shape, load, placement, inputs.rates, inputs.network, inputs.bytes);
    if (time.worker_s() <= time.learner_s()) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

plan::JobModel job_of(const PlanInputs& inputs, const plan::StageLoad& load, const plan::Placement& placement,
                      std::int64_t ranks) {
  plan::Network network = inputs.network;
  network.nodes = (ranks + network.ranks_per_node - 1) / network.ranks_per_node;
  const plan::StepTime time = step_time(inputs.shape, load, placement, inputs.rates, network, inputs.bytes);
  plan::JobModel job;
  job.workers = placement.workers;
  job.learners = placement.learners;
  job.prompts_per_step = load.prompts;
  job.group_size = load.group_size;
  job.lengths = load.completions;
  job.rows_per_worker = std::max(load.max_batch, load.group_size);
  job.pass_s = time.pass_s;
  job.row_s = time.row_s;
  const double prompts =
      std::ceil(static_cast<double>(load.prompts) / static_cast<double>(placement.workers));
  job.group_s = time.worker.front().seconds / prompts;
  job.update_token_s = time.update_token_s;
  job.update_fixed_s = time.update_fixed_s;
  if (placement.split) {
    const bool leaves_node = network.nodes > 1;
    const plan::WeightChain chain =
        plan::weight_chain(network, inputs.bytes.sent * inputs.shape.parameters(), leaves_node);
    job.sync_fill_s = chain.fill_s;
    job.sync_hop_s = chain.hop_s;
    job.workers_per_hop = leaves_node ? network.ranks_per_node : 1;
  }
  return job;
}

}  // namespace

std::vector<ScheduleRow> simulate_schedules(const PlanInputs& inputs, const PlannedStage& stage,
                                            std::int64_t ranks, std::int64_t base_ranks, std::int64_t steps) {
  constexpr std::int64_t kWarmup = 4;
  plan::StageLoad load = stage.load;
  const double growth = static_cast<double>(ranks) / static_cast<double>(base_ranks);
  load.prompts = std::max<std::int64_t>(1, std::llround(static_cast<double>(stage.load.prompts) * growth));
  std::vector<ScheduleRow> rows;
  for (const NamedSchedule& named : schedules()) {
    plan::Placement placement{.workers = ranks, .learners = ranks, .sharding = inputs.sharding};
    if (named.schedule.split) {
      if (ranks < 2) continue;
      placement.workers = workers_of(inputs, load, ranks);
      placement.learners = ranks - placement.workers;
      placement.split = true;
    }
    ScheduleRow row{named.name, named.schedule, ranks, job_of(inputs, load, placement, ranks), {}};
    row.result = plan::simulate(row.job, row.schedule, steps, kWarmup,
                                static_cast<std::uint64_t>(inputs.recipe.run.seed));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace reckon
