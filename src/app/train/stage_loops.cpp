// The loops of training stages: what happens in a step, and between two.
#include "checkpoints.h"
#include "grpo_stage.h"
#include "guard_step.h"
#include "ledger.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/batch_hash.h"
#include "rollout_source.h"
#include "sft_stage.h"
#include "step_memory.h"

namespace reckon {
namespace {

void report(TrainRun& run, const StageConfig& stage, const SftStep& step, const UpdateStats& stats,
            const std::string& alarms, double rows_per_second) {
  const MemoryUse memory = largest_memory_use(*run.team);
  if (run.metrics) {
    MetricsRow row{stage.name, static_cast<std::uint64_t>(step.number), {}};
    row.add("loss", stats.loss);
    row.add("grad_norm", stats.grad_norm);
    row.add("learning_rate", stats.learning_rate);
    row.add("entropy", stats.entropy / stats.tokens);
    row.add("think_share", step.think_share);
    row.add("sequences", step.examples.size());
    row.add("examples_too_long", static_cast<double>(step.too_long));
    row.add("tokens", stats.tokens);
    if (!alarms.empty()) row.add("alarms", alarms);
    row.add("checkpoint_seconds", run.checkpoints->seconds_lost());
    row.add("seconds", run.checkpoints->stage_seconds());
    add_memory(row, memory);
    run.metrics->write(row);
  }
  run.display.step(step.number, {{"loss", fixed(stats.loss, 4)},
                                 {"lr", fixed(stats.learning_rate, 6)},
                                 {"tok/s", short_count(rows_per_second)}});
}

/// Goes back to the stage's last checkpoint where the guards say so; where there is none yet, the update was
/// not applied, and that is all.
std::optional<std::int64_t> roll_back_if_judged(TrainRun& run, const StageConfig& stage, std::int64_t done,
                                                Engine& engine, Learner& learner,
                                                const GuardVerdict& verdict) {
  if (verdict.action != GuardAction::rollback) return {};
  return run.checkpoints->roll_back(stage, done, engine, learner);
}

}  // namespace

StageOutcome run_sft_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  SftStage sft(run, stage, engine);
  RunGuards guards(run.recipe.guard);
  std::int64_t done = 0;
  if (const TrainState* state = run.checkpoints->restore(stage, engine, sft.learner())) {
    sft.stream().move_to(state->cursor);
    guards.restore(state->guards);
    done = state->step;
  }
  std::string weights = agreed_sha256(run, engine);
  if (done == 0) record_stage_start(run, stage, weights);
  const auto start = StepTimes::Clock::now();
  double rows = 0;
  while (done < stage.steps) {
    run.checkpoints->between_steps(stage, done, engine, sft.learner(), [&] {
      return StageProgress{sft.stream().cursor(), weights, guards.state()};
    });
    const SftStep step = sft.draw(done + 1);
    const UpdateStats stats = sft.update(step, guards.gate());
    failpoint("train.sft_update");
    const GuardVerdict verdict = judge_step(run, stage, guards, step.number);
    const auto back_to = roll_back_if_judged(run, stage, done, engine, sft.learner(), verdict);
    const std::string updated = agreed_sha256(run, engine);
    record(run, sft_event(stage, step,
                          {weights, updated, stats.loss, stats.grad_norm, stats.applied ? 0 : 1, back_to}));
    failpoint("train.chain");
    weights = updated;
    ++done;
    rows += stats.rows;
    report(run, stage, step, stats, guards.alarms(),
           rows / std::chrono::duration<double>(StepTimes::Clock::now() - start).count());
    failpoint("train.metrics");
    stop_if_judged(stage, done, verdict);
  }
  return {.steps = stage.steps, .closing = "", .weights_sha256 = weights};
}

/// Where a grpo stage that goes on stands: prompts, guards, weights of earlier steps.
std::int64_t restore_grpo(TrainRun& run, const StageConfig& stage, Engine& engine, GrpoStage& grpo,
                          RunGuards& guards) {
  const TrainState* state = run.checkpoints->restore(stage, engine, grpo.learner());
  if (state == nullptr) return 0;
  grpo.prompts().move_to(state->cursor, grpo.first_group_after(state->step));
  guards.restore(state->guards);
  grpo.restore_past(load_past(run.resume->checkpoint, engine.decoder().parameters().size()));
  return state->step;
}

StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  GrpoStage grpo(run, stage, engine);
  RunGuards guards(run.recipe.guard);
  std::int64_t done = restore_grpo(run, stage, engine, grpo, guards);
  RolloutLogWriter log(run.folder / "rollouts" / stage.name, rollout_log_info(run, stage),
                       reward_term_names(stage.reward));
  run.checkpoints->before_each([&] { log.close(); });
  std::string weights = agreed_sha256(run, engine);
  if (done == 0) record_stage_start(run, stage, weights);
  const std::unique_ptr<RolloutSource> rollouts = make_own_rollouts(grpo);
  rollouts->weights_made(done, weights);

  while (done < stage.steps) {
    run.checkpoints->between_steps(stage, done, engine, grpo.learner(), [&] {
      return StageProgress{rollouts->cursor(done), weights, guards.state(), &grpo.past(), rollouts->ledger()};
    });
    GrpoStep step = rollouts->next(done + 1);
    const GrpoStats stats = grpo.update(step, guards.gate());
    failpoint("train.updated");
    const GuardVerdict verdict = judge_step(run, stage, guards, step.number, signal_of(step, stats));
    const auto back_to = roll_back_if_judged(run, stage, done, engine, grpo.learner(), verdict);
    const std::string updated = agreed_sha256(run, engine);
    step.times.update = step.times.since_start() - step.times.sample - step.times.grade;
    rollouts->weights_made(step.number, updated);

    log.append(step.batch, {batch_sha256(step.batch), weights, updated});
    failpoint("train.logged");
    record(run, grpo_event(stage, step, all_group_hashes(run, step),
                           {weights, updated, stats.sums.loss, stats.sums.grad_norm, stats.skipped_updates,
                            back_to}));
    failpoint("train.chain");
    weights = updated;
    ++done;
    step.times.total = step.times.since_start();
    report(run, stage, step, stats, guards.alarms());
    failpoint("train.metrics");
    stop_if_judged(stage, done, verdict);
  }
  rollouts->end();
  run.checkpoints->before_each({});
  log.close();
  return {.steps = stage.steps, .closing = "", .weights_sha256 = weights};
}

}  // namespace reckon
