#include "stage_plan.h"

#include <algorithm>
#include <tuple>

namespace reckon {
namespace {

plan::MemoryTarget target_of(const PlanInputs& inputs, const PlannedStage& stage) {
  return {.is_gpu = inputs.is_gpu,
          .kv_bytes = inputs.bytes.kv,
          .program_mb = inputs.program_mb,
          .weight_sets = stage.decoders,
          .packed_sets = stage.packed,
          .copies_for_checkpoints = true};
}

/// The role of the rank that takes the most.
std::pair<plan::Role, std::vector<plan::MemoryPart>> largest_role(const PlanInputs& inputs,
                                                                  const plan::ModelShape& shape,
                                                                  const PlannedStage& stage,
                                                                  const plan::Placement& placement) {
  const plan::MemoryTarget target = target_of(inputs, stage);
  if (!placement.split)
    return {plan::Role::both, stage_memory(shape, stage.load, placement, plan::Role::both, target)};
  auto worker = stage_memory(shape, stage.load, placement, plan::Role::worker, target);
  auto learner = stage_memory(shape, stage.load, placement, plan::Role::learner, target);
  if (plan::total_mb(worker) > plan::total_mb(learner)) return {plan::Role::worker, std::move(worker)};
  return {plan::Role::learner, std::move(learner)};
}

bool fits(const PlanInputs& inputs, const plan::ModelShape& shape, const PlannedStage& stage) {
  const plan::Placement placement = placement_of(inputs, stage, inputs.network.ranks());
  return plan::total_mb(largest_role(inputs, shape, stage, placement).second) <= inputs.memory_mb;
}

/// The largest power of two that fits for a setting, up to `most`; at least what the recipe says where that
/// does.
std::int64_t largest_that_fits(const PlanInputs& inputs, const PlannedStage& stage,
                               std::int64_t plan::StageLoad::*setting, std::int64_t most) {
  PlannedStage tried = stage;
  if (!fits(inputs, inputs.shape, tried)) return 0;
  std::int64_t best = stage.load.*setting;
  for (std::int64_t value = 1; value <= most; value *= 2) {
    tried.load.*setting = value;
    if (fits(inputs, inputs.shape, tried)) best = std::max(best, value);
  }
  return best;
}

}  // namespace

StagePlan plan_stage(const PlanInputs& inputs, const PlannedStage& stage) {
  const plan::StageLoad& load = stage.load;
  StagePlan out;
  out.name = load.name;
  out.work = load.work;
  out.placement = placement_of(inputs, stage, inputs.network.ranks());
  std::tie(out.role, out.memory) = largest_role(inputs, inputs.shape, stage, out.placement);
  out.host_mb = host_memory_mb(inputs.shape, out.placement, target_of(inputs, stage));
  out.time = step_time(inputs.shape, load, out.placement, inputs.rates, inputs.network, inputs.bytes);
  const bool ahead = out.placement.split && stage.config->schedule.max_staleness > 0;
  out.step_s = ahead ? std::max(out.time.worker_s(), out.time.learner_s())
                     : out.time.worker_s() + out.time.learner_s() + out.time.sync_s;
  out.total_s = out.step_s * load.rounds;
  out.tokens_per_s = out.time.tokens / out.step_s;
  if (load.work != plan::Work::eval)
    out.most_micro_batch_leaves =
        largest_that_fits(inputs, stage, &plan::StageLoad::micro_batch_leaves, load.leaves());
  if (load.work != plan::Work::sft)
    out.most_max_batch =
        largest_that_fits(inputs, stage, &plan::StageLoad::max_batch, load.prompts * load.group_size);
  return out;
}

LargestModel largest_model(const PlanInputs& inputs) {
  const auto all_fit = [&](const plan::ModelShape& shape) {
    return std::ranges::all_of(inputs.stages,
                               [&](const PlannedStage& stage) { return fits(inputs, shape, stage); });
  };
  LargestModel largest;
  double low = 0, high = 64;  // factors of width and depth
  for (int i = 0; i < 24; ++i) {
    const double middle = (low + high) / 2;
    const plan::ModelShape shape = plan::scaled(inputs.shape, middle);
    if (all_fit(shape)) {
      low = middle;
      largest.parameters = std::max(largest.parameters, shape.parameters());
    } else {
      high = middle;
    }
  }
  for (const plan::ModelShape& known : plan::known_models()) {
    if (all_fit(known)) largest.known_name = known.name;
  }
  return largest;
}

const PlannedStage* sampled_stage(const PlanInputs& inputs) {
  const PlannedStage* longest = nullptr;
  double most = 0;
  for (const PlannedStage& stage : inputs.stages) {
    if (stage.load.work != plan::Work::grpo) continue;
    const double seconds = plan_stage(inputs, stage).total_s;
    if (longest == nullptr || seconds > most) longest = &stage;
    most = std::max(most, seconds);
  }
  return longest;
}

}  // namespace reckon
