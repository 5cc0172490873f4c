#include "app/tiny_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/record/batch_hash.h"
#include "reckon/record/metrics.h"
#include "reckon/record/stage_log.h"

namespace reckon::testing {
namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::string tiny_recipe() {
  return R"(
[run]
name = "tiny"
seed = 5
[model]
hidden_size = 32
intermediate_size = 48
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 16
max_position_embeddings = 128
[checkpoint]
every_steps = 2
keep_last = 2
[[task]]
name = "chains"
kind = "arithmetic"
levels = [3]
[[stage]]
name = "cold-start"
kind = "sft"
from = "model"
steps = 5
tokens_per_step = 600
learning_rate = 3e-3
leaf_sequences = 4
[[stage]]
name = "rl-1"
kind = "grpo"
from = "cold-start"
steps = 5
prompts_per_step = 4
group_size = 4
max_new_tokens = 24
learning_rate = 1e-3
leaf_sequences = 4
kl_coef = 0.01
updates_per_step = 2
reward.length_exact = 1.0
reward.length_alpha = 0.02
reward.target_tokens = 12
[[stage]]
name = "eval-rl-1"
kind = "eval"
from = "rl-1"
max_new_tokens = 24
eval_prompts = 4
eval_samples = 2
)";
}

std::string reckon_program() {
  return (binary_dir() / "bin" / "reckon").string();
}

CommandResult TrainCommand::run(const std::string& arguments, const std::string& environment) const {
  const std::string launcher =
      ranks == 0 ? "" : "mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " ";
  return run_command("env OMP_NUM_THREADS=1 " + environment + " " + launcher + reckon_program() + " train " +
                     recipe.string() + " --out " + out.string() + " " + arguments);
}

namespace {

std::vector<std::string> metrics_without_times(const fs::path& run) {
  std::istringstream in(read_text(run / "metrics.jsonl"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(in, line);) {
    ordered_json row = ordered_json::parse(line);
    for (auto it = row.begin(); it != row.end();)
      it = is_measurement(it.key()) ? row.erase(it) : std::next(it);
    rows.push_back(row.dump());
  }
  return rows;
}

std::string summary_without_times(const fs::path& run) {
  ordered_json summary = ordered_json::parse(read_text(run / "summary.json"));
  for (auto& [name, stage] : summary["stages"].items()) stage.erase("seconds");
  return summary.dump();
}

std::vector<std::string> group_hashes(const fs::path& run) {
  std::vector<std::string> hashes;
  std::vector<fs::path> stages;
  for (const auto& entry : fs::directory_iterator(run / "rollouts")) stages.push_back(entry.path());
  std::ranges::sort(stages);
  for (const fs::path& stage : stages) {
    StageLog log(stage);
    for (const std::uint64_t number : log.steps()) {
      const StageStep step = log.read(number);
      for (const Group& group : step.groups) hashes.push_back(group_sha256(group, step.temperature));
    }
  }
  return hashes;
}

}  // namespace

RunResult result_of(const fs::path& run, const std::string& last) {
  return {.metrics = metrics_without_times(run),
          .chain = read_text(run / "chain.jsonl"),
          .group_hashes = group_hashes(run),
          .lineage = read_text(run / "lineage.json"),
          .summary = summary_without_times(run),
          .weights = read_text(run / "checkpoints" / last / "model.safetensors")};
}

std::string difference(const RunResult& now, const RunResult& expected) {
  for (std::size_t i = 0; i < std::max(now.metrics.size(), expected.metrics.size()); ++i) {
    const std::string a = i < now.metrics.size() ? now.metrics[i] : "(none)";
    const std::string b = i < expected.metrics.size() ? expected.metrics[i] : "(none)";
    if (a != b) return "metrics row " + std::to_string(i) + ":\n" + a + "\n" + b;
  }
  if (now.chain != expected.chain) return "chain.jsonl:\n" + now.chain + "\n" + expected.chain;
  if (now.group_hashes != expected.group_hashes) return "rollout logs";
  if (now.lineage != expected.lineage) return "lineage.json:\n" + now.lineage + "\n" + expected.lineage;
  if (now.summary != expected.summary) return "summary.json:\n" + now.summary + "\n" + expected.summary;
  return now.weights == expected.weights ? "" : "weights";
}

}  // namespace reckon::testing
