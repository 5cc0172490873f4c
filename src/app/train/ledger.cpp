#include "ledger.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "app/data_source.h"
#include "reckon/base/atomic_file.h"
#include "reckon/record/batch_hash.h"

namespace reckon {
namespace {

std::string joined_names(const std::vector<const RecipeTask*>& tasks) {
  std::string names;
  for (const RecipeTask* task : tasks) names += (names.empty() ? "" : ",") + task->config.name;
  return names;
}

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> list;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    list.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

/// What a stage starts from: the weights that the one before it made.
std::string weights_made_by(const Lineage& lineage, const std::string& from) {
  const auto stage = std::ranges::find(lineage.stages, from, &LineageStage::name);
  return stage == lineage.stages.end() ? lineage.base.weights_sha256 : stage->weights_after;
}

void add_outcome(ChainEvent& event, const StepRecord& record) {
  event.add("weights_before", record.weights_before);
  event.add("weights_after", record.weights_after);
  event.add("loss", record.loss);
  event.add("grad_norm", record.grad_norm);
  if (record.skipped_updates > 0) event.add("skipped_updates", record.skipped_updates);
  if (record.rolled_back_to) event.add("rolled_back_to", *record.rolled_back_to);
}

}  // namespace

ChainEvent run_event(const TrainRun& run) {
  ChainEvent event{.event = "run", .values = {}};
  event.add("run", run.recipe.run.name);
  event.add("recipe_sha256", run.recipe_sha256);
  event.add("weights", run.model_sha256);
  event.add("tokenizer_sha256", run.tokenizer().sha256());
  event.add("fingerprint", run.fingerprint);
  for (const RecipeTask& task : run.tasks) event.add("data." + task.config.name, data_source(task.config));
  return event;
}

Lineage first_lineage(const TrainRun& run) {
  Lineage lineage;
  lineage.run = run.recipe.run.name;
  lineage.program = "reckon " RECKON_VERSION;
  lineage.recipe_sha256 = run.recipe_sha256;
  const ModelInitConfig& model = run.recipe.model;
  lineage.base.path = model.path;
  if (model.path.empty())
    lineage.base.init = std::string(enum_name(model.init)) + ", seed " + std::to_string(run.recipe.run.seed);
  lineage.base.weights_sha256 = run.model_sha256;
  lineage.base.tokenizer_sha256 = run.tokenizer().sha256();
  for (const RecipeTask& task : run.tasks) {
    LineageData data{
        .task = task.config.name, .kind = std::string(enum_name(task.config.kind)), .sources = {}};
    if (const std::string& path = task.config.path; !path.empty())
      data.sources.push_back({std::filesystem::path(path).filename().string(), data_source(task.config)});
    lineage.data.push_back(std::move(data));
  }
  const std::filesystem::path parent = std::filesystem::path(model.path) / kLineageFile;
  if (!model.path.empty() && std::filesystem::exists(parent))
    lineage.parent = std::make_shared<const Lineage>(parse_lineage(read_file(parent), parent.string()));
  return lineage;
}

void note_event(Lineage& lineage, const ChainEvent& event, const std::string& link) {
  lineage.head = link;
  if (event.event == "change") lineage.recipe_sha256 = event.text("recipe_sha256");
  const std::string name = event.text("stage");
  if (name.empty()) return;
  if (event.event == "stage") {
    const std::string from = event.text("from");
    lineage.stages.push_back({.name = name,
                              .kind = event.text("kind"),
                              .from = from,
                              .steps = 0,
                              .weights_before = weights_made_by(lineage, from),
                              .weights_after = "",
                              .first_link = link,
                              .last_link = link,
                              .tasks = split_names(event.text("tasks")),
                              .results = {}});
    return;
  }
  const auto stage = std::ranges::find(lineage.stages, name, &LineageStage::name);
  if (stage == lineage.stages.end()) return;
  stage->last_link = link;
  if (event.event == "step") {
    stage->steps = static_cast<std::uint64_t>(event.integer("step"));
    stage->weights_after = event.text("weights_after");
  } else if (event.event == "eval") {
    const auto* accuracy = std::get_if<double>(event.find("pass_at_1"));
    stage->results.push_back({event.text("task"), accuracy == nullptr ? 0 : *accuracy,
                              static_cast<std::uint64_t>(event.integer("n"))});
  }
}

void record(TrainRun& run, const ChainEvent& event) {
  if (!run.chain) return;
  run.chain->append(event);
  note_event(run.lineage, event, run.chain->link());
}

void record_stage_start(TrainRun& run, const StageConfig& stage, const std::string& weights_sha256) {
  ChainEvent event{.event = "stage", .values = {}};
  event.add("stage", stage.name);
  event.add("kind", std::string(enum_name(stage.kind)));
  event.add("from", stage.from);
  event.add("tasks", joined_names(run.tasks_named(stage.tasks)));
  if (!weights_sha256.empty()) event.add("weights", weights_sha256);
  record(run, event);
}

void record_stage_end(TrainRun& run, const StageConfig& stage, const StageOutcome& outcome) {
  ChainEvent event{.event = "end", .values = {}};
  event.add("stage", stage.name);
  event.add("steps", outcome.steps);
  if (!outcome.weights_sha256.empty()) event.add("weights", outcome.weights_sha256);
  record(run, event);
}

ChainEvent eval_event(const StageConfig& stage, const std::string& task, const TaskResult& result) {
  ChainEvent event{.event = "eval", .values = {}};
  event.add("stage", stage.name);
  event.add("from", stage.from);
  event.add("task", task);
  event.add("pass_at_1", result.pass_at_1);
  event.add("greedy", result.greedy);
  event.add("mean_tokens", result.mean_tokens);
  event.add("n", static_cast<std::int64_t>(result.n));
  return event;
}

ChainEvent sft_event(const StageConfig& stage, const SftStep& step, const StepRecord& record) {
  ChainEvent event{.event = "step", .values = {}};
  event.add("stage", stage.name);
  event.add("step", step.number);
  event.add("examples", examples_sha256(step));
  add_outcome(event, record);
  return event;
}

ChainEvent grpo_event(const StageConfig& stage, const GrpoStep& step,
                      const std::vector<std::string>& group_hashes, const StepRecord& record) {
  // The first digits of each group's hash tell which one a log has changed; the whole proves all of them.
  constexpr std::size_t kDigits = 8;
  std::string digits;
  for (const std::string& hash : group_hashes) digits += hash.substr(0, kDigits);
  ChainEvent event{.event = "step", .values = {}};
  event.add("stage", stage.name);
  event.add("step", step.number);
  event.add("rollouts", rollouts_sha256(group_hashes));
  event.add("groups", digits);
  add_outcome(event, record);
  return event;
}

std::vector<std::string> all_group_hashes(TrainRun& run, const GrpoStep& step) {
  std::string mine;
  for (const Group& group : step.batch.groups) mine += group_sha256(group, step.batch.temperature);
  std::vector<std::string> hashes;
  constexpr std::size_t kHexDigits = 64;
  for (const std::string& part : run.team->all_gather(mine)) {
    for (std::size_t i = 0; i < part.size(); i += kHexDigits) hashes.push_back(part.substr(i, kHexDigits));
  }
  return hashes;
}

std::string lineage_text(const TrainRun& run, const std::string& stage) {
  return lineage_json(stage.empty() ? run.lineage : lineage_up_to(run.lineage, stage));
}

}  // namespace reckon
