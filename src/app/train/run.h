#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/display.h"
#include "app/engine.h"
#include "app/recipe.h"
#include "machine_memory.h"
#include "problem_stream.h"
#include "reckon/base/file_lock.h"
#include "reckon/checkpoint/checkpoint.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/message_port.h"
#include "reckon/dist/roles.h"
#include "reckon/lineage/chain.h"
#include "reckon/lineage/lineage.h"
#include "reckon/model/decoder.h"
#include "reckon/model/pretrained.h"
#include "reckon/record/metrics.h"
#include "reckon/record/summary.h"
#include "reckon/text/prompt_format.h"

namespace reckon {

class RunCheckpoints;

/// What `reckon train` was told beside the recipe.
struct TrainArguments {
  std::string file;  ///< the recipe, or with --resume the run's folder
  std::vector<std::string> overrides;
  std::string out;
  bool resume = false;
  std::vector<std::string> allow_change;  ///< keys of the recipe that may differ when resuming
  ProgressMode progress = ProgressMode::automatic;
};

/// Where a run goes on.
struct ResumePoint {
  Checkpoint checkpoint;
  std::size_t position = 0;  ///< of its stage in run_order()
  /// The first stage that is not done.
  [[nodiscard]] std::size_t first_open() const { return position + (checkpoint.state.stage_done ? 1 : 0); }
};

/// What the stages of a run share.
struct TrainRun {
  TrainRun(Communicator& world_ranks, Display& screen);
  ~TrainRun();

  Communicator& world;
  /// The ranks that hold the weights of the stage that runs and update them together: all, or those that
  /// learn. Rank 0 is the first of it.
  Communicator* team;
  Roles roles;
  Display& display;
  Recipe recipe;
  std::string recipe_text;    ///< resolved, as recipe.toml has it
  std::string recipe_sha256;  ///< settings_sha256() of it
  MachineMemory machine;
  std::string memory_text;  ///< the forecast, for the terminal; empty where there is none
  std::filesystem::path folder;
  std::string run_id;
  std::string fingerprint;   ///< numerics_fingerprint()
  std::string model_sha256;  ///< of the initial weights
  std::vector<RecipeTask> tasks;
  PromptFormat prompts{Tokenizer::character_level("")};
  ModelFiles model_files;  ///< what checkpoints take over beside the weights
  DecoderConfig model;     ///< of every stage's weights
  /// By stage, and "model" for the initial ones; those that no later stage starts from are let go.
  std::map<std::string, std::unique_ptr<Decoder>> weights;
  Summary summary;
  std::optional<ResumePoint> resume;

  // Rank 0 only.
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<MetricsStream> metrics;
  std::unique_ptr<ChainWriter> chain;
  Lineage lineage;

  std::unique_ptr<RunCheckpoints> checkpoints;

  // Where roles are split.
  std::unique_ptr<Communicator> role_group;  ///< the ranks of this one's role
  std::unique_ptr<MessagePort> port;

  /// What the ranks do, should one of them wait too long for another.
  void set_activity(const StageConfig& stage, std::int64_t step, const char* what) {
    world.set_activity(stage.name + " step " + std::to_string(step) + ", " + what);
  }
  [[nodiscard]] const Tokenizer& tokenizer() const { return prompts.tokenizer(); }
  [[nodiscard]] bool is_root() const { return world.rank() == 0; }
  [[nodiscard]] std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe.run.seed); }
  /// Tasks by name; all of the recipe where names is empty.
  [[nodiscard]] std::vector<const RecipeTask*> tasks_named(const std::vector<std::string>& names) const;
};

/// What a stage did, for the summary.
struct StageOutcome {
  std::int64_t steps = 0;
  std::string closing;         ///< behind "done in ..." on the terminal
  std::string weights_sha256;  ///< of a training stage, after its last step
};

// One stage of each kind. Collective. \throws AgreedError(stopped) between two steps where a signal asked to
// stop.
StageOutcome run_sft_stage(TrainRun& run, const StageConfig& stage, Engine& engine);
StageOutcome run_grpo_stage(TrainRun& run, const StageConfig& stage, Engine& engine);
StageOutcome run_eval_stage(TrainRun& run, const StageConfig& stage, Engine& engine);

/// The results of an eval stage by task, for run_eval_stage() and for doing it again. Collective.
[[nodiscard]] std::vector<std::pair<std::string, TaskResult>> evaluate_stage(TrainRun& run,
                                                                             const StageConfig& stage,
                                                                             Engine& engine);

/// Tells how to go on. \throws AgreedError(stopped)
[[noreturn]] void throw_stopped(const TrainRun& run, const std::string& where, int signal);
/// Ends the run on every rank, between two pieces of work, where any rank was asked to stop. Collective.
void stop_if_asked(TrainRun& run, const std::string& where);
/// SHA-256 of the learner's weights, which must be the same on every rank; engine.decoder() has them
/// afterwards. Collective. \throws Error(internal) naming the ranks.
std::string agreed_sha256(TrainRun& run, Engine& engine);

/// Whether a stage from position `begin` of run_order() on starts from these weights.
[[nodiscard]] bool is_needed_from(const TrainRun& run, std::size_t begin, const std::string& from);

}  // namespace reckon
