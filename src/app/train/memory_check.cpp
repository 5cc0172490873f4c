#include "memory_check.h"

#include <algorithm>

#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace reckon {
namespace {

std::string whole(double mb) {
  return fixed(mb, 0);
}

/// What lowers the largest parts that can be lowered.
std::string advice_of(const MemoryForecast& forecast) {
  std::string advice;
  for (const plan::MemoryPart& part : forecast.parts) {
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
  const MemoryFacts facts{
      .model = model,
      .num_logits = std::min(model.vocab_size, static_cast<std::int64_t>(run.tokenizer().vocab_size())),
      .lengths = measure_problems(run.tasks_named({}), run.prompts, run.seed()),
      .ranks = run.world.size(),
      .program_mb = run.machine.program_mb,
      .copies_for_checkpoints = true};
  const MemoryForecast forecast = forecast_memory(run.recipe, facts);
  const std::string problem = memory_problem(forecast, run.machine);
  if (!problem.empty() && run.recipe.guard.on_memory == AlarmAction::stop)
    throw Error(ExitCode::environment, problem);
  if (!problem.empty() && run.is_root()) log_warning(problem);
  run.memory_text = "memory: at most " + whole(forecast.total_mb()) + " MiB a rank, in stage \"" +
                    forecast.stage + "\": " + parts_text(forecast);
}

}  // namespace reckon
