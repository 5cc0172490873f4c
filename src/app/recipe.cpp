#include "recipe.h"

#include <algorithm>
#include <unordered_set>

#include "reckon/recipe/problems.h"
#include "reckon/recipe/reader.h"
#include "reckon/recipe/writer.h"

namespace reckon {
namespace {

/// Visitor: the keys of a table.
struct KeyCollector {
  std::vector<std::string> keys;
  template <class T>
  void operator()(std::string_view key, T&, const Bounds&, std::string_view) {
    keys.emplace_back(key);
  }
};

bool kind_has(StageKind kind, std::string_view key) {
  StageConfig stage;
  stage.kind = kind;
  KeyCollector collector;
  describe(collector, stage);
  return std::find(collector.keys.begin(), collector.keys.end(), key) != collector.keys.end();
}

Recipe checked(TomlDocument document, const std::vector<std::string>& overrides, RecipeProblems& problems) {
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    apply_override(document, overrides[i], static_cast<std::uint32_t>(i + 1), problems);
  }
  auto recipe = read_document<Recipe>(document, problems);
  recipe.document = std::move(document);
  check_recipe(recipe, problems);
  problems.throw_if_any();
  return recipe;
}

}  // namespace

std::string explain_unknown_key(const StageConfig& stage, std::string_view key) {
  if (key == "tis_cap" && stage.kind == StageKind::grpo) {
    return "unknown key " + in_quotes("stage." + stage.name + ".tis_cap") +
           ". Write off_policy = \"tis\" and off_policy_cap; neither where it was 0.";
  }
  std::vector<std::string> owners;
  for (const auto& [kind, name] : enum_names(StageKind{})) {
    if (kind_has(kind, key)) owners.emplace_back(name);
  }
  if (owners.empty()) return {};
  return "stage " + in_quotes(stage.name) + " is of kind " + std::string(enum_name(stage.kind)) + "; " +
         in_quotes(key) + " belongs to kind" + (owners.size() > 1 ? "s " : " ") + joined(owners, " and ");
}

Recipe load_recipe(const std::string& file, const std::vector<std::string>& overrides) {
  RecipeProblems problems(file);
  return checked(read_toml(file, problems), overrides, problems);
}

Recipe parse_recipe(std::string_view text, const std::string& file,
                    const std::vector<std::string>& overrides) {
  RecipeProblems problems(file);
  return checked(parse_toml(text, file, problems), overrides, problems);
}

std::vector<std::size_t> run_order(const Recipe& recipe) {
  std::vector<std::size_t> order;
  std::vector<bool> is_placed(recipe.stage.size());
  std::unordered_set<std::string> ready = {"model"};
  while (order.size() < recipe.stage.size()) {
    // The first declared stage that can run, anew each time: stages keep their order where the graph allows
    // it.
    std::size_t i = 0;
    while (i < recipe.stage.size() && (is_placed[i] || !ready.contains(recipe.stage[i].from))) ++i;
    if (i == recipe.stage.size()) break;  // a cycle: check_recipe() has reported it
    is_placed[i] = true;
    order.push_back(i);
    ready.insert(recipe.stage[i].name);
  }
  return order;
}

std::string resolved_text(const Recipe& recipe) {
  return "# Every setting of the recipe, with where its value came from.\n" +
         resolved_toml(recipe, recipe.document);
}

std::string recipe_reference() {
  std::string text =
      "# Recipe reference\n\n"
      "Made by `reckon recipe docs` from the declarations of the settings. A setting is changed from the "
      "command line "
      "by `--set`: `--set run.seed=3`, `--set stage.rl-1.group_size=16`, `--set task.chains.levels=[1,2]`.\n";
  text += "\n## [run]\n\n" + reference_table(RunConfig{});
  text += "\n## [model]\n\n" + reference_table(ModelInitConfig{});
  text += "\n## [prompt]\n\n" + reference_table(PromptConfig{});
  text += "\n## [answer]\n\n" + reference_table(AnswerConfig{});
  text += "\n## [cluster]\n\n" + reference_table(ClusterConfig{});
  text += "\n## [checkpoint]\n\n" + reference_table(CheckpointConfig{});
  text += "\n## [guard]\n\n" + reference_table(GuardConfig{});
  text += "\n## [[task]]\n\n" + reference_table(TaskConfig{});
  for (const auto& [kind, name] : enum_names(StageKind{})) {
    StageConfig stage;
    stage.kind = kind;
    text += "\n## [[stage]], kind = " + in_quotes(name) + "\n\n" + reference_table(stage);
  }
  return text;
}

}  // namespace reckon
