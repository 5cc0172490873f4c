#include "ledger.h"

#include <cstddef>
#include <span>

#include "reckon/base/sha256.h"
#include "reckon/record/batch_hash.h"

namespace reckon {
namespace {

/// What the problems of a task come from: the SHA-256 of a file, the words of a program, or the generator.
std::string source_text(const TaskConfig& task) {
  if (!task.path.empty()) return sha256_of_file(task.path);
  if (task.source.command.empty()) return "generated";
  std::string text = "program";
  for (const std::string& word : task.source.command) text += " " + in_quotes(word);
  return text;
}

std::string joined_names(const std::vector<const RecipeTask*>& tasks) {
  std::string names;
  for (const RecipeTask* task : tasks) names += (names.empty() ? "" : ",") + task->config.name;
  return names;
}

void add_outcome(ChainEvent& event, const StepRecord& record) {
  event.add("weights_before", record.weights_before);
  event.add("weights_after", record.weights_after);
  event.add("loss", record.loss);
  event.add("grad_norm", record.grad_norm);
}

}  // namespace

ChainEvent run_event(const TrainRun& run) {
  ChainEvent event{.event = "run", .values = {}};
  event.add("run", run.recipe.run.name);
  event.add("recipe_sha256", sha256_hex(run.recipe_text));
  event.add("weights", run.model_sha256);
  event.add("tokenizer_sha256", run.tokenizer().sha256());
  event.add("fingerprint", run.fingerprint);
  for (const RecipeTask& task : run.tasks) event.add("data." + task.config.name, source_text(task.config));
  return event;
}

void record_stage_start(TrainRun& run, const StageConfig& stage, const std::string& weights_sha256) {
  if (!run.chain) return;
  ChainEvent event{.event = "stage", .values = {}};
  event.add("stage", stage.name);
  event.add("kind", std::string(enum_name(stage.kind)));
  event.add("from", stage.from);
  event.add("tasks", joined_names(run.tasks_named(stage.tasks)));
  if (!weights_sha256.empty()) event.add("weights", weights_sha256);
  run.chain->append(event);
}

void record_stage_end(TrainRun& run, const StageConfig& stage, const StageOutcome& outcome) {
  if (!run.chain) return;
  ChainEvent event{.event = "end", .values = {}};
  event.add("stage", stage.name);
  event.add("steps", outcome.steps);
  if (!outcome.weights_sha256.empty()) event.add("weights", outcome.weights_sha256);
  run.chain->append(event);
}

void record_evaluation(TrainRun& run, const StageConfig& stage, const std::string& task,
                       const TaskResult& result) {
  if (!run.chain) return;
  ChainEvent event{.event = "eval", .values = {}};
  event.add("stage", stage.name);
  event.add("from", stage.from);
  event.add("task", task);
  event.add("pass_at_1", result.pass_at_1);
  event.add("greedy", result.greedy);
  event.add("mean_tokens", result.mean_tokens);
  event.add("n", static_cast<std::int64_t>(result.n));
  run.chain->append(event);
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

void record_step(TrainRun& run, const ChainEvent& event) {
  if (run.chain) run.chain->append(event);
}

std::vector<std::string> all_group_hashes(TrainRun& run, const GrpoStep& step) {
  std::string mine;
  for (const Group& group : step.batch.groups) mine += group_sha256(group, step.batch.temperature);
  std::vector<std::string> hashes;
  constexpr std::size_t kHexDigits = 64;
  for (const std::string& part : run.world.all_gather(mine)) {
    for (std::size_t i = 0; i < part.size(); i += kHexDigits) hashes.push_back(part.substr(i, kHexDigits));
  }
  return hashes;
}

}  // namespace reckon
