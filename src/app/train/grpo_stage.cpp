#include "grpo_stage.h"

#include <span>

#include "group_exchange.h"
#include "reckon/reward/terms.h"

namespace reckon {

GrpoStage::GrpoStage(TrainRun& run, const StageConfig& stage, Engine& engine)
    : run_(run),
      stage_(stage),
      learner_(engine.learner(stage.optimizer, stage.batch, stage.steps * stage.grpo.updates_per_step,
                              stage.grpo.loss.kl_coef != 0.0 ? Reference::weights_now : Reference::none)),
      updater_(*learner_, stage.grpo, stage.sampling.max_new_tokens),
      sampler_(std::make_unique<Sampler>(engine.sampling_backend())),
      stream_(run.seed(), stage.name),
      pool_(with_lengths(stage.reward, stage.sampling.max_new_tokens), run.seed()) {
  for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
    probed_tasks_.push_back(task->task.get());
    probes_.push_back(make_probe(*task->task, task->config.levels.front()));
  }
}

GrpoStep GrpoStage::draw(std::int64_t number) {
  GrpoStep step;
  step.number = number;
  const std::vector<const RecipeTask*> tasks = run_.tasks_named(stage_.tasks);
  for (std::int64_t i = 0; i < stage_.grpo.prompts_per_step; ++i) {
    DrawnPrompt drawn = draw_prompt(run_, tasks, stream_, stage_.sampling.max_new_tokens, step.too_long);
    Group group;
    group.prompt = std::move(drawn.prompt);
    group.visit = drawn.problem.visit;
    group.group_id = static_cast<std::uint64_t>((number - 1) * stage_.grpo.prompts_per_step + i);
    step.groups.push_back(std::move(group));
    step.sources.push_back(drawn.problem.source);
  }
  step.mine = share_of(stage_.grpo.prompts_per_step, run_.world.rank(), run_.world.size());
  step.batch.step = static_cast<std::uint64_t>(number);
  step.batch.temperature = static_cast<float>(stage_.sampling.temperature);
  step.batch.reward_term_names = reward_term_names(stage_.reward);
  step.batch.groups.assign(step.groups.begin() + step.mine.begin, step.groups.begin() + step.mine.end);
  return step;
}

void GrpoStage::sample(GrpoStep& step) {
  for (std::size_t i = 0; i < probes_.size(); ++i) pool_.test(*probed_tasks_[i], probes_[i]);
  const auto sources = std::span(step.sources).subspan(static_cast<std::size_t>(step.mine.begin));
  std::vector<Group>& groups = step.batch.groups;
  RolloutPlan plan = rollout_plan(run_, stage_, learner_->updates());
  plan.on_completion = [&](std::size_t group, Completion& completion) {
    pool_.grade(*sources[group]->task, groups[group], completion);
  };
  try {
    sample_groups(*sampler_, run_.tokenizer(), plan, groups);
    step.times.sample = step.times.since_start();
    pool_.wait();
  } catch (...) {
    pool_.discard();  // its jobs write into the step, which goes with this exception
    throw;
  }
  step.times.grade = step.times.since_start() - step.times.sample;
}

void GrpoStage::grade(GrpoStep& step) {
  for (std::size_t g = 0; g < step.batch.groups.size(); ++g) {
    Group& group = step.batch.groups[g];
    const Task& task = *step.sources[static_cast<std::size_t>(step.mine.begin) + g]->task;
    for (Completion& completion : group.completions) pool_.grade(task, group, completion);
  }
  pool_.wait();
}

void GrpoStage::assign(GrpoStep& step) const {
  for (Group& group : step.batch.groups) assign_advantages(group, stage_.grpo.advantage_scale);
}

void GrpoStage::exchange(GrpoStep& step) {
  exchange_completions(run_.world, step.batch.groups, step.groups);
}

GrpoStats GrpoStage::update(const GrpoStep& step, const UpdateGate& gate) {
  return updater_.update(step.groups, step.batch.temperature, static_cast<std::uint64_t>(learner_->updates()),
                         gate);
}

}  // namespace reckon
