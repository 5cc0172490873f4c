// lineage.json of a run and of its checkpoints: what it tells must be what the chain tells.
#include <algorithm>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLineageName = "lineage.json";

using Differences = std::vector<std::string>;

void compare(const std::string& what, const std::string& is, const std::string& expected,
             Differences& found) {
  if (is != expected) found.push_back(what + " is " + in_quotes(is) + " (need " + in_quotes(expected) + ")");
}

void compare_base(const LineageBase& base, const RunFiles& run, Differences& found) {
  compare("base.weights_sha256", base.weights_sha256, run.history.run().text("weights"), found);
  compare("base.tokenizer_sha256", base.tokenizer_sha256, run.history.run().text("tokenizer_sha256"), found);
  if (!run.recipe) return;
  const ModelInitConfig& model = run.recipe->model;
  compare("base.path", base.path, model.path, found);
  const std::string init =
      std::string(enum_name(model.init)) + ", seed " + std::to_string(run.recipe->run.seed);
  compare("base.init", base.init, model.path.empty() ? init : "", found);
}

void compare_data(const LineageData& data, const RunFiles& run, Differences& found) {
  const auto task = std::ranges::find(run.recipe->task, data.task, &TaskConfig::name);
  const std::string where = "data " + in_quotes(data.task) + ": ";
  if (task == run.recipe->task.end()) {
    found.push_back(where + "the recipe has no such task");
    return;
  }
  compare(where + "kind", data.kind, std::string(enum_name(task->kind)), found);
  const std::size_t num_sources = task->path.empty() ? 0 : 1;
  if (data.sources.size() != num_sources) {
    found.push_back(where + "has " + counted(data.sources.size(), "source") + " (need " +
                    std::to_string(num_sources) + ")");
  } else if (num_sources == 1) {
    compare(where + "file", data.sources.front().file, fs::path(task->path).filename().string(), found);
    compare(where + "sha256", data.sources.front().sha256, run.history.run().text("data." + data.task),
            found);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

void compare_results(const LineageStage& stage, const StageHistory& history, const std::string& where,
                     Differences& found) {
  if (stage.results.size() > history.evaluations.size()) {
    found.push_back(where + "has " + counted(stage.results.size(), "result") + ", and the chain " +
                    std::to_string(history.evaluations.size()));
    return;
  }
  for (std::size_t i = 0; i < stage.results.size(); ++i) {
    const ChainEvent& event = *history.evaluations[i];
    const LineageResult& result = stage.results[i];
    const auto* accuracy = std::get_if<double>(event.find("pass_at_1"));
    const bool same = result.task == event.text("task") && accuracy != nullptr &&
                      result.pass_at_1 == *accuracy &&
                      static_cast<std::int64_t>(result.n) == event.integer("n");
    if (!same) found.push_back(where + "its result " + std::to_string(i + 1) + " is not the chain's");
  }
}

void compare_stage(const LineageStage& stage, const RunHistory& history, Differences& found) {
  const StageHistory* chain = history.find(stage.name);
  const std::string where = "stage " + in_quotes(stage.name) + ": ";
  if (chain == nullptr) {
    if (history.whole) found.push_back(where + "the chain has no such stage");
    return;
  }
  compare(where + "kind", stage.kind, chain->kind, found);
  compare(where + "from", stage.from, chain->from, found);
  compare(where + "tasks", joined(stage.tasks), chain->tasks, found);
  compare(where + "weights_before", stage.weights_before, chain->weights_before, found);
  compare(where + "first_link", stage.first_link, chain->first_link, found);
  compare_results(stage, *chain, where, found);
  const auto steps = static_cast<std::int64_t>(stage.steps);
  if (steps > static_cast<std::int64_t>(chain->steps.size())) {
    if (history.whole)
      found.push_back(where + "has " + std::to_string(steps) + " steps, and the chain " +
                      std::to_string(chain->steps.size()));
    return;
  }
  compare(where + "weights_after", stage.weights_after, steps == 0 ? "" : chain->weights_at(steps), found);
  const auto line = std::ranges::find(history.lines, stage.last_link, &ChainLine::link);
  if (line == history.lines.end() && !history.whole) return;
  if (line == history.lines.end() || line->event.text("stage") != stage.name)
    found.push_back(where + "last_link is of no line of the stage in the chain");
}

/// What the chain does not have must be as in the newest checkpoint that tells of the same stages.
void compare_with_checkpoint(const Lineage& lineage, const RunFiles& run, Check& check) {
  if (lineage.stages.empty()) return;
  const auto told = [](const std::shared_ptr<const Lineage>& parent) {
    return parent == nullptr ? std::string("none") : lineage_json(*parent);
  };
  for (const SealedCheckpoint& checkpoint : run.checkpoints) {
    if (checkpoint.state.stage != lineage.stages.back().name || !checkpoint.state.stage_done) continue;
    if (checkpoint.lineage.program != lineage.program)
      check.fail("lineage.json: program is " + in_quotes(lineage.program) + ", and checkpoint " +
                 checkpoint.name + " has " + in_quotes(checkpoint.lineage.program));
    if (told(checkpoint.lineage.parent) != told(lineage.parent))
      check.fail("lineage.json: its parent is not that of checkpoint " + checkpoint.name);
  }
}

}  // namespace

std::vector<std::string> lineage_differences(const Lineage& lineage, const RunFiles& run) {
  Differences found;
  compare("run", lineage.run, run.history.run().text("run"), found);
  compare_base(lineage.base, run, found);
  if (run.recipe) {
    for (const LineageData& data : lineage.data) compare_data(data, run, found);
  }
  for (const LineageStage& stage : lineage.stages) compare_stage(stage, run.history, found);
  if (run.history.whole && std::ranges::count(run.history.recipes, lineage.recipe_sha256) == 0)
    found.push_back("recipe_sha256 is none of the chain's");
  const auto line = std::ranges::find(run.history.lines, lineage.head, &ChainLine::link);
  if (run.history.whole && line == run.history.lines.end())
    found.push_back("head is no link of chain.jsonl: was its end cut off?");
  return found;
}

void check_lineage_file(const RunFiles& run, VerifyReport& report) {
  Check check(report, kLineageName);
  if (!fs::exists(run.folder / kLineageName)) {
    check.fail_unless(!run.history.finished, "is not there: no stage has ended");
    return;
  }
  Lineage lineage;
  check.attempt([&] {
    const std::string text = read_file(run.folder / kLineageName);
    lineage = parse_lineage(text, kLineageName);
    for (const std::string& difference : lineage_differences(lineage, run))
      check.fail("lineage.json: " + difference);
    compare_with_checkpoint(lineage, run, check);
    if (run.history.finished &&
        (lineage.head != run.history.head() || lineage.stages.size() != run.history.stages.size()))
      check.fail("lineage.json: does not go to the end of the chain");
    if (run.recipe && run.history.finished && lineage.data.size() != run.recipe->task.size())
      check.fail("lineage.json: tells of " + counted(lineage.data.size(), "task") + ", and the recipe has " +
                 std::to_string(run.recipe->task.size()));
    if (!check.failed() && lineage_json(lineage) != text)
      check.fail("lineage.json: says what it should, but is not the text that the run wrote");
  });
  check.finish(counted(lineage.stages.size(), "stage") + ", head " + short_hash(lineage.head));
}

}  // namespace reckon
