#include "reckon/task/task.h"

#include <algorithm>
#include <set>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/grade/answer_form.h"
#include "reckon/text/prompt_format.h"
#include "reckon/text/tokenizer.h"

namespace reckon {
namespace {

/// Draws after which a generator is given up: that many in a row on the wrong side of the split have
/// probability (7/8)^100000.
constexpr int kMaxDraws = 100'000;
/// Repeated problems in a row after which a level is taken to have no more.
constexpr std::uint64_t kMaxRepeats = 10'000;

std::string level_list(const Task& task) {
  std::string list;
  for (const std::int64_t level : task.levels()) list += (list.empty() ? "" : ", ") + std::to_string(level);
  return list;
}

}  // namespace

void check_level(const Task& task, std::int64_t level) {
  const auto levels = task.levels();
  if (std::find(levels.begin(), levels.end(), level) != levels.end()) return;
  throw Error(ExitCode::usage, "task \"" + task.name() + "\": kind " + std::string(enum_name(task.kind())) +
                                   " has no level " + std::to_string(level) + " (need one of " +
                                   level_list(task) + ")");
}

std::string english_alphabet() {
  std::string alphabet = "\n";
  for (char c = ' '; c <= '~'; ++c) alphabet += c;
  return alphabet;
}

std::string_view tag_in(std::string_view text) {
  for (const std::string_view tag : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose}) {
    if (text.find(tag) != std::string_view::npos) return tag;
  }
  return {};
}

void write_completions(const AnswerConfig& form, Problem& problem, std::string_view steps) {
  problem.trace.append(kThinkOpen).append(steps).append(kThinkClose);
  problem.trace += answer_in_form(form.form, problem.answer);
  problem.direct = direct_answer(form, problem.answer);
}

Problem GeneratedTask::problem(std::int64_t level, Split split, std::uint64_t seed,
                               std::uint64_t index) const {
  check_level(*this, level);
  const std::uint64_t stream_seed =
      mix64(seed, static_cast<std::uint64_t>(kind()), static_cast<std::uint64_t>(level),
            static_cast<std::uint64_t>(split));
  RandomStream random(stream_seed, static_cast<std::uint32_t>(index),
                      static_cast<std::uint32_t>(index >> 32));
  for (int i = 0; i < kMaxDraws; ++i) {
    Draft draft = draw(level, random);
    const std::uint64_t id = problem_id(kind(), draft.prompt);
    if (split_of(id) != split) continue;
    complete(draft);
    Problem problem;
    problem.prompt = std::move(draft.prompt);
    problem.id = id;
    problem.spec = std::move(draft.spec);
    problem.answer = std::move(draft.answer);
    problem.task = name_;
    problem.level = level;
    problem.split = split;
    problem.index = index;
    problem.source = "generated";
    write_completions(answer_form(), problem, draft.steps);
    return problem;
  }
  throw Error(ExitCode::internal, "task \"" + name_ + "\" level " + std::to_string(level) + ": no " +
                                      std::string(enum_name(split)) + " problem in " +
                                      std::to_string(kMaxDraws) + " draws");
}

std::unique_ptr<Task> make_task(const TaskConfig& config, const AnswerConfig& answer) {
  std::unique_ptr<Task> task;
  const std::string where = "task \"" + config.name + "\": ";
  const bool is_file = config.kind == TaskKind::jsonl;
  if (is_file && config.path.empty()) {
    throw Error(ExitCode::usage, where + "kind jsonl without a path (need the file to read)");
  }
  if (!is_file && !config.path.empty()) {
    throw Error(ExitCode::usage, where + "path \"" + config.path + "\" is not used (need none: kind " +
                                     std::string(enum_name(config.kind)) + " makes its problems)");
  }
  if (config.kind == TaskKind::command && config.source.command.empty()) {
    throw Error(ExitCode::usage,
                where + "kind command without a program (need source = { command = [...] })");
  }
  if (config.kind == TaskKind::jsonl) {
    task = make_jsonl_task(config.name, config.path, config.split, config.grader);
  } else if (config.kind == TaskKind::command) {
    task = make_command_task(config.name, config.source);
  } else {
    task = make_generated_task(config.kind, config.name);
  }
  task->use_answer_form(answer);
  for (const std::int64_t level : config.levels) check_level(*task, level);
  if (config.eval_level != 0) check_level(*task, config.eval_level);
  return task;
}

std::unique_ptr<Task> make_verifier(TaskKind kind, const AnswerConfig& answer) {
  if (kind == TaskKind::command) {
    throw Error(ExitCode::usage,
                "kind command is a program of your own (need a recipe that names it: --recipe)");
  }
  if (kind == TaskKind::jsonl) {
    auto task = make_jsonl_task("jsonl", "", FileSplit::hash, {});
    task->use_answer_form(answer);
    return task;
  }
  TaskConfig config;
  config.name = std::string(enum_name(kind));
  config.kind = kind;
  return make_task(config, answer);
}

std::uint64_t problem_id(TaskKind kind, std::string_view canonical_problem) {
  Sha256 hash;
  hash.update(enum_name(kind));
  hash.update("\n");
  hash.update(canonical_problem);
  return std::stoull(hash.hex_digest().substr(0, 16), nullptr, 16);
}

Split split_of(std::uint64_t id) {
  return id % 8 == 0 ? Split::held_out : Split::train;
}

std::vector<Problem> held_out_set(const Task& task, std::int64_t level, std::size_t n) {
  check_level(task, level);
  const std::string where = "task \"" + task.name() + "\" level " + std::to_string(level) + ": ";
  const auto distinct = task.distinct_problems(level);
  if (distinct && *distinct < kMinDistinctProblems) {
    throw Error(ExitCode::usage, where + "only " + std::to_string(*distinct) +
                                     " distinct problems, too few to evaluate on (need at least " +
                                     std::to_string(kMinDistinctProblems) +
                                     "). Set eval_level to a higher level.");
  }
  std::vector<Problem> set;
  std::set<std::uint64_t> seen;
  std::uint64_t repeats = 0;
  for (std::uint64_t index = 0; set.size() < n; ++index) {
    Problem problem = task.problem(level, Split::held_out, 0, index);
    if (seen.insert(problem.id).second) {
      set.push_back(std::move(problem));
      repeats = 0;
    } else if (++repeats == kMaxRepeats) {
      throw Error(ExitCode::usage, where + "only " + std::to_string(set.size()) +
                                       " distinct held-out problems (need " + std::to_string(n) +
                                       "). Lower eval_prompts or take a higher level.");
    }
  }
  return set;
}

std::string graded_text(const Prompt& prompt, const Completion& completion) {
  if (!opens_thinking(prompt.text)) return completion.text;
  return prompt.text.substr(prompt.text.rfind(kThinkOpen)) + completion.text;
}

Graded Task::graded(std::string_view spec, std::string_view answer, std::string_view) const {
  const Grade word = grade(spec, answer);
  return {word, word == Grade::equal ? 1.0 : 0.0};
}

Graded graded_completion(const Task& task, std::string_view spec, std::string_view completion,
                         FinishReason finish_reason) {
  if (finish_reason == FinishReason::length) return {};
  return graded_extracted(task, spec, extract_answer(completion, task.answer_form(), task.longest_answer()),
                          completion);
}

Graded graded_extracted(const Task& task, std::string_view spec, const Extracted& extracted,
                        std::string_view completion) {
  if (!extracted.found) return {};
  if (extracted.too_long) return {Grade::refused, 0.0};
  const bool is_list = !extracted.joined.empty() && task.answer_is_list(spec);
  return task.graded(spec, is_list ? std::string_view(extracted.joined) : extracted.answer, completion);
}

Grade grade_completion(const Task& task, std::string_view spec, std::string_view completion,
                       FinishReason finish_reason) {
  return graded_completion(task, spec, completion, finish_reason).grade;
}

}  // namespace reckon
