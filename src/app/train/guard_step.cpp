#include "guard_step.h"

#include "reckon/base/error.h"

namespace reckon {
namespace {

std::string place_of(const StageConfig& stage, std::int64_t step) {
  return stage.name + " step " + std::to_string(step) + ": ";
}

}  // namespace

GuardVerdict judge_step(TrainRun& run, const StageConfig& stage, RunGuards& guards, std::int64_t step,
                        const std::optional<StepSignal>& signal) {
  GuardVerdict verdict = guards.end_step(step, signal);
  for (const std::string& line : guards.take_news()) run.display.line(place_of(stage, step) + line);
  StageSummary& entry = run.summary.stage(stage.name);
  for (const auto& [name, count] : guards.counts()) entry.enter_extra(name, count);
  return verdict;
}

void stop_if_judged(const StageConfig& stage, std::int64_t step, const GuardVerdict& verdict) {
  if (verdict.action != GuardAction::stop) return;
  throw AgreedError(ExitCode::internal, place_of(stage, step) + verdict.message);
}

}  // namespace reckon
