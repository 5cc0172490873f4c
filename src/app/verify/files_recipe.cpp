// The recipe of a run and the data that it names.
#include <algorithm>

#include "app/data_source.h"
#include "app/recipe_diff.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecipeName = "recipe.toml";

/// The recipe that a rollout log carries.
struct LoggedRecipe {
  std::string file;
  std::string text;
};

/// Of the first segment whose recipe is the chain's. Logs that cannot be read are the concern of another
/// check.
std::optional<LoggedRecipe> logged_recipe(const RunFiles& run) {
  std::vector<fs::path> files;
  std::error_code ignored;
  fs::recursive_directory_iterator entries(run.folder / "rollouts", ignored);
  for (; !ignored && entries != fs::recursive_directory_iterator(); entries.increment(ignored)) {
    const std::string name = entries->path().filename().string();
    if (name.ends_with(".h5") || name.ends_with(".h5.part")) files.push_back(entries->path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    try {
      const std::string text = open_segment(file)->info().recipe_text;
      const std::string name = file.lexically_relative(run.folder).string();
      if (settings_sha256(text, name) == run.history.recipe_sha256()) return LoggedRecipe{name, text};
    } catch (const Error&) {
      continue;
    }
  }
  return {};
}

std::size_t first_line_that_differs(const std::string& a, const std::string& b) {
  const auto parted = std::ranges::mismatch(a, b).in1;
  return 1 + static_cast<std::size_t>(std::count(a.begin(), parted, '\n'));
}

/// What was edited, setting by setting, or that something was.
void name_edits(const std::string& text, const std::optional<LoggedRecipe>& logged, const std::string& found,
                const RunFiles& run, Check& check) {
  if (!logged) {
    check.fail("recipe.toml: its settings have the SHA-256 " + short_hash(found) + ", and the chain says " +
               short_hash(run.history.recipe_sha256()) + ". Was it edited? No rollout log carries the other");
    return;
  }
  for (const ChangedSetting& change : changed_settings(logged->text, logged->file, text, kRecipeName)) {
    check.fail("recipe.toml: " + change.key + " is " + (change.now.empty() ? "not there" : change.now) +
               ", and the run had " + (change.was.empty() ? "no such setting" : change.was) + " (" +
               logged->file + ")");
  }
}

/// Recipes that the run had before it was changed go by the beginning of their SHA-256.
void check_old_recipes(const RunFiles& run, Check& check) {
  for (const auto& entry : fs::directory_iterator(run.folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("recipe-") || !name.ends_with(".toml")) continue;
    check.attempt([&] {
      const std::string found = settings_sha256(read_file(entry.path()), name);
      if (name != "recipe-" + found.substr(0, 12) + ".toml")
        check.fail(name + ": its settings have the SHA-256 " + short_hash(found) + ". Was it edited?");
      if (run.history.whole && std::ranges::count(run.history.recipes, found) == 0)
        check.fail(name + ": is none of the recipes of the chain");
    });
  }
}

/// Stages stand in the chain as the recipe has them.
void check_stages(const RunFiles& run, Check& check) {
  const std::vector<std::size_t> order = run_order(*run.recipe);
  for (std::size_t i = 0; i < run.history.stages.size(); ++i) {
    const StageHistory& stage = run.history.stages[i];
    if (i >= order.size()) {
      check.fail("the chain has a stage " + in_quotes(stage.name) + ", and the recipe has no more");
      continue;
    }
    const StageConfig& config = run.recipe->stage[order[i]];
    const std::string where = "stage " + in_quotes(config.name) + ": ";
    if (stage.name != config.name)
      check.fail(where + "the chain has " + in_quotes(stage.name) + " in its place");
    else if (stage.kind != enum_name(config.kind) || stage.from != config.from)
      check.fail(where + "the chain has it as " + stage.kind + " from " + in_quotes(stage.from));
    else if (stage.makes_weights() && stage.ended && run.history.recipes.size() == 1 &&
             static_cast<std::int64_t>(stage.steps.size()) != config.steps)
      check.fail(where + "the chain has " + counted(stage.steps.size(), "step") + ", the recipe " +
                 std::to_string(config.steps));
  }
}

/// The data's SHA-256 now, or what stands for it; nothing where the file is not here.
std::optional<std::string> source_now(const TaskConfig& task) {
  if (!task.path.empty() && !fs::exists(task.path)) return {};
  return data_source(task);
}

}  // namespace

void check_recipe_file(RunFiles& run, VerifyReport& report) {
  Check check(report, kRecipeName);
  std::string text;
  std::optional<LoggedRecipe> logged;
  check.attempt([&] { text = read_file(run.folder / kRecipeName); });
  check.attempt([&] {
    logged = logged_recipe(run);
    const std::string found = settings_sha256(text, kRecipeName);
    const bool is_first = run.history.recipes.size() == 1;
    if (found != run.history.recipe_sha256()) {
      name_edits(text, logged, found, run, check);
      if (logged) text = logged->text;
    } else if (logged && is_first && logged->text != text) {
      check.fail("recipe.toml:" + std::to_string(first_line_that_differs(text, logged->text)) +
                 ": is not the text that " + logged->file + " carries; its settings are the same");
    }
  });
  if (check.failed() && logged) text = logged->text;
  // What the run was made of, for the checks to come.
  check.attempt([&] { run.recipe = parse_recipe(text, kRecipeName, {}); });
  if (run.recipe) {
    check_stages(run, check);
    if (run.recipe->run.name != run.history.run().text("run"))
      check.fail("the chain is of a run " + in_quotes(run.history.run().text("run")) + ", the recipe of " +
                 in_quotes(run.recipe->run.name));
  }
  check.attempt([&] { check_old_recipes(run, check); });
  check.finish("settings " + short_hash(run.history.recipe_sha256()) +
               (logged ? ", as the rollout logs have them" : ""));
}

void check_data(const RunFiles& run, VerifyReport& report) {
  if (!run.recipe) return;
  Check check(report, "data");
  const ChainEvent& event = run.history.run();
  for (const TaskConfig& task : run.recipe->task) {
    check.attempt([&] {
      const std::string was = current_fact(run.history.lines, "data." + task.name);
      const std::optional<std::string> now = source_now(task);
      if (!now) {
        check.note(task.path + ": is not here; the run had it with SHA-256 " + was);
      } else if (*now != was && !(was.empty() && run.history.recipes.size() > 1)) {
        check.fail((task.path.empty() ? "task " + in_quotes(task.name) : task.path) + ": is " +
                   (task.path.empty() ? *now : "a file with SHA-256 " + short_hash(*now)) +
                   ", and the run had " + (was.empty() ? "none" : short_hash(was)));
      }
    });
  }
  const fs::path tokenizer = fs::path(run.recipe->model.path) / "tokenizer.json";
  if (!run.recipe->model.path.empty()) {
    check.attempt([&] {
      if (!fs::exists(tokenizer)) {
        check.note(tokenizer.string() + ": is not here");
      } else if (sha256_of_file(tokenizer) != event.text("tokenizer_sha256")) {
        check.fail(tokenizer.string() + ": is not the tokenizer that the run had");
      }
    });
  }
  check.finish(counted(run.recipe->task.size(), "task"));
}

}  // namespace reckon
