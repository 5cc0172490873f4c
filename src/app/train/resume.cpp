#include "resume.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "app/recipe_diff.h"
#include "checkpoints.h"
#include "ledger.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/record/line_file.h"
#include "reckon/record/rewind.h"
#include "reckon/record/stage_log.h"
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

/// Refuses what of the run's data, weights and machine is not what its chain begins with. The run's id is by
/// the recipe that it was begun with.
void compare_run_event(TrainRun& run, const TrainArguments& arguments) {
  const fs::path file = run.folder / kChainFile;
  const std::vector<ChainLine> lines = read_chain(file);
  if (lines.empty()) return;
  const ChainEvent& was = lines.front().event;
  run.run_id = run.recipe.run.name + "-" + was.text("recipe_sha256").substr(0, 12);
  const ChainEvent now = run_event(run);
  for (const auto& [name, value] : now.values) {
    if (name == "recipe_sha256") continue;  // compared setting by setting
    const ChainEvent::Value* before = was.find(name);
    if (before != nullptr && *before == value) continue;
    if (std::ranges::count(arguments.allow_change, name) > 0) continue;
    const auto* text = before == nullptr ? nullptr : std::get_if<std::string>(before);
    throw Error(name == "fingerprint" ? ExitCode::environment : ExitCode::bad_data,
                run.folder.string() + ": " + name + " is " + now.text(name) +
                    ", and the run was begun with " + (text == nullptr ? "none" : *text) +
                    " (need the same, or --allow-change " + name + ")");
  }
}

/// The stages whose final weights are needed to go on behind stage `position`.
std::set<std::string> stages_needed(const TrainRun& run, const std::vector<std::size_t>& order,
                                    std::size_t first_open) {
  std::set<std::string> needed;
  for (std::size_t i = 0; i < first_open; ++i) {
    const std::string& name = run.recipe.stage[order[i]].name;
    if (is_needed_from(run, first_open, name)) needed.insert(name);
  }
  return needed;
}

/// The checkpoints of a run, the newest first.
class Candidates {
 public:
  explicit Candidates(TrainRun& run) : run_(run), order_(run_order(run.recipe)) {
    for (const CheckpointName& name : list_checkpoints(run.folder / "checkpoints")) {
      for (std::size_t i = 0; i < order_.size(); ++i) {
        if (run.recipe.stage[order_[i]].name == name.stage) found_.push_back({i, name});
      }
    }
    std::ranges::sort(found_, [](const Found& a, const Found& b) {
      return std::pair(a.position, a.name.step) > std::pair(b.position, b.name.step);
    });
  }

  /// The newest one that verifies, with those whose weights it needs. Those that do not are named.
  std::optional<ResumePoint> choose() {
    std::vector<std::string> broken;
    for (const Found& found : found_) {
      try {
        ResumePoint point{.checkpoint = open(found.name), .position = found.position};
        check_needed(point);
        for (const std::string& line : broken) log_warning("passed over: " + line);
        return point;
      } catch (const Error& error) {
        broken.push_back("checkpoint " + found.name.text() + ": " + error.what());
      }
    }
    if (broken.empty()) return {};
    std::string text = run_.folder.string() + ": none of its " + std::to_string(broken.size()) +
                       " checkpoints can be resumed from:";
    for (const std::string& line : broken) text += "\n  " + line;
    throw Error(ExitCode::bad_data, text + "\n(need one that is whole; to begin again, remove " +
                                        (run_.folder / "checkpoints").string() + ")");
  }

  /// A changed recipe makes other weights from here on: what is there of the old ones is kept under a name
  /// that is no checkpoint's.
  void abandon_after(const ResumePoint& point) const {
    for (const Found& found : found_) {
      if (std::pair(found.position, found.name.step) <=
          std::pair(point.position, point.checkpoint.state.step))
        return;
      const fs::path folder = run_.folder / "checkpoints" / found.name.text();
      std::string kept = folder.string() + ".before-change";
      for (int i = 2; fs::exists(kept); ++i) kept = folder.string() + ".before-change-" + std::to_string(i);
      std::error_code error;
      fs::rename(folder, kept, error);
      if (error) throw Error(ExitCode::io, folder.string() + ": cannot be renamed: " + error.message());
      log_warning("checkpoint " + found.name.text() + " is of the recipe as it was; kept as " + kept);
    }
  }

 private:
  struct Found {
    std::size_t position = 0;
    CheckpointName name;
  };

  [[nodiscard]] Checkpoint open(const CheckpointName& name) const {
    Checkpoint checkpoint = open_checkpoint(run_.folder / "checkpoints" / name.text());
    const TrainState& state = checkpoint.state;
    if (const CheckpointName own{state.stage, state.step}; own != name)
      throw Error(ExitCode::bad_data, "is the checkpoint " + own.text() + " under another name");
    return checkpoint;
  }

  /// Stages that are done must be done as the recipe says now, and the rest of the run starts from their last
  /// checkpoints.
  void check_needed(const ResumePoint& point) const {
    const TrainState& state = point.checkpoint.state;
    const StageConfig& own = run_.recipe.stage[order_[point.position]];
    if (!state.stage_done && state.step > own.steps) {
      throw Error(ExitCode::usage, std::to_string(state.step) + " steps are done, and the recipe now says " +
                                       std::to_string(own.steps));
    }
    for (std::size_t i = 0; i < point.first_open(); ++i) {
      const StageConfig& stage = run_.recipe.stage[order_[i]];
      const auto last = std::ranges::find(found_, i, &Found::position);
      if (stage.kind == StageKind::eval || last == found_.end() || last->name.step == stage.steps) continue;
      throw Error(ExitCode::usage, "stage \"" + stage.name + "\" ended after " +
                                       std::to_string(last->name.step) + " steps, and the recipe now says " +
                                       std::to_string(stage.steps));
    }
    for (const std::string& stage : stages_needed(run_, order_, point.first_open())) {
      const auto last = std::ranges::find(found_, stage, [](const Found& f) { return f.name.stage; });
      if (last == found_.end())
        throw Error(ExitCode::bad_data, "the weights of stage \"" + stage + "\" are not there");
      if (last->name == CheckpointName{point.checkpoint.state.stage, point.checkpoint.state.step}) continue;
      if (!open(last->name).state.stage_done)
        throw Error(ExitCode::bad_data, "stage \"" + stage + "\" has no final checkpoint");
    }
  }

  TrainRun& run_;
  std::vector<std::size_t> order_;
  std::vector<Found> found_;
};

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
  std::string recipe_text;
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
    return {false, "", run.recipe_text};
  }
  changes = compare_recipe(run, arguments);
  remove_unfinished_checkpoints(run.folder / "checkpoints");
  Candidates candidates(run);
  run.resume = candidates.choose();
  if (run.resume) check_lines(run);
  if (fs::exists(run.folder / kChainFile)) compare_run_event(run, arguments);
  if (!changes.empty()) {
    if (run.resume) candidates.abandon_after(*run.resume);
    const std::string old_text = read_file(run.folder / kRecipeFile);
    write_file_atomic(
        run.folder / ("recipe-" + settings_sha256(old_text, kRecipeFile).substr(0, 12) + ".toml"), old_text);
    write_file_atomic(run.folder / kRecipeFile, run.recipe_text);
  }
  if (!run.resume) {
    run.display.line("reckon: " + run.folder.string() + " has no checkpoint yet: the run starts at step 0");
    return {true, "", run.recipe_text};
  }
  const TrainState& state = run.resume->checkpoint.state;
  run.display.line("reckon: goes on from checkpoint " + CheckpointName{state.stage, state.step}.text() +
                   ", written by " + std::to_string(state.world_size) +
                   (state.world_size == 1 ? " rank" : " ranks"));
  return {true, CheckpointName{state.stage, state.step}.text(), run.recipe_text};
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
    for (const ChangedSetting& change : changes) event.add(change.key, change.was + " -> " + change.now);
    record(run, event);
  }
}

}  // namespace

void open_run(TrainRun& run, const TrainArguments& arguments) {
  std::vector<ChangedSetting> changes;
  Decision decision;
  run_together(run.world, [&] {
    if (run.is_root()) decision = take_folder(run, arguments, changes);
  });
  run.run_id = run.world.all_gather(run.run_id).front();
  decision.goes_on = run.world.all_gather(decision.goes_on ? "1" : "0").front() == "1";
  decision.checkpoint = run.world.all_gather(decision.checkpoint).front();
  run.recipe_text = run.world.all_gather(decision.recipe_text).front();
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
