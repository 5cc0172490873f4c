#include "setup.h"

#include <ctime>

#include "app/engine.h"
#include "app/machine.h"
#include "app/recipe_diff.h"
#include "app/vocabulary.h"
#include "memory_check.h"
#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/eval/evaluate.h"
#include "reckon/grade/answer_form.h"
#include "reckon/reward/self_test.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Raised whenever grading changes what it pays.
constexpr const char* kGraderVersion = "2";

void make_tasks(TrainRun& run) {
  for (const TaskConfig& config : run.recipe.task) {
    RecipeTask task{config, make_task(config, run.recipe.answer)};
    check_grader(*task.task, config.levels);
    run.tasks.push_back(std::move(task));
  }
}

/// What training asks of a tokenizer beyond that: every id that can be sampled has text, and there is one to
/// end an example with.
void check_tokenizer(const Tokenizer& tokenizer, const std::string& folder) {
  const auto fail = [&](const std::string& what) { throw Error(ExitCode::bad_data, folder + ": " + what); };
  for (std::uint32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_token(id)) continue;
    fail("no token has id " + std::to_string(id) +
         ", and there are higher ones (need ids without a gap, or the policy could sample one without text)");
  }
  if (!tokenizer.has_eos())
    fail("tokenizer_config.json names no eos_token (need one: SFT examples end by it)");
}

void make_initial_model(TrainRun& run) {
  const ModelInitConfig& model = run.recipe.model;
  if (!model.path.empty()) {
    run.prompts =
        PromptFormat(load_text_folder(model.path), run.recipe.prompt, answer_sentence(run.recipe.answer));
    run.model_files = read_model_files(model.path);
    check_memory(run, load_decoder_config(model.path));
    auto decoder = load_pretrained(model.path, host_precision(model));
    check_tokenizer(run.tokenizer(), model.path);
    fit_vocabulary(run.tokenizer(), model.path, *decoder);
    run.model = decoder->config();
    run.weights["model"] = std::move(decoder);
    return;
  }
  std::string alphabet = answer_characters(run.recipe.answer);
  for (const RecipeTask& task : run.tasks) alphabet += task.task->alphabet();
  const Tokenizer tokenizer = Tokenizer::character_level(alphabet);
  run.prompts = PromptFormat({.tokenizer = tokenizer, .eos_token = std::string(kEosToken)}, run.recipe.prompt,
                             answer_sentence(run.recipe.answer));
  run.model_files = {{"tokenizer.json", tokenizer.to_json()},
                     {"tokenizer_config.json", tokenizer.tokenizer_config_json()}};
  const DecoderConfig config = decoder_config_from(model, static_cast<std::int64_t>(tokenizer.vocab_size()),
                                                   static_cast<std::int64_t>(tokenizer.eos_id()));
  check_memory(run, config);
  auto decoder = std::make_unique<Decoder>(config, host_precision(model));
  decoder->initialise(run.seed(), model.initializer_range);
  run.model = decoder->config();
  run.weights["model"] = std::move(decoder);
}

/// Every stage must have its problems: known before hours of training, not after.
void check_problems(const TrainRun& run) {
  for (const StageConfig& stage : run.recipe.stage) {
    for (const RecipeTask* task : run.tasks_named(stage.tasks)) {
      if (stage.kind == StageKind::eval || task->task->has_problems(Split::train)) continue;
      throw Error(ExitCode::usage, "stage \"" + stage.name + "\": task \"" + task->config.name +
                                       "\" has no training problem (its split is " +
                                       std::string(enum_name(task->config.split)) +
                                       "; name the stage's tasks by \"tasks\")");
    }
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

void set_up(TrainRun& run, const TrainArguments& arguments) {
  check_machine();
  std::error_code ignored;
  const bool names_folder = fs::is_directory(arguments.file, ignored);
  if (names_folder && !arguments.resume) {
    throw Error(ExitCode::usage,
                arguments.file + ": is a folder (need a recipe, or --resume to go on with the run in it)");
  }
  if (names_folder && !arguments.out.empty()) {
    throw Error(ExitCode::usage,
                "--out " + arguments.out + ": " + arguments.file + " is the run's folder already (need one)");
  }
  run.recipe =
      load_recipe(names_folder ? (fs::path(arguments.file) / "recipe.toml").string() : arguments.file,
                  arguments.overrides);
  check_device(run.recipe.model);
  make_tasks(run);
  make_initial_model(run);
  run.model_sha256 = run.weights.at("model")->sha256();
  check_problems(run);
  run.recipe_text = resolved_text(run.recipe);
  run.recipe_sha256 = settings_sha256(run.recipe_text, arguments.file);
  run.run_id = run.recipe.run.name + "-" + run.recipe_sha256.substr(0, 12);
  run.summary.run = run.recipe.run.name;
  const DeviceNumerics numerics = device_numerics(run.recipe.model);
  run.fingerprint = numerics.fingerprint;
  run.folder = arguments.out.empty() ? fs::path("runs") / run.recipe.run.name : fs::path(arguments.out);
  if (names_folder) run.folder = arguments.file;
  run.display.line("reckon: run \"" + run.recipe.run.name + "\", seed " +
                   std::to_string(run.recipe.run.seed) + ", " + std::to_string(run.world.size()) +
                   (run.world.size() == 1 ? " rank, " : " ranks, ") +
                   short_count(static_cast<double>(run.weights.at("model")->parameters().size())) +
                   " parameters, vocabulary " + std::to_string(run.tokenizer().vocab_size()));
  run.display.line("numerics: " + numerics.text + ", fingerprint " + run.fingerprint.substr(0, 12));
  if (!run.memory_text.empty()) run.display.line(run.memory_text);
}

DrawnPrompt draw_prompt(TrainRun& run, const std::vector<const RecipeTask*>& tasks, ProblemStream& stream,
                        std::int64_t new_tokens, std::int64_t& too_long) {
  constexpr int kMostInARow = 1000;
  const std::int64_t room = run.model.max_position_embeddings - new_tokens;
  for (int i = 0; i < kMostInARow; ++i) {
    DrawnPrompt drawn;
    drawn.problem = stream.next(tasks);
    drawn.prompt = prompt_of(drawn.problem.problem, run.prompts);
    if (static_cast<std::int64_t>(drawn.prompt.token_ids.size()) <= room) return drawn;
    ++too_long;
  }
  throw Error(ExitCode::usage, std::to_string(kMostInARow) + " prompts in a row are longer than " +
                                   std::to_string(room) + " tokens: max_position_embeddings " +
                                   std::to_string(run.model.max_position_embeddings) +
                                   " less max_new_tokens " + std::to_string(new_tokens));
}

RolloutLogInfo rollout_log_info(const TrainRun& run, const StageConfig& stage) {
  RolloutLogInfo info;
  info.run_id = run.run_id;
  info.stage = stage.name;
  info.rank = static_cast<std::uint64_t>(run.team->rank());
  info.world_size = static_cast<std::uint64_t>(run.team->size());
  info.recipe_text = run.recipe_text;
  info.tokenizer_sha256 = run.tokenizer().sha256();
  info.grader_version = kGraderVersion;
  info.fingerprint = run.fingerprint;
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
                  .max_batch = stage.sampling.max_batch,
                  .kv_budget_mib = stage.sampling.kv_budget_mib};
  plan.stop = stage.sampling.stop;
  return plan;
}

}  // namespace reckon
