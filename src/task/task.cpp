#include "reckon/task/task.h"

#include <algorithm>
#include <set>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/grade/extract.h"
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

void write_completions(Problem& problem, std::string_view steps) {
  problem.direct.append(kAnswerOpen).append(problem.answer).append(kAnswerClose);
  problem.trace.append(kThinkOpen).append(steps).append(kThinkClose).append(problem.direct);
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
    write_completions(problem, draft.steps);
    return problem;
  }
  throw Error(ExitCode::internal, "task \"" + name_ + "\" level " + std::to_string(level) + ": no " +
                                      std::string(enum_name(split)) + " problem in " +
                                      std::to_string(kMaxDraws) + " draws");
}

std::unique_ptr<Task> make_task(const TaskConfig& config) {
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
  switch (config.kind) {
    case TaskKind::arithmetic:
      task = make_arithmetic_task(config.name);
      break;
    case TaskKind::knights:
      task = make_knights_task(config.name);
      break;
    case TaskKind::jsonl:
      task = make_jsonl_task(config.name, config.path, config.split);
      break;
    case TaskKind::base_conversion:
      task = make_base_conversion_task(config.name);
      break;
    case TaskKind::circuit:
      task = make_circuit_task(config.name);
      break;
    case TaskKind::calendar:
      task = make_calendar_task(config.name);
      break;
    case TaskKind::modular_chain:
      task = make_modular_chain_task(config.name);
      break;
    case TaskKind::linear_equations:
      task = make_linear_equations_task(config.name);
      break;
    case TaskKind::multiplication:
      task = make_multiplication_task(config.name);
      break;
    case TaskKind::sat:
      task = make_sat_task(config.name);
      break;
    case TaskKind::syllogism:
      task = make_syllogism_task(config.name);
      break;
    case TaskKind::entailment:
      task = make_entailment_task(config.name);
      break;
    case TaskKind::zebra:
      task = make_zebra_task(config.name);
      break;
    case TaskKind::family:
      task = make_family_task(config.name);
      break;
    case TaskKind::word_problem:
      task = make_word_problem_task(config.name);
      break;
  }
  for (const std::int64_t level : config.levels) check_level(*task, level);
  if (config.eval_level != 0) check_level(*task, config.eval_level);
  return task;
}

std::unique_ptr<Task> make_verifier(TaskKind kind) {
  if (kind == TaskKind::jsonl) return make_jsonl_task("jsonl", "", FileSplit::hash);
  TaskConfig config;
  config.name = std::string(enum_name(kind));
  config.kind = kind;
  return make_task(config);
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
  return (opens_thinking(prompt.text) ? std::string(kThinkOpen) : std::string()) + completion.text;
}

Grade grade_completion(const Task& task, std::string_view spec, std::string_view completion,
                       FinishReason finish_reason) {
  if (finish_reason == FinishReason::length) return Grade::no_answer;
  const Extracted extracted = extract_answer(completion);
  return extracted.found ? task.grade(spec, extracted.answer) : Grade::no_answer;
}

}  // namespace reckon
