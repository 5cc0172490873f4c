// A supervised stage: cross-entropy on reference solutions.
#include <chrono>
#include <utility>

#include "guard_step.h"
#include "reckon/base/error.h"
#include "reckon/learn/sft.h"
#include "run.h"
#include "setup.h"
#include "step_memory.h"

namespace reckon {
namespace {

struct Example {
  std::vector<std::uint32_t> prompt;
  std::vector<std::uint32_t> completion;
  [[nodiscard]] std::int64_t tokens() const {
    return static_cast<std::int64_t>(prompt.size() + completion.size());
  }
};

const MixPhase& phase_at(const SftConfig& config, std::int64_t step, std::int64_t steps) {
  const double position = static_cast<double>(step) / static_cast<double>(steps);
  for (const MixPhase& phase : config.mix_schedule) {
    if (position < phase.until) return phase;
  }
  return config.mix_schedule.back();
}

/// Examples passed over in one step: at some number it is the recipe that does not fit.
void refuse_if_too_many(const std::string& stage, std::int64_t longest, std::int64_t too_long) {
  constexpr std::int64_t kMost = 10'000;
  if (too_long < kMost) return;
  throw Error(ExitCode::usage, "stage \"" + stage + "\": " + std::to_string(kMost) +
                                   " examples of one step are longer than max_position_embeddings, " +
                                   std::to_string(longest) + " tokens");
}

/// The next examples of a step, as many as fit the token budget; at least one. Those longer than the model's
/// positions are passed over and counted.
std::vector<Example> draw_examples(TrainRun& run, const StageConfig& stage, const MixPhase& phase,
                                   ProblemStream& stream, std::int64_t& too_long) {
  const std::vector<const RecipeTask*> tasks =
      run.tasks_named(phase.tasks.empty() ? stage.tasks : phase.tasks);
  const std::int64_t longest = run.model.max_position_embeddings;
  std::vector<Example> examples;
  std::int64_t tokens = 0;
  while (examples.empty() || tokens < stage.sft.tokens_per_step) {
    DrawnPrompt drawn = draw_prompt(run, tasks, stream, 1, too_long);
    const Problem& problem = drawn.problem.problem;
    const bool thinks = stream.coin() < phase.think_share;
    const std::string text = completion_behind(drawn.prompt.text, thinks ? problem.trace : problem.direct);
    Example example{std::move(drawn.prompt.token_ids), run.tokenizer().encode(text)};
    example.completion.push_back(run.tokenizer().eos_id());
    if (example.tokens() > longest) {
      refuse_if_too_many(stage.name, longest, ++too_long);
      continue;
    }
    tokens += example.tokens();
    examples.push_back(std::move(example));
  }
  if (examples.size() > 1 && tokens > stage.sft.tokens_per_step) examples.pop_back();
  return examples;
}

}  // namespace

StageOutcome run_sft_stage(TrainRun& run, const StageConfig& stage, Engine& engine) {
  const auto learner = engine.learner(stage.optimizer, stage.batch, stage.steps, Reference::none);
  ProblemStream stream(run.seed(), stage.name);
  const auto start = std::chrono::steady_clock::now();
  RunGuards guards(run.recipe.guard);
  double rows = 0;
  for (std::int64_t step = 0; step < stage.steps; ++step) {
    stop_if_asked(run, stage.name + " step " + std::to_string(step));
    const MixPhase& phase = phase_at(stage.sft, step, stage.steps);
    std::int64_t too_long = 0;
    const std::vector<Example> examples = draw_examples(run, stage, phase, stream, too_long);
    std::vector<TrainSequence> sequences;
    for (const Example& example : examples) sequences.push_back({example.prompt, example.completion});
    const UpdateStats stats = sft_update(*learner, sequences, guards.gate());
    const GuardVerdict verdict = judge_step(run, stage, guards, step + 1);

    rows += stats.rows;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const MemoryUse memory = largest_memory_use(run.world);
    if (run.metrics) {
      MetricsRow row{stage.name, static_cast<std::uint64_t>(step + 1), {}};
      row.add("loss", stats.loss);
      row.add("grad_norm", stats.grad_norm);
      row.add("learning_rate", stats.learning_rate);
      row.add("entropy", stats.entropy / stats.tokens);
      row.add("think_share", phase.think_share);
      row.add("sequences", sequences.size());
      row.add("examples_too_long", static_cast<double>(too_long));
      row.add("tokens", stats.tokens);
      if (!guards.alarms().empty()) row.add("alarms", guards.alarms());
      row.add("seconds", seconds);
      add_memory(row, memory);
      run.metrics->write(row);
    }
    run.display.step(step + 1, {{"loss", fixed(stats.loss, 4)},
                                {"lr", fixed(stats.learning_rate, 6)},
                                {"tok/s", short_count(rows / seconds)}});
    stop_if_judged(stage, step + 1, verdict);
  }
  return {stage.steps, ""};
}

}  // namespace reckon
