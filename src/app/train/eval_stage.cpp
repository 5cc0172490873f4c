// An evaluation stage: accuracy on held-out problems, which do not depend on run.seed.
#include "ledger.h"
#include "reckon/eval/evaluate.h"
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

std::vector<std::pair<std::string, TaskResult>> evaluate_stage(TrainRun& run, const StageConfig& stage,
                                                               Engine& engine) {
  Sampler sampler(engine.sampling_backend());
  const RolloutPlan plan = rollout_plan(run, stage, 0);
  std::vector<std::pair<std::string, TaskResult>> results;
  for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
    if (run.checkpoints) stop_if_asked(run, stage.name);
    const std::vector<Problem> problems =
        held_out_set(*task->task, task->eval_level(), static_cast<std::size_t>(stage.eval.eval_prompts));
    const TaskEvaluation evaluation =
        evaluate(sampler, run.prompts, *task->task, problems, stage.eval, plan, run.world);
    results.emplace_back(evaluation.task, as_result(evaluation));
  }
  return results;
}

StageOutcome run_eval_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  StageOutcome outcome;
  for (const auto& [task, result] : evaluate_stage(run, stage, engine)) {
    record(run, eval_event(stage, task, result));
    run.summary.enter_result(stage.name, stage.from, task, result);
    if (run.metrics) {
      MetricsRow row{stage.name, 0, {}};
      row.add("task", task);
      row.add("pass_at_1", result.pass_at_1);
      row.add("ci95", result.ci95);
      row.add("greedy", result.greedy);
      row.add("mean_tokens", result.mean_tokens);
      for (const auto& [name, value] : result.extra) {
        if (name == "think_share" || name == "truncated") row.add(name, value);
      }
      run.metrics->write(row);
    }
    outcome.closing += "  " + task + " pass@1 " + fixed(result.pass_at_1, 3) + " ± " + fixed(result.ci95, 3) +
                       ", " + fixed(result.mean_tokens, 1) + " tokens";
  }
  return outcome;
}

}  // namespace reckon
