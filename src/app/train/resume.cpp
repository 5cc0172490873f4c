#include "resume.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "app/recipe_diff.h"
#include "candidates.h"
#include "checkpoints.h"
#include "ledger.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/record/line_file.h"
#include "reckon/record/rewind.h"
#include "reckon/record/stage_log.h"
#include "shared_folder.h"
#include "together.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecipeFile = "recipe.toml";
constexpr const char* kMetricsFile = "metrics.jsonl";
// Of the event "change": the checkpoint that the changed recipe goes on from.
constexpr const char* kBehindStage = "behind_stage";
constexpr const char* kBehindStep = "behind_step";

/// The recipe of the run that the folder holds. Where this one says the same, its text is taken over: where a
/// value came from does not matter. \return what was changed and allowed
std::vector<ChangedSetting> compare_recipe(TrainRun& run, const TrainArguments& arguments) {
  const fs::path file = run.folder / kRecipeFile;
  const std::string text = read_file(file);
  const std::vector<ChangedSetting> changes =
      changed_settings(text, file.string(), run.recipe_text, arguments.file);
  if (const auto refused = not_allowed(changes, arguments.allow_change); !refused.empty()) {
    throw Error(ExitCode::usage, arguments.file + ": is not the recipe that " + run.folder.string() +
                                     " was begun with:" + changes_text(refused) +
                                     "\n(need the same settings, or --allow-change " + refused.front().key +
                                     (refused.size() > 1 ? " and so on" : "") + " to go on with others)");
  }
  if (changes.empty()) run.recipe_text = text;
  return changes;
}

/// Compares the run's data, weights and machine with what its chain begins with. The run's id is by the
/// recipe that it was begun with. \return what differs and is allowed to
std::vector<ChangedSetting> compare_facts(TrainRun& run, const TrainArguments& arguments) {
  const std::vector<ChainLine> lines = read_chain(run.folder / kChainFile);
  std::vector<ChangedSetting> changes;
  if (lines.empty()) return changes;
  run.run_id = run.recipe.run.name + "-" + lines.front().event.text("recipe_sha256").substr(0, 12);
  const ChainEvent event = run_event(run);
  for (const auto& [name, value] : event.values) {
    if (name == "recipe_sha256") continue;  // compared setting by setting
    const std::string was = current_fact(lines, name);
    const std::string now = event.text(name);
    if (was == now) continue;
    if (std::ranges::count(arguments.allow_change, name) == 0) {
      throw Error(name == "fingerprint" ? ExitCode::environment : ExitCode::bad_data,
                  run.folder.string() + ": " + name + " is " + now + ", and the run was begun with " +
                      (was.empty() ? "none" : was) + " (need the same, or --allow-change " + name + ")");
    }
    changes.push_back({name, was, now});
  }
  return changes;
}

/// A run's recipe is written before anything else of it: where it is gone, what is there must not be begun
/// anew.
void refuse_without_recipe(const fs::path& folder) {
  for (const char* name : {"checkpoints", kChainFile, kMetricsFile}) {
    if (!fs::exists(folder / name)) continue;
    throw Error(ExitCode::bad_data, folder.string() + ": has " + name + " of a run, and no " + kRecipeFile +
                                        " (need it to go on). To begin again, name another folder");
  }
}

/// The lines that the checkpoint stands on are there: known before anything is cut back to it.
void check_lines(const TrainRun& run) {
  const TrainState& state = run.resume->checkpoint.state;
  for (const auto& [name, need] :
       {std::pair(kMetricsFile, state.metrics_bytes), std::pair(kChainFile, state.chain_bytes)}) {
    const fs::path file = run.folder / name;
    const std::uint64_t size = fs::exists(file) ? fs::file_size(file) : 0;
    if (size >= need) continue;
    throw Error(ExitCode::bad_data, file.string() + ": has " + std::to_string(size) +
                                        " bytes (need the first " + std::to_string(need) +
                                        ", of the steps that are done). Was it cut short "
                                        "or replaced?");
  }
}

/// What rank 0 decides for all.
struct Decision {
  bool goes_on = false;    ///< the folder held a run
  std::string checkpoint;  ///< its name; empty: from the beginning
};

Decision take_folder(TrainRun& run, const TrainArguments& arguments, std::vector<ChangedSetting>& changes) {
  constexpr double kWaitSeconds = 10;
  make_folders(run.folder);
  run.lock = std::make_unique<FileLock>(run.folder / "lock", kWaitSeconds, [&](const std::string& holder) {
    log_warning(run.folder.string() + ": " + holder + " writes to this run; waiting for it to end");
  });
  const bool is_there = fs::exists(run.folder / kRecipeFile);
  if (is_there && !arguments.resume) {
    throw Error(ExitCode::environment,
                run.folder.string() +
                    ": holds a run already (need a new folder). Go on with it by --resume, " +
                    "remove it, or name another with --out DIR.");
  }
  if (!is_there) {
    refuse_without_recipe(run.folder);
    if (arguments.resume)
      run.display.line("reckon: " + run.folder.string() + " holds no run yet: it starts at step 0");
    write_file_atomic(run.folder / kRecipeFile, run.recipe_text);
    return {false, ""};
  }
  changes = compare_recipe(run, arguments);
  Candidates candidates(run);
  run.resume = candidates.choose();
  if (run.resume) check_lines(run);
  const bool is_recipe_changed = !changes.empty();
  if (fs::exists(run.folder / kChainFile)) {
    const std::vector<ChangedSetting> facts = compare_facts(run, arguments);
    changes.insert(changes.end(), facts.begin(), facts.end());
  }
  if (!changes.empty() && run.resume) candidates.abandon_after(*run.resume);
  if (is_recipe_changed) {
    const std::string old_text = read_file(run.folder / kRecipeFile);
    write_file_atomic(
        run.folder / ("recipe-" + settings_sha256(old_text, kRecipeFile).substr(0, 12) + ".toml"), old_text);
    write_file_atomic(run.folder / kRecipeFile, run.recipe_text);
  }
  if (!run.resume) {
    run.display.line("reckon: " + run.folder.string() + " has no checkpoint yet: the run starts at step 0");
    return {true, ""};
  }
  const TrainState& state = run.resume->checkpoint.state;
  run.display.line("reckon: goes on from checkpoint " + CheckpointName{state.stage, state.step}.text() +
                   ", written by " + std::to_string(state.world_size) +
                   (state.world_size == 1 ? " rank" : " ranks"));
  return {true, CheckpointName{state.stage, state.step}.text()};
}

/// Cuts the rollout logs of all stages back to the checkpoint; the ranks share the files.
void rewind_logs(const TrainRun& run) {
  const std::vector<std::size_t> order = run_order(run.recipe);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const StageConfig& stage = run.recipe.stage[order[i]];
    const fs::path folder = run.folder / "rollouts" / stage.name;
    if (!fs::exists(folder)) continue;
    std::int64_t last_step = 0;
    if (run.resume) {
      if (i < run.resume->position) last_step = std::numeric_limits<std::int64_t>::max();
      if (i == run.resume->position) last_step = run.resume->checkpoint.state.step;
    }
    rewind_rollout_log(folder, static_cast<std::uint64_t>(last_step),
                       static_cast<std::uint64_t>(run.world.rank()),
                       static_cast<std::uint64_t>(run.world.size()));
  }
}

/// Every step that is done has its rollouts.
void check_logs(const TrainRun& run) {
  if (!run.resume) return;
  const std::vector<std::size_t> order = run_order(run.recipe);
  for (std::size_t i = 0; i <= run.resume->position; ++i) {
    const StageConfig& stage = run.recipe.stage[order[i]];
    if (stage.kind != StageKind::grpo) continue;
    const bool is_last = i == run.resume->position;
    const auto done = static_cast<std::uint64_t>(is_last ? run.resume->checkpoint.state.step : stage.steps);
    const fs::path folder = run.folder / "rollouts" / stage.name;
    const std::vector<std::uint64_t> steps = StageLog(folder).steps();
    if (steps.size() == done && steps.back() == done) continue;
    throw Error(ExitCode::bad_data, folder.string() + ": has the rollouts of " +
                                        std::to_string(steps.size()) + " steps (need those of " +
                                        std::to_string(done) + ", which are done). Were files removed?");
  }
}

void open_files(TrainRun& run, const std::vector<ChangedSetting>& changes) {
  const fs::path metrics = run.folder / kMetricsFile;
  const fs::path chain = run.folder / kChainFile;
  const TrainState start{};
  const TrainState& state = run.resume ? run.resume->checkpoint.state : start;
  rewind_lines(metrics, state.metrics_bytes);
  run.metrics = std::make_unique<MetricsStream>(metrics);
  run.chain = std::make_unique<ChainWriter>(chain, state.chain_bytes,
                                            run.resume ? state.chain_link : std::string(kFirstChainLink));
  if (!changes.empty()) run.chain->forget_lost_events();
  run.lineage = first_lineage(run);
  if (run.resume) {
    for (const ChainLine& line : read_chain(chain)) note_event(run.lineage, line.event, line.link);
  }
  if (!run.resume) record(run, run_event(run));
  if (run.resume && !changes.empty()) {
    ChainEvent event{.event = "change", .values = {}};
    event.add("recipe_sha256", run.recipe_sha256);
    event.add(kBehindStage, state.stage);
    event.add(kBehindStep, state.step);
    for (const ChangedSetting& change : changes) event.add(change.key, change_text(change.was, change.now));
    record(run, event);
  }
}

}  // namespace

void open_run(TrainRun& run, const TrainArguments& arguments) {
  std::vector<ChangedSetting> changes;
  Decision decision;
  check_shared_folder(run.folder, run.world);
  run_together(run.world, [&] {
    if (run.is_root()) decision = take_folder(run, arguments, changes);
  });
  run.run_id = run.world.all_gather(run.run_id).front();
  decision.goes_on = run.world.all_gather(decision.goes_on ? "1" : "0").front() == "1";
  decision.checkpoint = run.world.all_gather(decision.checkpoint).front();
  run.recipe_text = run.world.all_gather(run.recipe_text).front();
  run_together(run.world, [&] {
    if (!decision.checkpoint.empty() && !run.is_root()) {
      // Rank 0 has compared the files with their hashes.
      run.resume = ResumePoint{
          .checkpoint = open_checkpoint(run.folder / "checkpoints" / decision.checkpoint, CheckFiles::none),
          .position = 0};
      const std::vector<std::size_t> order = run_order(run.recipe);
      while (run.recipe.stage[order[run.resume->position]].name != run.resume->checkpoint.state.stage)
        ++run.resume->position;
    }
    if (decision.goes_on) rewind_logs(run);
  });
  run_together(run.world, [&] {
    if (run.is_root()) {
      check_logs(run);
      open_files(run, changes);
      remove_unfinished_checkpoints(run.folder / "checkpoints");  // now that nothing is refused any more
    }
    if (run.resume) {
      run.summary =
          parse_summary(run.resume->checkpoint.state.summary, (run.folder / "summary.json").string());
    }
  });
  run.checkpoints = std::make_unique<RunCheckpoints>(run);
  if (!run.is_root()) return;
  for (const ChainLine& line : read_chain(run.folder / kChainFile)) {
    if (line.event.event == "change")
      run.checkpoints->keep({line.event.text(kBehindStage), line.event.integer(kBehindStep)});
  }
}

}  // namespace reckon
