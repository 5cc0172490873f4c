#include "grpo_stage.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "group_exchange.h"
#include "reckon/learn/leaf_shares.h"
#include "reckon/reward/terms.h"
#include "sample_again.h"

namespace reckon {

GrpoStage::GrpoStage(TrainRun& run, const StageConfig& stage, Engine& engine)
    : run_(run),
      stage_(stage),
      learner_(engine.learner(stage.optimizer, stage.batch, stage.steps * stage.grpo.updates_per_step,
                              stage.grpo.loss.kl_coef != 0.0 ? Reference::weights_now : Reference::none)),
      updater_(*learner_, stage.grpo, stage.sampling.max_new_tokens),
      engine_(engine),
      prompts_(run, stage),
      pool_(with_lengths(stage.reward, stage.sampling.max_new_tokens), run.seed()) {
  for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
    probed_tasks_.push_back(task->task.get());
    probes_.push_back(make_probe(*task->task, task->config.levels.front()));
  }
}

GrpoStep GrpoStage::draw(std::int64_t number) {
  std::vector<std::int64_t> groups(static_cast<std::size_t>(stage_.grpo.prompts_per_step));
  std::iota(groups.begin(), groups.end(), first_group_after(number - 1));
  return draw(number, groups);
}

GrpoStep GrpoStage::draw(std::int64_t number, std::span<const std::int64_t> groups) {
  GrpoStep step;
  step.number = number;
  for (const std::int64_t group_number : groups) {
    DrawnPrompt drawn = prompts_.take(group_number);
    Group group;
    group.prompt = std::move(drawn.prompt);
    group.visit = drawn.problem.visit;
    group.group_id = static_cast<std::uint64_t>(group_number);
    step.groups.push_back(std::move(group));
    step.sources.push_back(drawn.problem.source);
  }
  step.too_long = prompts_.take_too_long();
  step.mine = my_share(step.groups);
  step.batch.step = static_cast<std::uint64_t>(number);
  step.batch.temperature = static_cast<float>(stage_.sampling.temperature);
  step.batch.reward_term_names = reward_term_names(stage_.reward);
  step.batch.groups.assign(step.groups.begin() + step.mine.begin, step.groups.begin() + step.mine.end);
  return step;
}

/// Shares that are about as long to sample; where nothing is known of lengths, as many prompts each.
Range GrpoStage::my_share(const std::vector<Group>& groups) const {
  std::vector<std::int64_t> tokens;
  for (const Group& group : groups) tokens.push_back(lengths_.tokens(group.prompt, stage_.grpo.group_size));
  return cut_by_weight(tokens, run_.team->size())[static_cast<std::size_t>(run_.team->rank())];
}

void GrpoStage::weights_made(std::int64_t step, const std::string& sha256) {
  if (!lags() && !remembers_) return;
  const std::span<const float> weights = engine_.decoder().parameters();
  past_.insert_or_assign(step, PolicyVersion{.step = step,
                                             .updates = learner_->updates(),
                                             .sha256 = sha256,
                                             .weights = {weights.begin(), weights.end()}});
  past_.erase(past_.begin(), past_.lower_bound(step - stage_.schedule.max_staleness));
}

SamplingPolicy& GrpoStage::policy() {
  if (!policy_) policy_ = std::make_unique<SamplingPolicy>(run_.recipe.model, engine_.decoder());
  return *policy_;
}

SamplingPolicy& GrpoStage::policy_of(std::int64_t number) {
  policy().use(past_.at(std::max<std::int64_t>(0, number - 1 - stage_.schedule.max_staleness)));
  return *policy_;
}

std::vector<float> GrpoStage::sampler_logprobs(const GrpoStep& step) {
  if (past_.empty()) {
    std::vector<TrainSequence> sequences;
    for (const Group& group : step.batch.groups) {
      for (const Completion& completion : group.completions)
        sequences.push_back({group.prompt.token_ids, completion.token_ids});
    }
    return learner_->logprobs(sequences, step.batch.temperature);
  }
  if (!policy_logprobs_)
    policy_logprobs_ = policy().engine().learner(stage_.optimizer, stage_.batch, 1, Reference::none);
  return logprobs_again(past_, policy(), *policy_logprobs_, step.batch.groups, step.batch.temperature);
}

void GrpoStage::sample_again(GrpoStep& step) {
  if (past_.empty()) return sample(step);
  reckon::sample_again(run_, stage_, past_, policy(), step.batch.groups);
  grade(step);
}

void GrpoStage::sample(GrpoStep& step) {
  for (std::size_t i = 0; i < probes_.size(); ++i) pool_.test(*probed_tasks_[i], probes_[i]);
  const auto sources = std::span(step.sources).subspan(static_cast<std::size_t>(step.mine.begin));
  std::vector<Group>& groups = step.batch.groups;
  Engine& engine = lags() ? policy_of(step.number).engine() : engine_;
  if (!sampler_) sampler_ = std::make_unique<Sampler>(engine.sampling_backend());
  RolloutPlan plan = rollout_plan(run_, stage_, lags() ? policy_->updates() : learner_->updates());
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
  if (stage_.schedule.kv_release) sampler_.reset();
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
  exchange_completions(*run_.team, step.batch.groups, step.groups);
  lengths_.note(step.groups);
}

GrpoStats GrpoStage::update(const GrpoStep& step, const UpdateGate& gate) {
  return updater_.update(step.groups, step.batch.temperature, static_cast<std::uint64_t>(learner_->updates()),
                         gate);
}

}  // namespace reckon
