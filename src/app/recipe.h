#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/dist/config.h"
#include "reckon/grade/config.h"
#include "reckon/learn/guard_config.h"
#include "reckon/model/config.h"
#include "reckon/recipe/document.h"
#include "reckon/task/config.h"
#include "reckon/text/config.h"
#include "stage_config.h"

namespace CLI {
class App;
}

namespace reckon {

/// The [run] table.
struct RunConfig {
  std::string name;
  std::int64_t seed = 1;
};

template <class Visitor>
void describe(Visitor& visit, RunConfig& c) {
  visit("name", c.name, required(), "name of the run; it writes to runs/NAME unless --out says otherwise");
  visit("seed", c.seed, at_least(0), "of weights, data and sampling; held-out problems do not depend on it");
}

/// A recipe: everything a run is made of. Only the app knows it whole; modules take their own structs.
struct Recipe {
  RunConfig run;
  ModelInitConfig model;
  PromptConfig prompt;
  AnswerConfig answer;
  ClusterConfig cluster;
  CheckpointConfig checkpoint;
  GuardConfig guard;
  std::vector<TaskConfig> task;
  std::vector<StageConfig> stage;  ///< as declared; see run_order()
  TomlDocument document;           ///< what was read: the origin of each value
};

template <class Visitor>
void describe(Visitor& visit, Recipe& c) {
  visit("run", c.run, required(), "the run");
  visit("model", c.model, any(), "the initial model");
  visit("prompt", c.prompt, any(), "how a problem becomes a prompt");
  visit("answer", c.answer, any(), "where a completion gives its answer, and how the prompt asks for it");
  visit("cluster", c.cluster, any(), "what the ranks of the job do");
  visit("checkpoint", c.checkpoint, any(), "how checkpoints are written");
  visit("guard", c.guard, any(), "what training stages watch");
  visit("task", c.task, any(), "tasks");
  visit("stage", c.stage, any(), "stages");
}

/// Reads a recipe, applies overrides (`stage.rl-1.group_size=16`, in order), and checks it.
/// \throws Error(missing_input) where there is no such file; Error(usage) with everything that is wrong, one
/// line each.
[[nodiscard]] Recipe load_recipe(const std::string& file, const std::vector<std::string>& overrides);
/// The same for text; `file` only names it in messages.
[[nodiscard]] Recipe parse_recipe(std::string_view text, const std::string& file,
                                  const std::vector<std::string>& overrides);

/// Checks what goes beyond single settings: names, the graph of stages, tasks, divisibility.
void check_recipe(const Recipe& recipe, RecipeProblems& problems);

/// Positions in recipe.stage in the order in which they run: each after the stage it starts from, else as
/// declared. Needs a checked recipe.
[[nodiscard]] std::vector<std::size_t> run_order(const Recipe& recipe);

/// The recipe with every setting and the origin of each. It is a recipe itself, of the same values.
[[nodiscard]] std::string resolved_text(const Recipe& recipe);

/// The reference of all settings, in markdown.
[[nodiscard]] std::string recipe_reference();

/// Adds the arguments of a command that takes a recipe: FILE and any number of `--set path=value`.
void add_recipe_arguments(CLI::App& command, std::string& file, std::vector<std::string>& overrides);

}  // namespace reckon
