// An evaluation stage: accuracy on held-out problems, which do not depend on run.seed.
#include "reckon/eval/evaluate.h"
#include "ledger.h"
#include "run.h"
#include "setup.h"

namespace reckon {
namespace {

TaskResult as_result(const TaskEvaluation& evaluation) {
  TaskResult result;
  result.pass_at_1 = evaluation.pass_at_1;
  result.ci95 = evaluation.ci95;
  result.n = static_cast<std::uint64_t>(evaluation.n);
  result.mean_tokens = evaluation.mean_tokens;
  result.greedy = evaluation.greedy;
  result.extra = {{"level", static_cast<double>(evaluation.level)},
                  {"samples", static_cast<double>(evaluation.samples)},
                  {"think_share", evaluation.think_share},
                  {"truncated", evaluation.truncated}};
  return result;
}

}  // namespace

StageOutcome run_eval_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  Sampler sampler(engine.sampling_backend());
  const RolloutPlan plan = rollout_plan(run, stage, 0);
  StageOutcome outcome;
  for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
    stop_if_asked(run, stage.name);
    const std::vector<Problem> problems =
        held_out_set(*task->task, task->eval_level(), static_cast<std::size_t>(stage.eval.eval_prompts));
    const TaskEvaluation evaluation =
        evaluate(sampler, run.prompts, *task->task, problems, stage.eval, plan, run.world);
    record_evaluation(run, stage, evaluation.task, as_result(evaluation));
    run.summary.enter_result(stage.name, stage.from, evaluation.task, as_result(evaluation));
    if (run.metrics) {
      MetricsRow row{stage.name, 0, {}};
      row.add("task", evaluation.task);
      row.add("pass_at_1", evaluation.pass_at_1);
      row.add("ci95", evaluation.ci95);
      row.add("greedy", evaluation.greedy);
      row.add("mean_tokens", evaluation.mean_tokens);
      row.add("think_share", evaluation.think_share);
      row.add("truncated", evaluation.truncated);
      run.metrics->write(row);
    }
    outcome.closing += "  " + evaluation.task + " pass@1 " + fixed(evaluation.pass_at_1, 3) + " ± " +
                       fixed(evaluation.ci95, 3) + ", " + fixed(evaluation.mean_tokens, 1) + " tokens";
  }
  return outcome;
}

}  // namespace reckon
