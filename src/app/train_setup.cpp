#include "train_setup.h"

#include <ctime>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/base/sha256.h"
#include "reckon/reward/reward.h"
#include "run_folder.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;
/// Raised whenever grading changes what it pays.
constexpr const char* kGraderVersion = "1";

void check_machine() {
  const bool fits = std::string(RECKON_ISA) == "x86-64-v4"
                        ? __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0
                        : __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (!fits) {
    throw Error(ExitCode::environment,
                std::string("this machine has not the instructions of ") + RECKON_ISA +
                    ", for which reckon was built. Build it here, or with -DRECKON_ISA=x86-64-v3.");
  }
}

void make_tasks(TrainRun& run) {
  for (const TaskConfig& config : run.recipe.task) {
    RecipeTask task{config, make_task(config)};
    check_grader(*task.task, config.levels);
    run.tasks.push_back(std::move(task));
  }
}

void make_initial_model(TrainRun& run) {
  const ModelInitConfig& model = run.recipe.model;
  if (!model.path.empty()) {
    const fs::path file = fs::path(model.path) / "tokenizer.json";
    run.tokenizer = Tokenizer::from_json(read_file(file, kMaxTokenizerBytes), file.string());
    run.initial = load_pretrained(model.path);
    return;
  }
  std::string alphabet;
  for (const RecipeTask& task : run.tasks) alphabet += task.task->alphabet();
  run.tokenizer = Tokenizer::character_level(alphabet);
  run.initial = std::make_unique<Decoder>(
      decoder_config_from(model, static_cast<std::int64_t>(run.tokenizer.vocab_size()),
                          static_cast<std::int64_t>(run.tokenizer.eos_id())));
  run.initial->initialise(run.seed(), model.initializer_range);
}

/// The evaluations must be possible before hours of training, not after.
void check_evaluations(const TrainRun& run) {
  for (const StageConfig& stage : run.recipe.stage) {
    if (stage.kind != StageKind::eval) continue;
    for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
      (void)held_out_set(*task->task, task->eval_level(), static_cast<std::size_t>(stage.eval.eval_prompts));
    }
  }
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

void set_up(TrainRun& run, const std::string& recipe_file, const std::vector<std::string>& overrides,
            const std::string& out) {
  check_machine();
  run.recipe = load_recipe(recipe_file, overrides);
  make_tasks(run);
  make_initial_model(run);
  check_evaluations(run);
  const std::string resolved = resolved_text(run.recipe);
  run.run_id = run.recipe.run.name + "-" + sha256_hex(resolved).substr(0, 12);
  run.summary.run = run.recipe.run.name;
  run.folder = out.empty() ? fs::path("runs") / run.recipe.run.name : fs::path(out);
  if (!run.is_root()) return;
  prepare_run_folder(run.folder);
  write_file_atomic(run.folder / "recipe.toml", resolved);
  run.metrics = std::make_unique<MetricsStream>(run.folder / "metrics.jsonl");
  run.display.line("reckon: run \"" + run.recipe.run.name + "\", seed " +
                   std::to_string(run.recipe.run.seed) + ", " + std::to_string(run.world.size()) +
                   (run.world.size() == 1 ? " rank, " : " ranks, ") +
                   short_count(static_cast<double>(run.initial->parameters().size())) +
                   " parameters, vocabulary " + std::to_string(run.tokenizer.vocab_size()));
}

RolloutLogInfo rollout_log_info(const TrainRun& run, const StageConfig& stage) {
  RolloutLogInfo info;
  info.run_id = run.run_id;
  info.stage = stage.name;
  info.rank = static_cast<std::uint64_t>(run.world.rank());
  info.world_size = static_cast<std::uint64_t>(run.world.size());
  info.recipe_text = resolved_text(run.recipe);
  info.tokenizer_sha256 = run.tokenizer.sha256();
  info.grader_version = kGraderVersion;
  info.created = utc_now();
  return info;
}

RolloutPlan rollout_plan(const TrainRun& run, const StageConfig& stage, std::int64_t policy_version) {
  RolloutPlan plan;
  plan.seed = run.seed();
  plan.stage = stage.name;
  plan.group_size = stage.grpo.group_size;
  plan.policy_version = static_cast<std::uint64_t>(policy_version);
  plan.options = {.max_new_tokens = stage.sampling.max_new_tokens,
                  .temperature = stage.sampling.temperature,
                  .max_batch = stage.sampling.max_batch};
  return plan;
}

}  // namespace reckon
