#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/grade/extract.h"
#include "reckon/task/task.h"

namespace reckon::testing {

/// Problems drawn of each level: 200, fewer under AddressSanitizer, which makes generators some twenty times
/// slower.
#ifdef __SANITIZE_ADDRESS__
inline constexpr std::uint64_t kProblemsPerLevel = 40;
#else
inline constexpr std::uint64_t kProblemsPerLevel = 200;
#endif

/// Asked of each problem besides what holds for all tasks.
using ProblemCheck = std::function<void(const Problem& problem, const nlohmann::json& spec)>;

inline Grade grade_of(TaskKind kind, std::string_view spec, std::string_view answer) {
  return make_verifier(kind)->grade(spec, answer);
}

inline void expect_grade(TaskKind kind, std::string_view spec, Grade expected,
                         std::initializer_list<std::string_view> answers) {
  const auto task = make_verifier(kind);
  for (const std::string_view answer : answers) EXPECT_EQ(task->grade(spec, answer), expected) << answer;
}

/// The message to a spec, which must be an Error(bad_data).
inline std::string spec_error(TaskKind kind, std::string_view spec) {
  try {
    (void)make_verifier(kind)->grade(spec, "1");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "no error";
}

/// What no task may pay, made from a right answer; none of it may take long.
inline void expect_attacks_refused(const Task& task, const Problem& problem) {
  const std::string& answer = problem.answer;
  const std::string wrong = task.wrong_answer(problem);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += answer + "\n";
  for (const std::string& attack : {answer + " or " + wrong,
                                    wrong + " or " + answer,
                                    answer + "\n" + wrong,
                                    wrong + "\n" + answer,
                                    "it is false that " + answer,
                                    "The answer is " + answer,
                                    answer + "\xE2\x80\x8B",
                                    answer + std::string(1, '\0'),
                                    answer + " <answer>",
                                    answer + "; import os",
                                    "eval(" + answer + ")",
                                    "{" + answer + "}}",
                                    problem.prompt,
                                    problem.spec,
                                    many,
                                    std::string(1'000'000, '('),
                                    std::string(1'000'000, '1'),
                                    std::string(1'000'000, ','),
                                    std::string("?"),
                                    std::string(".")}) {
    EXPECT_EQ(task.grade(problem.spec, attack), Grade::different) << attack.substr(0, 200);
  }
  for (const std::string blank : {"", " ", "\n\t\r "}) {
    EXPECT_EQ(task.grade(problem.spec, blank), Grade::no_answer);
  }
}

inline void check_problem(const Task& task, const Task& again, const Problem& problem, std::uint64_t seed) {
  ASSERT_EQ(grade_completion(task, problem.spec, problem.trace, FinishReason::eos), Grade::equal)
      << problem.prompt << "\n"
      << problem.trace;
  ASSERT_EQ(grade_completion(task, problem.spec, problem.direct, FinishReason::eos), Grade::equal);
  ASSERT_EQ(grade_completion(task, problem.spec, problem.trace, FinishReason::length), Grade::no_answer);
  ASSERT_TRUE(well_formed(problem.trace)) << problem.trace;
  const std::string wrong = task.wrong_answer(problem);
  ASSERT_EQ(task.grade(problem.spec, wrong), Grade::different) << problem.prompt << "\n" << wrong;
  const std::string alphabet = task.alphabet();
  for (const std::string* text : {&problem.prompt, &problem.trace, &wrong}) {
    ASSERT_EQ(text->find_first_not_of(alphabet), std::string::npos) << *text;
  }
  ASSERT_EQ(problem.prompt.find("<answer>"), std::string::npos);
  if (problem.index % 5 != 4) return;
  const Problem same = again.problem(problem.level, problem.split, seed, problem.index);
  ASSERT_EQ(same.prompt, problem.prompt);
  ASSERT_EQ(same.trace, problem.trace);
}

/// Draws problems of each level, one in ten of them held out, and checks what every task promises.
inline void check_levels(TaskKind kind, const ProblemCheck& also) {
  constexpr std::uint64_t kSeed = 11;
  const auto task = make_verifier(kind);
  const auto again = make_verifier(kind);
  ASSERT_EQ(task->levels(), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  for (const std::int64_t level : task->levels()) {
    SCOPED_TRACE("level " + std::to_string(level));
    for (std::uint64_t index = 0; index < kProblemsPerLevel; ++index) {
      const Split split = index % 10 == 9 ? Split::held_out : Split::train;
      const Problem problem = task->problem(level, split, kSeed, index);
      check_problem(*task, *again, problem, kSeed);
      also(problem, nlohmann::json::parse(problem.spec));
      if (index < 5) expect_attacks_refused(*task, problem);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// That a level has at least kMinDistinctProblems problems: no more than 3,000 draws find so many.
inline void expect_many_problems(TaskKind kind, std::int64_t level) {
  const auto task = make_verifier(kind);
  EXPECT_FALSE(task->distinct_problems(level).has_value());
  std::set<std::uint64_t> ids;
  for (std::uint64_t index = 0; index < 3000 && ids.size() < kMinDistinctProblems; ++index) {
    ids.insert(task->problem(level, Split::train, 5, index).id);
  }
  EXPECT_GE(ids.size(), kMinDistinctProblems) << "level " << level;
}

/// The problems that `draws` draws of a level find, both splits together.
inline std::size_t count_drawn(TaskKind kind, std::int64_t level, std::uint64_t draws) {
  const auto task = make_verifier(kind);
  std::set<std::uint64_t> ids;
  for (std::uint64_t index = 0; index < draws; ++index) {
    ids.insert(task->problem(level, index % 8 == 0 ? Split::held_out : Split::train, 5, index).id);
  }
  return ids.size();
}

/// The beginning of the hash of each level's first problem: a change of it changes every run.
inline std::string first_problems(TaskKind kind) {
  const auto task = make_verifier(kind);
  std::string hashes;
  for (const std::int64_t level : task->levels()) {
    hashes += (hashes.empty() ? "" : " ") +
              sha256_hex(task->problem(level, Split::train, 1, 0).prompt).substr(0, 8);
  }
  return hashes;
}

}  // namespace reckon::testing
