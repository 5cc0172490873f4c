#include "memory_check.h"

#include <algorithm>

#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/eval/evaluate.h"

namespace reckon {
namespace {

/// Looks at some problems of each level, to fill in the lengths: a run draws more than can be looked at.
void measure_problems(const TrainRun& run, MemoryFacts& facts) {
  constexpr std::uint64_t kLookedAt = 8;
  double tokens = 0, examples = 0;
  for (const RecipeTask& task : run.tasks) {
    for (const Split split : {Split::train, Split::held_out}) {
      if (!task.task->has_problems(split)) continue;
      for (const std::int64_t level : task.config.levels) {
        for (std::uint64_t index = 0; index < kLookedAt; ++index) {
          const Problem problem = task.task->problem(level, split, run.seed(), index);
          const Prompt prompt = prompt_of(problem, run.prompts);
          const auto length = static_cast<double>(prompt.token_ids.size());
          const std::string trace = completion_behind(prompt.text, problem.trace);
          const double example = length + 1 + static_cast<double>(run.tokenizer().encode(trace).size());
          facts.longest_prompt = std::max(facts.longest_prompt, length);
          facts.longest_example = std::max(facts.longest_example, example);
          tokens += example;
          examples += 1;
        }
      }
    }
  }
  if (examples > 0) facts.mean_example = tokens / examples;
}

std::string whole(double mb) {
  return fixed(mb, 0);
}

/// What lowers the largest parts that can be lowered.
std::string advice_of(const MemoryForecast& forecast) {
  std::string advice;
  for (const MemoryPart& part : forecast.parts) {
    if (part.advice.empty() || part.mb < forecast.total_mb() / 10) continue;
    advice += (advice.empty() ? "" : "; ") + part.name + ": " + part.advice;
  }
  return advice.empty() ? "" : " What helps: " + advice + ".";
}

}  // namespace

std::string memory_problem(const MemoryForecast& forecast, const MachineMemory& machine) {
  const double rank = forecast.total_mb() - machine.program_mb;
  const double here = rank * machine.ranks_here;
  const bool is_too_much_here = here > machine.limit.machine_mb;
  if (!is_too_much_here && rank <= machine.limit.process_mb) return {};
  std::string text = "memory: stage \"" + forecast.stage + "\" needs " + whole(forecast.total_mb()) +
                     " MiB a rank: " + parts_text(forecast) + ". ";
  if (is_too_much_here) {
    text += std::to_string(machine.ranks_here) + (machine.ranks_here == 1 ? " rank" : " ranks") +
            " on this machine will take " + whole(here) + " MiB more (need at most " +
            whole(machine.limit.machine_mb) + ": " + machine.limit.source + ").";
  } else {
    text += "It will take " + whole(rank) + " MiB more (need at most " + whole(machine.limit.process_mb) +
            ": the limit of its address space, ulimit -v).";
  }
  text += advice_of(forecast);
  if (is_too_much_here && machine.ranks_here > 1) text += " So do fewer ranks on this machine.";
  return text + " guard.on_memory = \"warn\" goes on all the same.";
}

void check_memory(TrainRun& run, const DecoderConfig& model) {
  if (run.recipe.model.device != Device::cpu) return;
  MemoryFacts facts{
      .model = model,
      .num_logits = std::min(model.vocab_size, static_cast<std::int64_t>(run.tokenizer().vocab_size())),
      .ranks = run.world.size(),
      .program_mb = run.machine.program_mb,
      .copies_for_checkpoints = true};
  measure_problems(run, facts);
  const MemoryForecast forecast = forecast_memory(run.recipe, facts);
  const std::string problem = memory_problem(forecast, run.machine);
  if (!problem.empty() && run.recipe.guard.on_memory == AlarmAction::stop)
    throw Error(ExitCode::environment, problem);
  if (!problem.empty() && run.is_root()) log_warning(problem);
  run.memory_text = "memory: at most " + whole(forecast.total_mb()) + " MiB a rank, in stage \"" +
                    forecast.stage + "\": " + parts_text(forecast);
}

}  // namespace reckon
