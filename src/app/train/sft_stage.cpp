#include "sft_stage.h"

#include <span>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/learn/sft.h"
#include "setup.h"

namespace reckon {
namespace {

const MixPhase& phase_at(const SftConfig& config, std::int64_t step, std::int64_t steps) {
  const double position = static_cast<double>(step) / static_cast<double>(steps);
  for (const MixPhase& phase : config.mix_schedule) {
    if (position < phase.until) return phase;
  }
  return config.mix_schedule.back();
}

std::int64_t tokens_of(const SftExample& example) {
  return static_cast<std::int64_t>(example.prompt.size() + example.completion.size());
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
std::vector<SftExample> draw_examples(TrainRun& run, const StageConfig& stage, const MixPhase& phase,
                                      ProblemStream& stream, std::int64_t& too_long) {
  const std::vector<const RecipeTask*> tasks =
      run.tasks_named(phase.tasks.empty() ? stage.tasks : phase.tasks);
  const std::int64_t longest = run.model.max_position_embeddings;
  std::vector<SftExample> examples;
  std::int64_t tokens = 0;
  while (examples.empty() || tokens < stage.sft.tokens_per_step) {
    DrawnPrompt drawn = draw_prompt(run, tasks, stream, 1, too_long);
    const Problem& problem = drawn.problem.problem;
    const bool thinks = stream.coin() < phase.think_share;
    const std::string text = completion_behind(drawn.prompt.text, thinks ? problem.trace : problem.direct);
    SftExample example{std::move(drawn.prompt.token_ids), run.tokenizer().encode(text)};
    example.completion.push_back(run.tokenizer().eos_id());
    if (tokens_of(example) > longest) {
      refuse_if_too_many(stage.name, longest, ++too_long);
      continue;
    }
    tokens += tokens_of(example);
    examples.push_back(std::move(example));
  }
  if (examples.size() > 1 && tokens > stage.sft.tokens_per_step) examples.pop_back();
  return examples;
}

}  // namespace

SftStage::SftStage(TrainRun& run, const StageConfig& stage, Engine& engine)
    : run_(run),
      stage_(stage),
      learner_(engine.learner(stage.optimizer, stage.batch, stage.steps, Reference::none)),
      stream_(run.seed(), stage.name) {}

SftStep SftStage::draw(std::int64_t number) {
  const MixPhase& phase = phase_at(stage_.sft, number - 1, stage_.steps);
  SftStep step{.number = number, .think_share = phase.think_share, .too_long = 0, .examples = {}};
  step.examples = draw_examples(run_, stage_, phase, stream_, step.too_long);
  return step;
}

UpdateStats SftStage::update(const SftStep& step, const UpdateGate& gate) {
  std::vector<TrainSequence> sequences;
  for (const SftExample& example : step.examples) sequences.push_back({example.prompt, example.completion});
  return sft_update(*learner_, sequences, gate);
}

std::string examples_sha256(const SftStep& step) {
  Sha256 hash;
  const auto add = [&](const std::vector<std::uint32_t>& ids) {
    const std::uint64_t size = ids.size();
    hash.update_values(std::span(&size, 1));
    hash.update_values(std::span(ids));
  };
  for (const SftExample& example : step.examples) {
    add(example.prompt);
    add(example.completion);
  }
  return hash.hex_digest();
}

}  // namespace reckon
