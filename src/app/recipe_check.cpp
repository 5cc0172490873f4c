#include <algorithm>
#include <cctype>
#include <iterator>
#include <unordered_map>

#include "guard_check.h"
#include "recipe.h"
#include "recipe_table.h"
#include "reckon/grade/answer_form.h"
#include "reckon/recipe/writer.h"
#include "reckon/reward/terms.h"

namespace reckon {
namespace {

void check_name(const Table& table, const std::string& name) {
  const auto is_plain = [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; };
  const bool is_good = !name.empty() && name.size() <= 100 && is_plain(static_cast<unsigned char>(name[0])) &&
                       std::all_of(name.begin(), name.end(), [&](char c) {
                         return is_plain(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
                       });
  if (is_good || !table.has("name")) return;
  table.report_value("name", name,
                     " (need 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit: it names files)");
}

/// Names of tasks or stages: well formed and unique. `word` is "task" or "stage".
template <class Config>
std::vector<std::string> check_names(const std::vector<Config>& configs, const std::vector<Table>& tables,
                                     const std::string& word) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const std::string& name = configs[i].name;
    check_name(tables[i], name);
    const auto twin = std::find(names.begin(), names.end(), name);
    if (twin != names.end() && !name.empty()) {
      const TomlPlace first = tables[static_cast<std::size_t>(twin - names.begin())].place("name");
      const std::string where =
          first.override_path.empty() ? "line " + std::to_string(first.line) : "--set " + first.override_path;
      tables[i].report("name",
                       word + " name " + in_quotes(name) + " is taken by " + where + " (need unique names)");
    }
    names.push_back(name);
  }
  return names;
}

/// `total` must be a multiple of `parts`: reports the arithmetic and the nearest totals that are.
void check_multiple(const Table& table, std::string_view total_key, std::int64_t total,
                    std::string_view parts_key, std::int64_t parts) {
  if (total % parts == 0 || !table.is_good(parts_key)) return;
  const std::int64_t quotient = total / parts;
  std::string nearest = std::to_string((quotient + 1) * parts);
  if (quotient > 0) nearest = std::to_string(quotient * parts) + " or " + nearest;
  // Where the divisor was said over what stood before, it is the one to look at.
  const std::string_view key =
      table.authority(parts_key) > table.authority(total_key) ? parts_key : total_key;
  table.report(key, table.path(total_key) + " is " + std::to_string(total) + ", and " +
                        std::to_string(total) + " = " + std::to_string(parts) + " * " +
                        std::to_string(quotient) + " + " + std::to_string(total % parts) +
                        " (need a multiple of " + std::string(parts_key) + " = " + std::to_string(parts) +
                        "). Nearest: " + nearest + ".");
}

/// Visitor: each key with its value as text.
struct ValueCollector {
  std::vector<std::pair<std::string, std::string>> values;
  template <class T>
  void operator()(std::string_view key, T& member, const Bounds&, std::string_view) {
    values.emplace_back(key, toml_text(member));
  }
};

/// Whether a setting of [model] is what a folder says of itself.
bool is_of_shape(std::string_view key) {
  constexpr std::string_view kOthers[] = {"path", "init", "device", "numerics", "compute_dtype", "kv_dtype"};
  return std::find(std::begin(kOthers), std::end(kOthers), key) == std::end(kOthers);
}

/// A GPU multiplies bfloat16 alone, and keeps keys and values so.
void check_precision_of_cuda(const Table& table, const ModelInitConfig& model) {
  if (model.device != Device::cuda) return;
  if (model.compute_dtype != ComputeDtype::bfloat16) {
    table.report_value("compute_dtype", model.compute_dtype, " (need \"bfloat16\": device is \"cuda\")");
  }
  if (model.kv_dtype == KvDtype::float32) {
    table.report_value("kv_dtype", model.kv_dtype, " (need \"auto\" or \"bfloat16\": device is \"cuda\")");
  }
}

void check_model(const Table& table, ModelInitConfig model) {
  check_precision_of_cuda(table, model);
  if (model.device == Device::cpu && model.numerics == Numerics::fast) {
    table.report_value("numerics", model.numerics,
                       " (need \"exact\": device is \"cpu\", which has no other)");
  }
  if (!model.path.empty()) {
    // Defaults are let pass: a resolved recipe spells them out.
    ModelInitConfig defaults;
    ValueCollector given;
    ValueCollector fallback;
    describe(given, model);
    describe(fallback, defaults);
    for (std::size_t i = 0; i < given.values.size(); ++i) {
      const auto& [key, value] = given.values[i];
      if (!is_of_shape(key) || value == fallback.values[i].second) continue;
      table.report(key, table.path(key) + " is " + value + ", and the shape comes from the folder " +
                            in_quotes(model.path) + " (need one of the two)");
    }
    return;
  }
  check_multiple(table, "num_attention_heads", model.num_attention_heads, "num_key_value_heads",
                 model.num_key_value_heads);
  if (model.head_dim % 2 != 0) {
    table.report_value("head_dim", model.head_dim,
                       " (need an even number: rotary positions turn pairs). Nearest: " +
                           std::to_string(model.head_dim - 1) + " or " + std::to_string(model.head_dim + 1) +
                           ".");
  }
}

/// The command of a program; one that is missing from its table has been reported by the reader.
void check_command(const Table& program, const std::vector<std::string>& command) {
  if (program.has("command") && (command.empty() || command[0].empty()))
    program.report_value("command", command, " (need a program and its arguments)");
}

/// The programs that tasks run: each kind has the one it needs, and no other.
void check_programs(const Table& table, const TaskConfig& task) {
  const bool needs_source = task.kind == TaskKind::command;
  const std::string need_none =
      " names a program (need none: the task is of kind " + std::string(enum_name(task.kind)) + ")";
  if (needs_source && !table.has("source")) {
    table.report("source", "missing key " + table.path("source") +
                               " (need { command = [\"PROGRAM\", ...] }: the task is of kind command)");
  }
  if (needs_source) check_command(table.inner("source"), task.source.command);
  if (!needs_source && task.source != SourceConfig{})
    table.report("source", table.path("source") + need_none);
  if (task.kind == TaskKind::jsonl) check_command(table.inner("grader"), task.grader.command);
  if (task.kind != TaskKind::jsonl && task.grader != ProgramConfig{})
    table.report("grader", table.path("grader") + need_none);
}

void check_task(const Table& table, const TaskConfig& task) {
  if (task.levels.empty()) table.report_value("levels", task.levels, " (need at least one level)");
  if (!table.has("kind") || !table.is_good("kind")) return;
  check_programs(table, task);
  const bool is_file = task.kind == TaskKind::jsonl;
  if (is_file && task.path.empty()) {
    table.report("path", "missing key " + table.path("path") +
                             " (need a file of problems: the task is of kind jsonl)");
  }
  if (!is_file && !task.path.empty()) {
    table.report_value("path", task.path,
                       " (need no path: the task is of kind " + std::string(enum_name(task.kind)) + ")");
  }
  if (!is_file && task.split != FileSplit::hash) {
    table.report_value("split", task.split,
                       " (need \"hash\": the task is of kind " + std::string(enum_name(task.kind)) +
                           ", whose problems are split by their hash)");
  }
}

void check_task_names(const Table& table, const std::vector<std::string>& tasks,
                      const std::vector<std::string>& known) {
  for (const std::string& task : tasks) {
    if (std::find(known.begin(), known.end(), task) != known.end()) continue;
    const std::string hint = did_you_mean(task, known);
    table.report("tasks", table.path("tasks") + " names " + in_quotes(task) +
                              ", which is no task of this recipe" +
                              (known.empty() ? "" : " (need one of " + joined(known) + ")") +
                              (hint.empty() ? "" : "." + hint));
  }
}

void check_mix_schedule(const Table& table, const SftConfig& sft, const std::vector<std::string>& tasks) {
  const auto& phases = sft.mix_schedule;
  if (phases.empty())
    table.report("mix_schedule", table.path("mix_schedule") + " is [] (need at least one phase)");
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const Table phase = table.element("mix_schedule", i);
    check_task_names(phase, phases[i].tasks, tasks);
    if (i > 0 && phases[i].until <= phases[i - 1].until) {
      phase.report_value(
          "until", phases[i].until,
          " after " + toml_text(phases[i - 1].until) + " (need phases in ascending order of until)");
    } else if (i + 1 == phases.size() && phases[i].until != 1.0) {
      phase.report_value("until", phases[i].until,
                         " (need 1.0: the last phase goes to the end of the stage)");
    }
  }
}

void check_answer(const Table& table, const AnswerConfig& answer) {
  const std::string sentence = answer_sentence(answer);
  if (sentence.empty() || shows_mark(answer.form, sentence) || !table.is_good("form")) return;
  table.report_value("sentence", answer.sentence,
                     ", which does not show " + in_quotes(answer_mark(answer.form)) +
                         " (need \"off\", \"on\" or a sentence with it: answer.form is " +
                         toml_text(answer.form) + ", and nothing else is read)");
}

/// Visitor: the sum of the weights, which are at least 0.
struct WeightSum {
  double sum = 0;
  void operator()(std::string_view, double& weight, const Bounds&, std::string_view) { sum += weight; }
};

void check_reward(const Table& stage_table, RewardConfig reward, const Recipe& recipe,
                  std::int64_t max_new_tokens) {
  const Table table = stage_table.inner("reward");
  WeightSum weights;
  describe_weights(weights, reward);
  if (weights.sum == 0) {
    stage_table.report("reward",
                       stage_table.path("reward") + " pays nothing: every weight is 0 (need one above 0)");
  }
  if (reward.clip_low >= reward.clip_high) {
    table.report_value("clip_low", reward.clip_low,
                       " (need less than clip_high = " + toml_text(reward.clip_high) + ")");
  }
  if ((reward.length_exact > 0 || reward.length_max > 0) && reward.target_tokens == 0) {
    table.report("target_tokens", table.path("target_tokens") +
                                      " is 0 (need the length that length_exact and length_max aim at)");
  }
  const RewardConfig filled = with_lengths(reward, max_new_tokens);
  if (filled.overlong_cache > filled.overlong_tokens) {
    table.report_value("overlong_cache", reward.overlong_cache,
                       " (need at most overlong_tokens = " + std::to_string(filled.overlong_tokens) + ")");
  }
  for (const auto& [key, weight] :
       {std::pair{"format_strict", reward.format_strict}, std::pair{"format_soft", reward.format_soft}}) {
    if (weight == 0 || recipe.answer.form == AnswerForm::tag) continue;
    table.report_value(key, weight,
                       ", and it pays <answer> tags, which answer.form = " + toml_text(recipe.answer.form) +
                           " does not read (need 0, or \"tag\")");
  }
}

/// A sampler whose log-probs are not the learner's bits needs a correction, and no run can ask for equality.
/// With exact numerics only what older weights sampled differs, which exactness does not compare.
void check_off_policy(const Table& table, const GrpoConfig& grpo, Numerics numerics) {
  const LossConfig& loss = grpo.loss;
  if (numerics == Numerics::fast && loss.off_policy == OffPolicy::none) {
    table.report_value("off_policy", loss.off_policy,
                       " (need \"tis\" or \"sequence_mask\": model.numerics is \"fast\", and the sampler's "
                       "log-probabilities are not quite the learner's)");
  }
  if (numerics == Numerics::fast && grpo.exactness != Exactness::report) {
    table.report_value(
        "exactness", grpo.exactness,
        " (need \"report\": model.numerics is \"fast\", and the sampler's log-probabilities are "
        "not quite the learner's)");
  }
  if (loss.off_policy == OffPolicy::none && table.is_good("off_policy") &&
      loss.off_policy_cap != LossConfig{}.off_policy_cap) {
    table.report_value("off_policy_cap", loss.off_policy_cap,
                       ", and off_policy is \"none\", which has no bound (need \"tis\" or "
                       "\"sequence_mask\", or no off_policy_cap)");
  }
  if (loss.off_policy == OffPolicy::sequence_mask && loss.off_policy_cap == 1) {
    table.report_value(
        "off_policy_cap", loss.off_policy_cap,
        " (need more than 1: off_policy is \"sequence_mask\", which leaves out every completion "
        "whose probability has changed at all)");
  }
}

/// What asynchrony needs of the rest.
void check_schedule(const Table& table, const ScheduleConfig& schedule, const Recipe& recipe) {
  const bool in_order = schedule.admission == Admission::in_order;
  if (!in_order && recipe.cluster.mode != ClusterMode::split) {
    table.report_value(
        "admission", schedule.admission,
        " (need \"in_order\", or cluster.mode = \"split\": where all ranks sample and learn in "
        "turns, none is complete before the others)");
  }
  if (in_order && schedule.weight_switch == WeightSwitch::in_flight) {
    table.report_value(
        "weight_switch", schedule.weight_switch,
        " (need \"after_group\", or admission = \"as_completed\": in order, a step is sampled by "
        "one set of weights)");
  }
  if (in_order && schedule.over_issue > 0) {
    table.report_value("over_issue", schedule.over_issue,
                       " (need 0, or admission = \"as_completed\": in order, every prompt is trained on)");
  }
  if (schedule.weight_switch == WeightSwitch::in_flight && schedule.max_staleness == 0) {
    table.report_value(
        "max_staleness", schedule.max_staleness,
        " (need at least 1: weight_switch is \"in_flight\", and what older weights began would "
        "be dropped)");
  }
  const bool rolls_back = recipe.guard.spike_factor > 0 && recipe.guard.spike_action == SpikeAction::rollback;
  if (schedule.max_staleness > 0 && rolls_back) {
    table.report_value("max_staleness", schedule.max_staleness,
                       " (need 0: guard.spike_action is \"rollback\", and completions of weights that were "
                       "taken back would be trained on)");
  }
}

void check_stage(const Table& table, const StageConfig& stage, const Recipe& recipe,
                 const std::vector<std::string>& tasks) {
  check_task_names(table, stage.tasks, tasks);
  if (stage.kind == StageKind::sft) check_mix_schedule(table, stage.sft, tasks);
  if (stage.kind == StageKind::grpo) {
    check_multiple(table, "prompts_per_step", stage.grpo.prompts_per_step, "updates_per_step",
                   stage.grpo.updates_per_step);
    check_off_policy(table, stage.grpo, recipe.model.numerics);
    check_schedule(table, stage.schedule, recipe);
    check_reward(table, stage.reward, recipe, stage.sampling.max_new_tokens);
  }
  const std::int64_t longest = recipe.model.max_position_embeddings;
  const bool samples = stage.kind == StageKind::grpo || stage.kind == StageKind::eval;
  if (samples && recipe.model.path.empty() && stage.sampling.max_new_tokens >= longest) {
    table.report_value("max_new_tokens", stage.sampling.max_new_tokens,
                       " (need less than model.max_position_embeddings = " + std::to_string(longest) +
                           ", to leave room for the prompt)");
  }
}

/// The graph of stages: each `from` names "model" or a stage that makes weights, and leads back to "model".
class StageGraph {
 public:
  StageGraph(const std::vector<StageConfig>& stages, const std::vector<Table>& tables,
             std::vector<std::string> names)
      : stages_(stages), tables_(tables), names_(std::move(names)) {
    for (std::size_t i = 0; i < names_.size(); ++i) position_.emplace(names_[i], i);
  }

  void check() const {
    for (std::size_t i = 0; i < stages_.size(); ++i) check_from(i);
    std::vector<bool> is_done(stages_.size());
    for (std::size_t i = 0; i < stages_.size(); ++i) report_cycle_from(i, is_done);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] std::size_t parent(std::size_t i) const {
    const auto it = position_.find(stages_[i].from);
    return stages_[i].from == "model" || it == position_.end() ? kNone : it->second;
  }

  void check_from(std::size_t i) const {
    const StageConfig& stage = stages_[i];
    if (stage.name == "model") {
      tables_[i].report("name",
                        R"(stage name "model" is reserved for the initial weights (need another name))");
    }
    if (stage.from == "model" || !tables_[i].has("from")) return;
    const std::size_t from = parent(i);
    if (from == kNone) {
      std::vector<std::string> known = {"model"};
      for (std::size_t j = 0; j < names_.size(); ++j) {
        if (j != i && !names_[j].empty()) known.push_back(names_[j]);
      }
      const std::string hint = did_you_mean(stage.from, known);
      tables_[i].report("from", tables_[i].path("from") + " is " + in_quotes(stage.from) +
                                    ", which is no stage (need one of " + joined(known) + ")" +
                                    (hint.empty() ? "" : "." + hint));
    } else if (stages_[from].kind == StageKind::eval && from != i) {
      tables_[i].report(
          "from", tables_[i].path("from") + " is " + in_quotes(stage.from) +
                      ", an eval stage, which makes no weights (need \"model\" or an sft or grpo stage)." +
                      " Did you mean " + in_quotes(stages_[from].from) + "?");
    }
  }

  void report_cycle_from(std::size_t start, std::vector<bool>& is_done) const {
    std::vector<std::size_t> walk;
    std::size_t i = start;
    while (i != kNone && !is_done[i]) {
      is_done[i] = true;
      walk.push_back(i);
      i = parent(i);
    }
    const auto closing = std::find(walk.begin(), walk.end(), i);
    if (i == kNone || closing == walk.end()) return;
    // The walk goes against the weights' way; the first declared stage of the cycle stands first.
    std::vector<std::size_t> cycle(closing, walk.end());
    std::reverse(cycle.begin(), cycle.end());
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
    std::string text = "stages form a cycle: ";
    for (const std::size_t member : cycle) text += names_[member] + " -> ";
    tables_[cycle[0]].report("from",
                             text + names_[cycle[0]] + R"( (need one of them to start from "model"))");
  }

  const std::vector<StageConfig>& stages_;
  const std::vector<Table>& tables_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> position_;
};

template <class Config>
std::vector<Table> tables_of(const Recipe& recipe, const std::vector<Config>& configs, const std::string& key,
                             RecipeProblems& problems) {
  std::vector<Table> tables;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const std::string name = configs[i].name.empty() ? "[" + std::to_string(i) + "]" : "." + configs[i].name;
    tables.emplace_back(element_of(recipe.document.root.find(key), i), key + name, problems);
  }
  return tables;
}

}  // namespace

void check_recipe(const Recipe& recipe, RecipeProblems& problems) {
  const TomlNode& root = recipe.document.root;
  check_name(Table(root.find("run"), "run", problems), recipe.run.name);
  check_model(Table(root.find("model"), "model", problems), recipe.model);
  check_answer(Table(root.find("answer"), "answer", problems), recipe.answer);
  check_guard(Table(root.find("guard"), "guard", problems), recipe.guard);

  const auto tasks = tables_of(recipe, recipe.task, "task", problems);
  const auto task_names = check_names(recipe.task, tasks, "task");
  for (std::size_t i = 0; i < tasks.size(); ++i) check_task(tasks[i], recipe.task[i]);

  const auto stages = tables_of(recipe, recipe.stage, "stage", problems);
  const auto stage_names = check_names(recipe.stage, stages, "stage");
  for (std::size_t i = 0; i < stages.size(); ++i) check_stage(stages[i], recipe.stage[i], recipe, task_names);
  StageGraph(recipe.stage, stages, stage_names).check();

  const Table whole(&root, "", problems);
  if (stages.empty()) whole.report("stage", "the recipe has no [[stage]] (need at least one)");
  if (tasks.empty() && !stages.empty())
    whole.report("task", "the recipe has no [[task]] (need at least one)");
}

}  // namespace reckon
