// The loops of training stages: what happens in a step, and between two.
#include <algorithm>

#include "checkpoints.h"
#include "grpo_stage.h"
#include "guard_step.h"
#include "ledger.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/batch_hash.h"
#include "rollout_source.h"
#include "sft_stage.h"
#include "split/remote_rollouts.h"
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

/// A grpo stage, from its start or where a checkpoint has it.
class GrpoLoop {
 public:
  GrpoLoop(TrainRun& run, const StageConfig& stage, Engine& engine)
      : run_(run),
        stage_(stage),
        engine_(engine),
        grpo_(run, stage, engine),
        guards_(run.recipe.guard),
        log_(run.folder / "rollouts" / stage.name, rollout_log_info(run, stage),
             reward_term_names(stage.reward)) {}

  StageOutcome run() {
    begin();
    try {
      while (done_ < stage_.steps) {
        run_.checkpoints->between_steps(stage_, done_, engine_, grpo_.learner(), [&] { return progress(); });
        step();
      }
    } catch (const AgreedError& error) {
      rollouts_->end(static_cast<int>(error.code()));  // those who sample end as well
      throw;
    }
    rollouts_->end({});
    run_.checkpoints->before_each({});
    run_.checkpoints->ask_also({});
    log_.close();
    return {.steps = stage_.steps, .closing = closing(), .weights_sha256 = weights_};
  }

 private:
  /// What became of prompts that no step trained on.
  [[nodiscard]] std::string closing() const {
    if (stage_.schedule.admission == Admission::in_order) return "";
    const LedgerState ledger = rollouts_->ledger();
    return std::to_string(ledger.next_group) +
           " prompts: " + std::to_string(stage_.steps * stage_.grpo.prompts_per_step) + " trained on, " +
           std::to_string(ledger.dropped) + " dropped, " + std::to_string(ledger.pending.size()) +
           " not needed any more";
  }

  void begin() {
    const TrainState* state = run_.checkpoints->restore(stage_, engine_, grpo_.learner());
    if (state != nullptr) {
      restore_prompts(stage_, *state, grpo_);
      guards_.restore(state->guards);
      grpo_.restore_past(load_past(run_.resume->checkpoint, engine_.decoder().parameters().size()));
      done_ = state->step;
    }
    run_.checkpoints->before_each([&] { log_.close(); });
    weights_ = agreed_sha256(run_, engine_);
    // What depends on the order in which groups are complete does not come again as it was.
    if (run_.chain && stage_.schedule.admission == Admission::as_completed) run_.chain->forget_lost_events();
    if (done_ == 0) record_stage_start(run_, stage_, weights_);
    rollouts_ = run_.roles.are_split()
                    ? make_remote_rollouts(run_, stage_, grpo_, engine_, done_,
                                           state == nullptr ? LedgerState{} : ledger_of(*state))
                    : make_own_rollouts(grpo_);
    run_.checkpoints->ask_also([&] { return rollouts_->stop_asked(); });
    rollouts_->weights_made(done_, weights_);
  }

  [[nodiscard]] StageProgress progress() {
    return {rollouts_->cursor(done_), weights_, guards_.state(), &grpo_.past(), rollouts_->ledger()};
  }

  void step() {
    run_.set_activity(stage_, done_ + 1, "rollouts");
    static_cast<void>(run_.world.waited_seconds());  // from here on
    GrpoStep step = rollouts_->next(done_ + 1);
    run_.set_activity(stage_, step.number, "update");
    const GrpoStats stats = grpo_.update(step, guards_.gate());
    failpoint("train.updated");
    const GuardVerdict verdict = judge_step(run_, stage_, guards_, step.number, signal_of(step, stats));
    const auto back_to = roll_back_if_judged(run_, stage_, done_, engine_, grpo_.learner(), verdict);
    const std::string updated = agreed_sha256(run_, engine_);
    step.times.update = step.times.since_start() - step.times.sample - step.times.grade;
    run_.set_activity(stage_, step.number, "weights and logs");
    rollouts_->weights_made(step.number, updated);

    log_.append(step.batch, {batch_sha256(step.batch), weights_, updated});
    failpoint("train.logged");
    record(run_, grpo_event(stage_, step, all_group_hashes(run_, step),
                            {weights_, updated, stats.sums.loss, stats.sums.grad_norm, stats.skipped_updates,
                             back_to}));
    failpoint("train.chain");
    weights_ = updated;
    ++done_;
    step.times.total = step.times.since_start();
    step.times.waited = run_.world.waited_seconds();
    report(run_, stage_, step, stats, guards_.alarms());
    failpoint("train.metrics");
    stop_if_judged(stage_, done_, verdict);
  }

  TrainRun& run_;
  const StageConfig& stage_;
  Engine& engine_;
  GrpoStage grpo_;
  RunGuards guards_;
  RolloutLogWriter log_;
  std::unique_ptr<RolloutSource> rollouts_;
  std::int64_t done_ = 0;
  std::string weights_;  // SHA-256
};

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
    run.set_activity(stage, step.number, "update");
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

StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  return GrpoLoop(run, stage, engine).run();
}

}  // namespace reckon
