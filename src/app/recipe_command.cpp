#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "commands.h"
#include "recipe.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

struct RecipeArguments {
  std::string file;
  std::vector<std::string> overrides;
};

/// Output that nobody gets is an error: `reckon recipe docs > /dev/full` must not end with 0.
void print(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) throw Error(ExitCode::io, "standard output: cannot write");
}

std::string summary(const Recipe& recipe) {
  const std::size_t count = recipe.stage.size();
  std::string text =
      recipe.document.file + ": ok, " + std::to_string(count) + (count == 1 ? " stage: " : " stages: ");
  bool is_first = true;
  for (const std::size_t i : run_order(recipe)) {
    text += (is_first ? "" : " -> ") + recipe.stage[i].name;
    is_first = false;
  }
  return text + "\n";
}

}  // namespace

void add_recipe_arguments(CLI::App& command, std::string& file, std::vector<std::string>& overrides) {
  command.add_option("recipe", file, "recipe file (TOML)")->required();
  command
      .add_option("--set", overrides, "a setting to change: path=value, for example stage.rl-1.group_size=16")
      ->type_name("path=value")
      ->allow_extra_args(false);
}

void add_recipe_command(CLI::App& program) {
  CLI::App* recipe =
      program.add_subcommand("recipe", "check a recipe, show it resolved, print the reference");
  recipe->require_subcommand(1);
  const auto arguments = std::make_shared<RecipeArguments>();

  CLI::App* check = recipe->add_subcommand("check", "report everything that is wrong with a recipe");
  add_recipe_arguments(*check, arguments->file, arguments->overrides);
  check->callback([arguments] { print(summary(load_recipe(arguments->file, arguments->overrides))); });

  CLI::App* show = recipe->add_subcommand("show", "print every setting with where its value came from");
  add_recipe_arguments(*show, arguments->file, arguments->overrides);
  show->callback([arguments] { print(resolved_text(load_recipe(arguments->file, arguments->overrides))); });

  CLI::App* docs = recipe->add_subcommand("docs", "print the reference of all settings (markdown)");
  docs->callback([] { print(recipe_reference()); });
}

}  // namespace reckon
