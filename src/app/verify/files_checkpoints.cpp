// The checkpoints of a run: their files, and where they stand in its chain.
#include <algorithm>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/lineage/manifest.h"
#include "reckon/text/text_folder.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStepPrefix = "step-";

/// A folder of checkpoints/<stage>, by what its name says.
struct Place {
  std::string stage;
  std::string folder;     ///< "step-000100"
  std::int64_t step = 0;  ///< -1 where the name is no checkpoint's
  [[nodiscard]] std::string name() const { return stage + "/" + folder; }
};

std::int64_t step_of(const std::string& folder) {
  if (!folder.starts_with(kStepPrefix)) return -1;
  const std::string digits = folder.substr(std::string(kStepPrefix).size());
  if (digits.size() < 6 || digits.size() > 15 || digits.find_first_not_of("0123456789") != std::string::npos)
    return -1;
  return std::stoll(digits);
}

bool is_unfinished(const std::string& folder) {
  return folder.ends_with(".tmp") || folder.ends_with(".removed");
}

/// What stands in checkpoints/, in the order of names. Leftovers of writing are noted, other things faults.
std::vector<Place> places_of(const RunFiles& run, Check& check) {
  std::vector<Place> places;
  for (const auto& stage : fs::directory_iterator(run.folder / "checkpoints")) {
    const std::string name = stage.path().filename().string();
    if (name == "latest") continue;
    if (name == "latest.tmp") {
      check.note("checkpoints/latest.tmp: was not finished");
    } else if (!stage.is_directory()) {
      check.fail("checkpoints/" + name + ": is no file of a run's checkpoints");
    } else if (run.history.whole && run.history.find(name) == nullptr) {
      check.fail("checkpoints/" + name + ": the chain has no such stage");
    }
    if (!stage.is_directory()) continue;
    for (const auto& entry : fs::directory_iterator(stage.path())) {
      Place place{name, entry.path().filename().string(), 0};
      place.step = entry.is_directory() ? step_of(place.folder) : -1;
      if (place.step >= 0) {
        places.push_back(place);
      } else if (is_unfinished(place.folder)) {
        check.note("checkpoints/" + place.name() + ": was not finished");
      } else if (place.folder.find(".before-change") != std::string::npos) {
        check.note("checkpoints/" + place.name() + ": is of the recipe before it was changed");
      } else {
        check.fail("checkpoints/" + place.name() + ": is no checkpoint");
      }
    }
  }
  std::ranges::sort(places, {}, [](const Place& place) { return std::pair(place.stage, place.step); });
  return places;
}

/// Whether every file of a checkpoint is as its manifest says.
bool is_sealed(const fs::path& folder, const Place& place, Manifest& manifest, Check& check) {
  const std::string own(kCheckpointManifest);
  manifest = parse_manifest(read_file(folder / own), std::string(kCheckpointSchema), own);
  const std::vector<std::string> problems = manifest_problems(folder, manifest, own);
  for (const std::string& problem : problems) check.fail("checkpoints/" + place.name() + "/" + problem);
  return problems.empty();
}

void compare_facts(const Manifest& manifest, const TrainState& state, Check& check) {
  const std::map<std::string, std::string> facts = {{"stage", state.stage},
                                                    {"step", std::to_string(state.step)},
                                                    {"stage_done", state.stage_done ? "true" : "false"},
                                                    {"weights_sha256", state.weights_sha256}};
  for (const auto& [name, value] : facts) {
    const auto found = manifest.facts.find(name);
    const std::string listed = found == manifest.facts.end() ? "none" : found->second;
    if (listed != value)
      check.fail("reckon/manifest.json: has " + name + " " + listed + ", and reckon/state.json " + value);
  }
}

/// The line of the chain behind which the checkpoint was written must be there, and be the one that it names.
void compare_link(const RunHistory& history, const TrainState& state, Check& check) {
  const auto line = std::ranges::find(history.lines, state.chain_bytes, &ChainLine::end);
  if (line == history.lines.end()) {
    const bool beyond = history.lines.empty() || state.chain_bytes > history.lines.back().end;
    if (beyond && !history.whole) return;  // the chain is broken before it, which was said
    check.fail("was written when chain.jsonl had " + std::to_string(state.chain_bytes) +
               " bytes, and no line ends there" + (beyond ? ". Was its end cut off?" : ""));
    return;
  }
  const std::string where = "line " + std::to_string(line->number) + " of chain.jsonl";
  if (line->link != state.chain_link)
    check.fail("names the link " + short_hash(state.chain_link) + ", and " + where + " has " +
               short_hash(line->link));
  const ChainEvent& event = line->event;
  const std::string expected = state.stage_done ? "end" : "step";
  const std::int64_t step = event.integer(state.stage_done ? "steps" : "step");
  if (event.event != expected || event.text("stage") != state.stage || step != state.step)
    check.fail("was written behind " + where + ", which is " + event.event + " " + std::to_string(step) +
               " of stage " + in_quotes(event.text("stage")));
}

void compare_state(const RunFiles& run, const Place& place, const TrainState& state, Check& check) {
  if (state.stage != place.stage || state.step != place.step)
    check.fail("reckon/state.json: is of step " + std::to_string(state.step) + " of stage " +
               in_quotes(state.stage) + " (need what the folder's name says)");
  compare_link(run.history, state, check);
  const auto& recipes = run.history.recipes;
  if (run.history.whole && std::ranges::count(recipes, state.recipe_sha256) == 0)
    check.fail("reckon/state.json: is of a recipe " + short_hash(state.recipe_sha256) + ", and the run had " +
               short_hash(run.history.recipe_sha256()));
  if (state.fingerprint != run.history.run().text("fingerprint"))
    check.note("was written with numerics " + short_hash(state.fingerprint) + ", and the run began with " +
               short_hash(run.history.run().text("fingerprint")));
  const StageHistory* stage = run.history.find(state.stage);
  if (stage == nullptr) return;
  if (state.step > static_cast<std::int64_t>(stage->steps.size())) return;  // its link says so
  if (state.weights_sha256 != stage->weights_at(state.step))
    check.fail("reckon/state.json: has weights " + short_hash(state.weights_sha256) + ", and step " +
               std::to_string(state.step) + " made " + short_hash(stage->weights_at(state.step)));
}

/// The lineage beside the model must be that of these weights.
void compare_lineage(const RunFiles& run, const SealedCheckpoint& checkpoint, Check& check) {
  for (const std::string& difference : lineage_differences(checkpoint.lineage, run))
    check.fail("lineage.json: " + difference);
  const std::vector<LineageStage>& stages = checkpoint.lineage.stages;
  const TrainState& state = checkpoint.state;
  if (stages.empty() || stages.back().name != state.stage ||
      stages.back().steps != static_cast<std::uint64_t>(state.step) ||
      stages.back().weights_after != state.weights_sha256)
    check.fail("lineage.json: does not end with step " + std::to_string(state.step) + " of stage " +
               in_quotes(state.stage) + " and weights " + short_hash(state.weights_sha256));
}

void check_checkpoint(RunFiles& run, const Place& place, VerifyReport& report) {
  Check check(report, "checkpoint " + place.name());
  const fs::path folder = run.folder / "checkpoints" / place.stage / place.folder;
  Manifest manifest;
  check.attempt([&] {
    if (!is_sealed(folder, place, manifest, check)) return;
    SealedCheckpoint sealed{.name = place.name(),
                            .state = parse_train_state(read_file(folder / kStateFile), kStateFile),
                            .lineage = parse_lineage(read_file(folder / "lineage.json"), "lineage.json")};
    compare_facts(manifest, sealed.state, check);
    compare_state(run, place, sealed.state, check);
    compare_lineage(run, sealed, check);
    if (fs::exists(folder / "tokenizer.json") &&
        sha256_of_file(folder / "tokenizer.json") != run.history.run().text("tokenizer_sha256"))
      check.fail("tokenizer.json: is not the tokenizer that the run had");
    if (check.failed()) return;
    if (!run.tokenizer && fs::exists(folder / "tokenizer.json"))
      run.tokenizer = load_text_folder(folder).tokenizer;
    run.checkpoints.push_back(std::move(sealed));
  });
  check.finish(counted(manifest.files.size(), "file"));
}

/// `latest` is moved when a checkpoint is in place; a crash may come between the two.
void check_latest(const RunFiles& run, const std::vector<Place>& places, Check& check) {
  const fs::path file = run.folder / "checkpoints" / "latest";
  if (!fs::exists(file)) {
    check.fail_unless(!run.history.finished && places.size() <= 1, "checkpoints/latest: is not there");
    return;
  }
  const std::string text = read_file(file);
  const std::string shown = in_quotes(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text);
  const bool is_there =
      std::ranges::any_of(places, [&](const Place& place) { return place.name() + "\n" == text; });
  if (!is_there) {
    check.fail("checkpoints/latest: names " + shown + ", which is not there");
  } else if (!run.checkpoints.empty() && run.checkpoints.back().name + "\n" != text) {
    check.fail_unless(!run.history.finished, "checkpoints/latest: names " + shown +
                                                 ", and the newest that verifies is " +
                                                 run.checkpoints.back().name);
  }
}

/// Every stage that has ended leaves a checkpoint. It is written while the next stage goes on, and before any
/// later checkpoint: a crash may come first.
void check_stage_ends(const RunFiles& run, Check& check) {
  for (const StageHistory& stage : run.history.stages) {
    if (!stage.ended) continue;
    const auto is_end = [&](const SealedCheckpoint& checkpoint) {
      return checkpoint.state.stage == stage.name && checkpoint.state.stage_done;
    };
    const auto is_later = [&](const SealedCheckpoint& checkpoint) {
      const StageHistory* other = run.history.find(checkpoint.state.stage);
      return other != nullptr && other > &stage;
    };
    if (std::ranges::any_of(run.checkpoints, is_end)) continue;
    check.fail_unless(
        !run.history.finished && std::ranges::none_of(run.checkpoints, is_later),
        "stage " + in_quotes(stage.name) + " has ended, and has no checkpoint of its end that verifies");
  }
}

}  // namespace

void check_checkpoints(RunFiles& run, VerifyReport& report) {
  std::vector<Place> places;
  Check check(report, "checkpoints");
  const bool has_folder = fs::is_directory(run.folder / "checkpoints");
  if (has_folder) check.attempt([&] { places = places_of(run, check); });
  for (const Place& place : places) check_checkpoint(run, place, report);
  std::ranges::sort(run.checkpoints, {}, [](const SealedCheckpoint& c) { return c.state.chain_bytes; });
  check.attempt([&] {
    if (has_folder) check_latest(run, places, check);
    check_stage_ends(run, check);
  });
  const bool any = !run.checkpoints.empty();
  check.finish(any ? "the newest is " + run.checkpoints.back().name : "there is none yet");
}

}  // namespace reckon
