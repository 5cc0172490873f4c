// A reinforcement-learning stage: Algorithm 1 of DeepSeekMath (arXiv:2402.03300).
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <span>

#include "group_exchange.h"
#include "guard_step.h"
#include "reckon/eval/evaluate.h"
#include "reckon/learn/grpo.h"
#include "reckon/record/batch_hash.h"
#include "reckon/record/rollout_log.h"
#include "reckon/reward/grading_pool.h"
#include "reckon/reward/terms.h"
#include "run.h"
#include "setup.h"
#include "step_memory.h"

namespace reckon {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The groups of a step, without completions: the same on every rank.
std::vector<Group> draw_groups(TrainRun& run, const StageConfig& stage, ProblemStream& stream,
                               std::vector<const RecipeTask*>& sources, std::int64_t& too_long) {
  std::vector<Group> groups;
  sources.clear();
  const std::vector<const RecipeTask*> tasks = run.tasks_named(stage.tasks);
  for (std::int64_t i = 0; i < stage.grpo.prompts_per_step; ++i) {
    DrawnPrompt drawn = draw_prompt(run, tasks, stream, stage.sampling.max_new_tokens, too_long);
    Group group;
    group.prompt = std::move(drawn.prompt);
    group.visit = drawn.problem.visit;
    group.group_id = drawn.problem.number;
    groups.push_back(std::move(group));
    sources.push_back(drawn.problem.source);
  }
  return groups;
}

/// Sums over a step's completions.
struct StepSums {
  double reward = 0, right = 0, no_answer = 0, grader_failed = 0, tokens = 0, truncated = 0, completions = 0;
  double too_long = 0;  // prompts passed over
  std::string alarms;   // of the guards
  MemoryUse memory;
  std::vector<double> terms;                                      // in the order of reward_term_names()
  std::array<std::int64_t, enum_names(Grade{}).size()> grades{};  // by number
  std::int64_t several_answers = 0;
};

StepSums add_up(const std::vector<Group>& groups, std::size_t num_terms) {
  StepSums sums;
  sums.terms.resize(num_terms);
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      sums.reward += completion.reward;
      sums.right += completion.verdict == Verdict::right ? 1 : 0;
      sums.no_answer += completion.verdict == Verdict::no_answer ? 1 : 0;
      sums.grader_failed += completion.verdict == Verdict::grader_failed ? 1 : 0;
      sums.tokens += static_cast<double>(completion.token_ids.size());
      sums.truncated += completion.finish_reason == FinishReason::length ? 1 : 0;
      sums.completions += 1;
      for (std::size_t i = 0; i < num_terms; ++i) sums.terms[i] += completion.reward_terms.at(i);
      ++sums.grades.at(static_cast<std::size_t>(completion.grade));
      sums.several_answers += completion.several_answers ? 1 : 0;
    }
  }
  return sums;
}

StepSignal signal_of(const StepSums& sums, const GrpoStats& stats, std::size_t num_groups) {
  return {.accuracy = sums.terms.front() / sums.completions,  // the first term of every stage
          .zero_variance_share =
              static_cast<double>(stats.zero_variance_groups) / static_cast<double>(num_groups),
          .max_logprob_diff = stats.sums.max_logprob_diff};
}

/// This rank's groups of a step, to be sampled.
RolloutBatch my_batch(const std::vector<Group>& groups, Range mine, std::int64_t step, float temperature,
                      const RewardConfig& reward) {
  RolloutBatch batch;
  batch.step = static_cast<std::uint64_t>(step);
  batch.temperature = temperature;
  batch.reward_term_names = reward_term_names(reward);
  batch.groups.assign(groups.begin() + mine.begin, groups.begin() + mine.end);
  return batch;
}

struct StepTimes {
  Clock::time_point start = Clock::now();
  double sample = 0, grade = 0, update = 0, total = 0;  // grade: what was left of it after sampling
};

void report(TrainRun& run, const StageConfig& stage, std::int64_t step, const StepSums& sums,
            const GrpoStats& stats, const StepTimes& times) {
  const double n = sums.completions;
  const UpdateStats& update = stats.sums;
  const double trained = std::max(1.0, update.tokens);
  if (run.metrics) {
    MetricsRow row{stage.name, static_cast<std::uint64_t>(step), {}};
    row.add("reward", sums.reward / n);
    row.add("pass_rate", sums.right / n);
    row.add("mean_tokens", sums.tokens / n);
    row.add("truncated", sums.truncated / n);
    row.add("no_answer", sums.no_answer / n);
    row.add("grader_failed", sums.grader_failed / n);
    const std::vector<std::string> terms = reward_term_names(stage.reward);
    for (std::size_t i = 0; i < terms.size(); ++i) row.add("reward_" + terms[i], sums.terms[i] / n);
    for (const auto& [grade, name] : enum_names(Grade{})) {
      row.add("grade_" + std::string(name), sums.grades.at(static_cast<std::size_t>(grade)));
    }
    row.add("multi_box", sums.several_answers);
    row.add("prompts_too_long", sums.too_long);
    row.add("zero_variance_groups", stats.zero_variance_groups);
    row.add("loss", update.loss);
    row.add("kl", update.kl / trained);
    row.add("entropy", update.entropy / trained);
    row.add("clip_share", update.clipped / trained);
    // Where every group is without variance nothing is trained: what is left is the largest ratio of the
    // compared.
    row.add("mean_ratio",
            update.tokens > 0 ? update.ratio / update.tokens : std::exp(update.max_logprob_diff));
    row.add("sampler_policy_max_diff", update.max_logprob_diff);
    if (stage.grpo.loss.tis_cap > 0) {
      row.add("mean_importance", update.importance / trained);
      row.add("importance_truncated", update.truncated / trained);
    }
    row.add("grad_norm", update.grad_norm);
    row.add("learning_rate", update.learning_rate);
    row.add("tokens", sums.tokens);
    if (!sums.alarms.empty()) row.add("alarms", sums.alarms);
    row.add("sample_seconds", times.sample);
    row.add("grade_seconds", times.grade);
    row.add("update_seconds", times.update);
    row.add("seconds", times.total);
    add_memory(row, sums.memory);
    run.metrics->write(row);
  }
  run.display.step(step, {{"reward", fixed(sums.reward / n, 3)},
                          {"pass", fixed(sums.right / n, 3)},
                          {"len", fixed(sums.tokens / n, 1)},
                          {"tok/s", short_count(sums.tokens / times.total)}});
}

/// The known answers with which the graders of a stage's tasks are tested at each step.
struct StageProbes {
  std::vector<const Task*> tasks;
  std::vector<GraderProbe> probes;
};

StageProbes stage_probes(const TrainRun& run, const StageConfig& stage) {
  StageProbes probes;
  for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
    probes.tasks.push_back(task->task.get());
    probes.probes.push_back(make_probe(*task->task, task->config.levels.front()));
  }
  return probes;
}

/// Samples the completions of this rank's groups and grades each by rule on the pool as soon as it has ended.
/// \param sources  the tasks of the groups. \param probes  tested as well.
void sample_and_grade(TrainRun& run, Sampler& sampler, RolloutPlan plan, GradingPool& pool,
                      std::span<const RecipeTask* const> sources, const StageProbes& probes,
                      std::vector<Group>& groups, StepTimes& times) {
  for (std::size_t i = 0; i < probes.tasks.size(); ++i) pool.test(*probes.tasks[i], probes.probes[i]);
  plan.on_completion = [&](std::size_t group, Completion& completion) {
    pool.grade(*sources[group]->task, groups[group], completion);
  };
  sample_groups(sampler, run.tokenizer(), plan, groups);
  times.sample = seconds_since(times.start);
  pool.wait();
  times.grade = seconds_since(times.start) - times.sample;
}

}  // namespace

StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  const auto learner =
      engine.learner(stage.optimizer, stage.batch, stage.steps * stage.grpo.updates_per_step,
                     stage.grpo.loss.kl_coef != 0.0 ? Reference::weights_now : Reference::none);
  GrpoUpdater updater(*learner, stage.grpo, stage.sampling.max_new_tokens);
  Sampler sampler(engine.sampling_backend());
  ProblemStream stream(run.seed(), stage.name);
  RolloutLogWriter log(run.folder / "rollouts" / stage.name, rollout_log_info(run, stage),
                       reward_term_names(stage.reward));
  const StageProbes probes = stage_probes(run, stage);
  RolloutBatch batch;  // before the pool, which writes into it until it is gone
  RunGuards guards(run.recipe.guard);
  GradingPool pool(with_lengths(stage.reward, stage.sampling.max_new_tokens), run.seed());
  const auto temperature = static_cast<float>(stage.sampling.temperature);
  std::string weights_sha256 = agreed_sha256(run, engine);

  for (std::int64_t step = 1; step <= stage.steps; ++step) {
    stop_if_asked(run, stage.name + " step " + std::to_string(step - 1));
    StepTimes times;
    std::vector<const RecipeTask*> sources;
    std::int64_t too_long = 0;
    std::vector<Group> groups = draw_groups(run, stage, stream, sources, too_long);
    const Range mine = share_of(stage.grpo.prompts_per_step, run.world.rank(), run.world.size());

    // Sample G completions for each of this rank's prompts under the current policy and grade them, then turn
    // the rewards of each group into advantages.
    batch = my_batch(groups, mine, step, temperature, stage.reward);
    sample_and_grade(run, sampler, rollout_plan(run, stage, learner->updates()), pool,
                     std::span(sources).subspan(static_cast<std::size_t>(mine.begin)), probes, batch.groups,
                     times);
    for (Group& group : batch.groups) assign_advantages(group, stage.grpo.advantage_scale);

    // Every rank gets all completions; then the policy is updated on them.
    exchange_completions(run.world, batch.groups, groups);
    const GrpoStats stats = updater.update(groups, temperature, guards.gate());
    const std::string updated_sha256 = agreed_sha256(run, engine);
    times.update = seconds_since(times.start) - times.sample - times.grade;

    log.append(batch, {batch_sha256(batch), weights_sha256, updated_sha256});
    weights_sha256 = updated_sha256;
    times.total = seconds_since(times.start);
    StepSums sums = add_up(groups, batch.reward_term_names.size());
    sums.too_long = static_cast<double>(too_long);
    const GuardVerdict verdict = judge_step(run, stage, guards, step, signal_of(sums, stats, groups.size()));
    sums.alarms = guards.alarms();
    sums.memory = largest_memory_use(run.world);
    report(run, stage, step, sums, stats, times);
    stop_if_judged(stage, step, verdict);
  }
  log.close();
  return {stage.steps, ""};
}

}  // namespace reckon
