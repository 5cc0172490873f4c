#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "enum_option.h"
#include "json_lines.h"
#include "recipe.h"
#include "reckon/base/error.h"
#include "reckon/grade/certifier.h"
#include "reckon/reward/reward.h"
#include "reckon/task/task.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// The beginning of a text, on one line.
std::string glimpse(const std::string& text) {
  constexpr std::size_t kLength = 80;
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() > kLength) line.resize(kLength - 3);
  return line.size() < text.size() ? line + "..." : line;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

void list_tasks() {
  constexpr std::size_t kKindWidth = 22;
  const auto row = [](const std::string& kind, const std::string& level, const std::string& distinct,
                      const std::string& example) {
    write_line(padded(kind, kKindWidth) + padded(level, 7) + padded(distinct, 20) + example);
  };
  row("kind", "level", "distinct problems", "example");
  for (const auto& entry : enum_names(TaskKind{})) {
    const std::string kind(entry.name);
    if (entry.value == TaskKind::jsonl) {
      row(kind, "1", "those of the file", "a file with a problem and its solution a line: --path");
      continue;
    }
    if (entry.value == TaskKind::command) {
      row(kind, "any", "those it makes", "a program of your own: --recipe, docs/own-task.md");
      continue;
    }
    const auto task = make_verifier(entry.value);
    for (const std::int64_t level : task->levels()) {
      const auto distinct = task->distinct_problems(level);
      row(kind, std::to_string(level), distinct ? std::to_string(*distinct) : "many",
          glimpse(task->problem(level, Split::train, 0, 0).prompt));
    }
  }
  flush_output();
}

/// Where a command's tasks come from: kinds by their names, or a recipe whose tasks are meant by theirs.
struct TaskOrigin {
  std::string recipe;
  std::vector<std::string> overrides;
  std::string form;  ///< of answers, for kinds; a recipe says it itself
};

void add_origin_options(CLI::App& command, TaskOrigin& origin) {
  command.add_option("--recipe", origin.recipe, "a recipe: tasks go by their names in it");
  command.add_option("--set", origin.overrides, "a setting of the recipe to change: path=value")
      ->type_name("path=value")
      ->allow_extra_args(false);
  command.add_option("--form", origin.form,
                     "where completions give their answers: tag (the default), boxed, hashes or phrase");
}

/// The [[task]] of a recipe. \throws Error listing the names where there is none.
const TaskConfig& task_named(const Recipe& recipe, const std::string& name, const std::string& what,
                             ExitCode code) {
  std::string names;
  for (const TaskConfig& task : recipe.task) {
    if (task.name == name) return task;
    names += (names.empty() ? "" : ", ") + task.name;
  }
  throw Error(code,
              what + " " + in_quotes(name) + " (need a task of " + recipe.document.file + ": " + names + ")");
}

AnswerConfig answer_config(const std::string& form) {
  AnswerConfig config;
  if (!form.empty()) config.form = parse_enum<AnswerForm>("task: --form", form, ExitCode::usage);
  return config;
}

/// \throws Error(usage) where something is given beside a recipe that the recipe says.
Recipe recipe_of(const TaskOrigin& origin) {
  if (!origin.form.empty()) {
    throw Error(ExitCode::usage, "task: --form beside --recipe (need one: the recipe says it in [answer])");
  }
  return load_recipe(origin.recipe, origin.overrides);
}

struct SampleOptions {
  TaskOrigin origin;
  std::string task;
  std::string path;
  std::string split = "train";
  std::int64_t level = 1;
  std::int64_t seed = 0;  // signed: CLI11 reads -1 into an unsigned number as 2^64 - 1
  std::int64_t count = 1;
};

std::unique_ptr<Task> task_to_sample(const SampleOptions& options) {
  if (!options.origin.recipe.empty()) {
    if (!options.path.empty())
      throw Error(ExitCode::usage,
                  "task sample: --path beside --recipe (need one: the recipe names its files)");
    const Recipe recipe = recipe_of(options.origin);
    return make_task(task_named(recipe, options.task, "task sample: --task", ExitCode::usage), recipe.answer);
  }
  TaskConfig config;
  config.name = options.task;
  config.kind = parse_enum<TaskKind>("task sample: --task", options.task, ExitCode::usage);
  config.path = options.path;
  config.levels = {options.level};
  if (config.kind == TaskKind::command) {
    throw Error(ExitCode::usage,
                "task sample: kind command is a program of your own (need --recipe FILE --task NAME)");
  }
  return make_task(config, answer_config(options.origin.form));
}

void sample_task(const SampleOptions& options) {
  const Split split = parse_enum<Split>("task sample: --split", options.split, ExitCode::usage);
  const auto task = task_to_sample(options);
  const auto seed = static_cast<std::uint64_t>(options.seed);
  for (std::uint64_t index = 0; index < static_cast<std::uint64_t>(options.count); ++index) {
    const Problem problem = task->problem(options.level, split, seed, index);
    const ordered_json line = {{"task", problem.task},
                               {"level", problem.level},
                               {"index", problem.index},
                               {"prompt", problem.prompt},
                               {"spec", json::parse(problem.spec)},
                               {"trace", problem.trace},
                               {"answer", problem.answer}};
    write_line(line.dump());
  }
  flush_output();
}

/// The tasks that grade, made when first asked for: by kind, or those of a recipe by name.
class Verifiers {
 public:
  explicit Verifiers(const TaskOrigin& origin) : answer_(answer_config(origin.form)) {
    if (origin.recipe.empty()) return;
    recipe_ = recipe_of(origin);
    answer_ = recipe_->answer;
  }

  const Task& of(const std::string& name, const std::string& where) {
    auto& task = tasks_[name];
    if (!task) task = make(name, where);
    return *task;
  }

 private:
  std::unique_ptr<Task> make(const std::string& name, const std::string& where) {
    const std::string what = where + ": task";
    if (recipe_) return make_task(task_named(*recipe_, name, what, ExitCode::bad_data), answer_);
    const auto kind = parse_enum<TaskKind>(what, name, ExitCode::bad_data);
    if (kind == TaskKind::command) {
      throw Error(ExitCode::bad_data,
                  what + " is of kind command (need its name in a recipe, and --recipe FILE)");
    }
    return make_verifier(kind, answer_);
  }

  AnswerConfig answer_;
  std::optional<Recipe> recipe_;
  std::map<std::string, std::unique_ptr<Task>> tasks_;
};

ordered_json score_line(Verifiers& verifiers, const json& line, const std::string& where) {
  const std::string& name = json_string(line, "task", where);
  const Task& task = verifiers.of(name, where);
  const std::string& completion = json_string(line, "completion", where);
  FinishReason finish = FinishReason::eos;
  if (line.contains("finish_reason")) {
    finish = parse_enum<FinishReason>(where + ": finish_reason", json_string(line, "finish_reason", where),
                                      ExitCode::bad_data);
  }
  const auto spec = line.find("spec");
  if (spec == line.end()) throw Error(ExitCode::bad_data, where + ": no \"spec\" (need the problem's spec)");
  const std::string spec_text = spec->is_string() ? spec->get<std::string>() : spec->dump();
  try {
    const Graded graded = graded_completion(task, spec_text, completion, finish);
    return {{"reward", graded.credit}, {"verdict", enum_name(verdict_of(graded.grade))}};
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

void score_completions(const std::string& path, const TaskOrigin& origin) {
  start_certifiers(1);
  Verifiers verifiers(origin);
  answer_json_lines(
      path, [&](const json& line, const std::string& where) { return score_line(verifiers, line, where); });
}

}  // namespace

void add_task_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("task", "Problems: list the kinds, draw some, grade completions");
  command->require_subcommand(1);
  command
      ->add_subcommand("list", "Kinds and levels, each with an example and its number of distinct problems")
      ->callback(list_tasks);

  CLI::App* sample = command->add_subcommand("sample", "Draw problems, one JSON object a line");
  auto options = std::make_shared<SampleOptions>();
  sample->add_option("--task", options->task, "a kind, see `reckon task list`; with --recipe a task's name")
      ->required();
  add_origin_options(*sample, options->origin);
  sample->add_option("--level", options->level, "level of difficulty; see `reckon task list`");
  sample->add_option("--seed", options->seed, "names the stream of problems")->check(CLI::NonNegativeNumber);
  sample->add_option("--count", options->count, "how many")->check(CLI::NonNegativeNumber);
  sample->add_option("--split", options->split, "train or held_out");
  sample->add_option("--path", options->path, "file of problems, for jsonl");
  sample->callback([options] { sample_task(*options); });

  CLI::App* score = command->add_subcommand(
      "score",
      "Grade {task, spec, completion} lines: {reward, verdict} lines in the same order. The reward is the "
      "accuracy term: 1 or 0, or what a program of your own pays. A line may have finish_reason, eos (as "
      "where it has none) or length");
  auto path = std::make_shared<std::string>();
  score->add_option("file", *path, "JSON lines; standard input where it is not given or -");
  auto origin = std::make_shared<TaskOrigin>();
  add_origin_options(*score, *origin);
  score->callback([path, origin] { score_completions(*path, *origin); });
}

}  // namespace reckon
