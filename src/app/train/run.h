#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/display.h"
#include "app/engine.h"
#include "machine_memory.h"
#include "problem_stream.h"
#include "app/recipe.h"
#include "reckon/dist/communicator.h"
#include "reckon/model/decoder.h"
#include "reckon/model/pretrained.h"
#include "reckon/record/metrics.h"
#include "reckon/record/summary.h"
#include "reckon/text/prompt_format.h"

namespace reckon {

/// What the stages of a run share.
struct TrainRun {
  TrainRun(Communicator& world_ranks, Display& screen) : world(world_ranks), display(screen) {}

  Communicator& world;
  Display& display;
  Recipe recipe;
  MachineMemory machine;
  std::filesystem::path folder;
  std::string run_id;
  std::string fingerprint;  ///< numerics_fingerprint()
  std::vector<RecipeTask> tasks;
  PromptFormat prompts{Tokenizer::character_level("")};
  ModelFiles model_files;  ///< what checkpoints take over beside the weights
  DecoderConfig model;     ///< of every stage's weights
  /// By stage, and "model" for the initial ones; those that no later stage starts from are let go.
  std::map<std::string, std::unique_ptr<Decoder>> weights;
  std::unique_ptr<MetricsStream> metrics;  ///< rank 0 only
  Summary summary;

  [[nodiscard]] const Tokenizer& tokenizer() const { return prompts.tokenizer(); }
  [[nodiscard]] bool is_root() const { return world.rank() == 0; }
  [[nodiscard]] std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe.run.seed); }
  /// Tasks by name; all of the recipe where names is empty.
  [[nodiscard]] std::vector<const RecipeTask*> tasks_named(const std::vector<std::string>& names) const;
};

/// What a stage did, for the summary.
struct StageOutcome {
  std::int64_t steps = 0;
  std::string closing;  ///< behind "done in ..." on the terminal
};

// One stage of each kind. Collective. \throws Error(stopped) between two steps where a signal asked to stop.
StageOutcome run_sft_stage(TrainRun& run, const StageConfig& stage, Engine& engine);
StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine);
StageOutcome run_eval_stage(TrainRun& run, const StageConfig& stage, Engine& engine);

/// Ends the run on every rank, between two steps, where any rank was asked to stop. Collective.
void stop_if_asked(TrainRun& run, const std::string& where);
/// SHA-256 of the learner's weights, which must be the same on every rank; engine.decoder() has them
/// afterwards. Collective. \throws Error(internal) naming the ranks.
std::string agreed_sha256(TrainRun& run, Engine& engine);

}  // namespace reckon
