// The loops of training stages: what happens in a step, and between two.
#include "checkpoints.h"
#include "grpo_stage.h"
#include "ledger.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/batch_hash.h"
#include "sft_stage.h"

namespace reckon {
namespace {

void report(TrainRun& run, const StageConfig& stage, const SftStep& step, const UpdateStats& stats,
            double rows_per_second) {
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
    row.add("checkpoint_seconds", run.checkpoints->seconds_lost());
    row.add("seconds", run.checkpoints->stage_seconds());
    run.metrics->write(row);
  }
  run.display.step(step.number, {{"loss", fixed(stats.loss, 4)},
                                 {"lr", fixed(stats.learning_rate, 6)},
                                 {"tok/s", short_count(rows_per_second)}});
}

}  // namespace

StageOutcome run_sft_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  SftStage sft(run, stage, engine);
  std::int64_t done = 0;
  if (const TrainState* state = run.checkpoints->restore(stage, engine, sft.learner())) {
    sft.stream().move_to(state->cursor);
    done = state->step;
  }
  std::string weights = agreed_sha256(run, engine);
  if (done == 0) record_stage_start(run, stage, weights);
  const auto start = StepTimes::Clock::now();
  double rows = 0;
  while (done < stage.steps) {
    run.checkpoints->between_steps(stage, done, engine, sft.learner(), [&] {
      return StageProgress{.cursor = sft.stream().cursor(), .weights_sha256 = weights, .guards = ""};
    });
    const SftStep step = sft.draw(done + 1);
    const UpdateStats stats = sft.update(step);
    failpoint("train.sft_update");
    const std::string updated = agreed_sha256(run, engine);
    record(run, sft_event(stage, step, {weights, updated, stats.loss, stats.grad_norm}));
    failpoint("train.chain");
    weights = updated;
    ++done;
    rows += stats.rows;
    report(run, stage, step, stats,
           rows / std::chrono::duration<double>(StepTimes::Clock::now() - start).count());
    failpoint("train.metrics");
  }
  return {.steps = stage.steps, .closing = "", .weights_sha256 = weights};
}

StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  GrpoStage grpo(run, stage, engine);
  std::int64_t done = 0;
  if (const TrainState* state = run.checkpoints->restore(stage, engine, grpo.learner())) {
    grpo.stream().move_to(state->cursor);
    done = state->step;
  }
  RolloutLogWriter log(run.folder / "rollouts" / stage.name, rollout_log_info(run, stage),
                       reward_term_names(stage.reward));
  run.checkpoints->sync_with([&] { return log.live_path(); });
  std::string weights = agreed_sha256(run, engine);
  if (done == 0) record_stage_start(run, stage, weights);

  while (done < stage.steps) {
    run.checkpoints->between_steps(stage, done, engine, grpo.learner(), [&] {
      return StageProgress{.cursor = grpo.stream().cursor(), .weights_sha256 = weights, .guards = ""};
    });
    GrpoStep step = grpo.draw(done + 1);
    failpoint("train.draw");
    grpo.sample(step);
    failpoint("train.sampled");
    grpo.assign(step);
    grpo.exchange(step);
    failpoint("train.exchanged");
    const GrpoStats stats = grpo.update(step);
    failpoint("train.updated");
    const std::string updated = agreed_sha256(run, engine);
    step.times.update = step.times.since_start() - step.times.sample - step.times.grade;

    log.append(step.batch, {batch_sha256(step.batch), weights, updated});
    failpoint("train.logged");
    record(run, grpo_event(stage, step, all_group_hashes(run, step),
                                {weights, updated, stats.sums.loss, stats.sums.grad_norm}));
    failpoint("train.chain");
    weights = updated;
    ++done;
    step.times.total = step.times.since_start();
    report(run, stage, step, stats);
    failpoint("train.metrics");
  }
  run.checkpoints->sync_with({});
  log.close();
  return {.steps = stage.steps, .closing = "", .weights_sha256 = weights};
}

}  // namespace reckon
