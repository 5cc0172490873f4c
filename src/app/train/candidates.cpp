#include "candidates.h"

#include <algorithm>
#include <set>

#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

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

}  // namespace

Candidates::Candidates(const TrainRun& run) : run_(run), order_(run_order(run.recipe)) {
  for (const CheckpointName& name : list_checkpoints(run.folder / "checkpoints")) {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (run.recipe.stage[order_[i]].name == name.stage) found_.push_back({i, name});
    }
  }
  std::ranges::sort(found_, [](const Found& a, const Found& b) {
    return std::pair(a.position, a.name.step) > std::pair(b.position, b.name.step);
  });
}

std::optional<ResumePoint> Candidates::choose() const {
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

void Candidates::abandon_after(const ResumePoint& point) const {
  for (const Found& found : found_) {
    if (std::pair(found.position, found.name.step) <= std::pair(point.position, point.checkpoint.state.step))
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

Checkpoint Candidates::open(const CheckpointName& name) const {
  Checkpoint checkpoint = open_checkpoint(run_.folder / "checkpoints" / name.text());
  const TrainState& state = checkpoint.state;
  if (const CheckpointName own{state.stage, state.step}; own != name)
    throw Error(ExitCode::bad_data, "is the checkpoint " + own.text() + " under another name");
  return checkpoint;
}

/// Stages that are done must be done as the recipe says now, and the rest of the run starts from their last
/// checkpoints.
void Candidates::check_needed(const ResumePoint& point) const {
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

}  // namespace reckon
