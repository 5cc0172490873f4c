#include "files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// The last thing that a run does is to say so in its summary.
bool says_complete(const fs::path& summary) {
  if (!fs::exists(summary)) return false;
  const auto json = nlohmann::json::parse(read_file(summary), nullptr, false);
  return json.is_object() && json.value("complete", nlohmann::json()) == true;
}

/// Whether every stage of the recipe has ended, as far as the chain can be believed.
bool is_finished(const RunFiles& run) {
  if (!run.history.whole || run.history.lines.empty() || !says_complete(run.folder / "summary.json"))
    return false;
  if (!run.recipe) return run.history.lines.back().event.event == "end";
  return std::ranges::all_of(run.recipe->stage, [&](const StageConfig& stage) {
    const StageHistory* history = run.history.find(stage.name);
    return history != nullptr && history->ended;
  });
}

void note_end(const RunHistory& history, VerifyReport& report) {
  if (!history.whole) {
    report.note("run", "its chain verifies up to line " + std::to_string(history.lines.size()) +
                           "; what came after is compared with nothing");
  } else if (!history.finished) {
    report.note("run", "is not finished: it goes on, or was interrupted; checked as far as it is");
  }
}

/// What lies in the folder beside what a run writes.
void check_other_files(const RunFiles& run, VerifyReport& report) {
  static const std::set<std::string> kOwn = {"recipe.toml",  "chain.jsonl", "metrics.jsonl", "summary.json",
                                             "lineage.json", "lock",        "rollouts",      "checkpoints"};
  Check check(report, "other files");
  std::size_t others = 0;
  check.attempt([&] {
    for (const auto& entry : fs::directory_iterator(run.folder)) {
      const std::string name = entry.path().filename().string();
      if (kOwn.contains(name) || (name.starts_with("recipe-") && name.ends_with(".toml"))) continue;
      check.note(name + ": is no file that a run writes, or was not finished; it was not looked at");
      ++others;
    }
  });
  if (others == 0) check.finish("none");
}

}  // namespace

const StageConfig* RunFiles::stage_config(const std::string& stage) const {
  if (!recipe || history.recipes.size() != 1) return nullptr;
  const auto found = std::ranges::find(recipe->stage, stage, &StageConfig::name);
  return found == recipe->stage.end() ? nullptr : &*found;
}

std::unique_ptr<SegmentReader> open_segment(const fs::path& file) {
  return open_log(file);
}

void verify_files(const fs::path& folder, VerifyReport& report) {
  if (!fs::is_directory(folder))
    throw Error(ExitCode::missing_input, folder.string() + ": no such folder (need that of a run)");
  RunFiles run;
  run.folder = folder;
  run.history = check_chain(folder / "chain.jsonl", report);
  check_recipe_file(run, report);
  run.history.finished = is_finished(run);
  note_end(run.history, report);
  check_data(run, report);
  check_checkpoints(run, report);
  check_rollouts(run, report);
  check_metrics(run, report);
  check_summary(run, report);
  check_lineage_file(run, report);
  check_other_files(run, report);
}

}  // namespace reckon
