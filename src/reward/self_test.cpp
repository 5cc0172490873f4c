#include "reckon/reward/self_test.h"

#include <vector>

#include "reckon/base/error.h"
#include "reckon/grade/answer_form.h"
#include "reckon/text/prompt_format.h"

namespace reckon {
namespace {

constexpr std::uint64_t kCheckedProblems = 4;
constexpr std::size_t kMostReported = 20;

std::string place(const Task& task, const Problem& problem) {
  return "task \"" + task.name() + "\" level " + std::to_string(problem.level) + ": ";
}

/// The grade of a completion behind the problem's prompt, as a run would give it.
Grade grade_behind_prompt(const Task& task, const Problem& problem, const std::string& completion_text,
                          FinishReason finish) {
  Prompt prompt;
  prompt.text = with_sentence(problem.prompt, answer_sentence(task.answer_form()));
  Completion completion;
  completion.text = completion_text;
  return grade_completion(task, problem.spec, graded_text(prompt, completion), finish);
}

void expect_grade(const Task& task, const Problem& problem, const std::string& completion,
                  FinishReason finish, Grade expected) {
  const Grade grade = grade_behind_prompt(task, problem, completion, finish);
  if (grade == expected) return;
  throw Error(ExitCode::internal, place(task, problem) + "the grader says " + std::string(enum_name(grade)) +
                                      " to " + completion + " for " + problem.prompt + " (need " +
                                      std::string(enum_name(expected)) + ")");
}

/// Whether the form can hold the answer: a board of several lines is no \boxed{} and no #### line.
void check_form(const Task& task, const Problem& problem) {
  const AnswerConfig& form = task.answer_form();
  const std::string text = direct_answer(form, problem.answer);
  const Extracted read = extract_answer(text, form, task.longest_answer());
  if (read.found && read.answer == trim_blanks(problem.answer)) return;
  throw Error(ExitCode::usage,
              place(task, problem) + "the answer " + in_quotes(problem.answer.substr(0, 80)) +
                  " comes back from answer.form = \"" + std::string(enum_name(form.form)) + "\" as " +
                  in_quotes(read.answer.substr(0, 80)) + " (need the same). \"tag\" holds every answer.");
}

void check_problem(const Task& task, const Problem& problem) {
  const AnswerConfig& form = task.answer_form();
  for (const std::string* completion : {&problem.trace, &problem.direct}) {
    expect_grade(task, problem, *completion, FinishReason::eos, Grade::equal);
    expect_grade(task, problem, *completion, FinishReason::length, Grade::no_answer);
    if (!well_formed(*completion, form)) {
      throw Error(ExitCode::internal,
                  "task \"" + task.name() + "\": a reference is not well formed: " + *completion);
    }
  }
  const std::string wrong = direct_answer(form, task.wrong_answer(problem));
  expect_grade(task, problem, wrong, FinishReason::eos, Grade::different);
  const std::string sentence = answer_sentence(form);
  if (grade_behind_prompt(task, problem, sentence, FinishReason::eos) == Grade::equal) {
    throw Error(ExitCode::usage, place(task, problem) + "answer.sentence said back is the right answer to " +
                                     problem.prompt + ": " + in_quotes(sentence) +
                                     " (need a sentence that gives none)");
  }
}

/// Every gold of a file against itself, and a changed one.
void check_golds(const Task& task, std::int64_t level) {
  std::string bad;
  std::size_t num_bad = 0;
  for (const Split side : {Split::train, Split::held_out}) {
    for (std::uint64_t index = 0; index < task.num_file_problems(side); ++index) {
      const Problem problem = task.problem(level, side, 0, index);
      const Grade grade = grade_behind_prompt(task, problem, problem.direct, FinishReason::eos);
      const std::string wrong = direct_answer(task.answer_form(), task.wrong_answer(problem));
      const bool takes_wrong = grade_behind_prompt(task, problem, wrong, FinishReason::eos) == Grade::equal;
      if (grade == Grade::equal && !takes_wrong) continue;
      if (++num_bad > kMostReported) continue;
      bad += "\n" + problem.source + ": gold " + in_quotes(problem.answer.substr(0, 80)) +
             (grade == Grade::equal ? " equals " + in_quotes(task.wrong_answer(problem).substr(0, 80))
                                    : " against itself is " + std::string(enum_name(grade)));
    }
  }
  if (num_bad == 0) return;
  throw Error(ExitCode::bad_data,
              "task \"" + task.name() + "\": " + std::to_string(num_bad) +
                  " gold(s) cannot be graded (need each to equal itself in answer.form = \"" +
                  std::string(enum_name(task.answer_form().form)) + "\"):" + bad +
                  (num_bad > kMostReported ? "\n..." : ""));
}

}  // namespace

void check_grader(const Task& task, std::span<const std::int64_t> levels) {
  const Split side = task.has_problems(Split::train) ? Split::train : Split::held_out;
  for (const std::int64_t level : levels) check_golds(task, level);
  for (const std::int64_t level : levels) {
    for (std::uint64_t index = 0; index < kCheckedProblems; ++index) {
      const Problem problem = task.problem(level, side, 0, index);
      check_form(task, problem);
      check_problem(task, problem);
    }
  }
}

GraderProbe make_probe(const Task& task, std::int64_t level) {
  const Split side = task.has_problems(Split::train) ? Split::train : Split::held_out;
  const Problem problem = task.problem(level, side, 0, 0);
  return {problem.spec, problem.direct, direct_answer(task.answer_form(), task.wrong_answer(problem))};
}

void check_probe(const Task& task, const GraderProbe& probe) {
  const auto expect = [&](const std::string& completion, bool paid) {
    const Grade grade = grade_completion(task, probe.spec, completion, FinishReason::eos);
    if ((grade == Grade::equal) == paid) return;
    throw Error(ExitCode::internal, "task \"" + task.name() + "\": the grader now says " +
                                        std::string(enum_name(grade)) + " to " + completion + " for " +
                                        probe.spec + " (need " + (paid ? "equal" : "anything else") +
                                        "): it has broken since the run began");
  };
  expect(probe.right, true);
  expect(probe.wrong, false);
}

}  // namespace reckon
