#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/task/task.h"

namespace reckon::testing {

/// Answers built from a right one that must never be paid: more than one answer, answers in disguise, code,
/// other alphabets, sheer size.
inline std::vector<std::string> attacks(const std::string& right, const std::string& wrong) {
  return {wrong,
          right + " or " + wrong,
          wrong + " or " + right,
          wrong + "\n" + right,
          right + "\n" + wrong,
          right + "\n" + right,
          right + ", " + wrong,
          right + " " + right,
          right + "..",
          right + "!",
          right + " = " + right,
          right + "<answer>",
          "the answer is " + right,
          "it is false that " + right,
          "not " + right,
          "(" + right + ")",
          "[" + right + "]",
          "\"" + right + "\"",
          "{\"answer\":\"" + right + "\"}",
          "print(" + right + ")",
          "__import__('os').system('true')",
          right + "\xE2\x80\x8B" /* zero-width space */,
          "\xEF\xBC\x91" /* full-width 1 */ + right,
          right + std::string("\0", 1),
          "9**9**9",
          ",",
          ".",
          "=",
          "-",
          std::string(1'000'000, '('),
          std::string(1'000'000, '1'),
          std::string(100'000, ','),
          std::string(300'000, '\n') + "x",
          std::string(10'000, '~') + "P"};
}

/// Draws `count` problems of every level, alternately of both splits, and checks of each what all generators
/// promise; then calls `check`.
inline void check_generator(TaskKind kind, std::size_t count,
                            const std::function<void(const Problem&)>& check) {
  const auto task = make_verifier(kind);
  const auto again = make_verifier(kind);
  for (const std::int64_t level : task->levels()) {
    for (std::uint64_t index = 0; index < count; ++index) {
      const Split split = index % 2 == 0 ? Split::train : Split::held_out;
      const Problem problem = task->problem(level, split, 3, index);
      SCOPED_TRACE("level " + std::to_string(level) + ": " + problem.prompt + "\nanswer " + problem.answer);
      const Problem twin = again->problem(level, split, 3, index);
      ASSERT_EQ(problem.prompt, twin.prompt);
      ASSERT_EQ(problem.spec, twin.spec);
      ASSERT_EQ(problem.trace, twin.trace);
      ASSERT_EQ((problem.prompt + problem.trace).find_first_not_of(task->alphabet()), std::string::npos);
      ASSERT_EQ(problem.prompt.find("<answer>"), std::string::npos);
      ASSERT_EQ(grade_completion(*task, problem.spec, problem.trace, FinishReason::eos), Grade::equal);
      ASSERT_EQ(task->grade(problem.spec, " \n" + problem.answer + "\n "), Grade::equal);
      ASSERT_EQ(task->grade(problem.spec, " \n"), Grade::no_answer);
      const std::string wrong = task->wrong_answer(problem);
      ASSERT_EQ(task->grade(problem.spec, wrong), Grade::different) << wrong;
      if (index < 5) {
        for (const std::string& attack : attacks(problem.answer, wrong))
          ASSERT_EQ(task->grade(problem.spec, attack), Grade::different) << attack.substr(0, 200);
        ASSERT_EQ(task->grade(problem.spec, problem.prompt), Grade::different);
      }
      check(problem);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

/// Levels that nobody has counted have far more than 2,048 problems; the counted ones no more than counted.
inline void check_counts(TaskKind kind) {
  const auto task = make_verifier(kind);
  for (const std::int64_t level : task->levels()) {
    std::set<std::uint64_t> ids;
    for (std::uint64_t index = 0; index < 3000; ++index)
      ids.insert(task->problem(level, Split::train, 11, index).id);
    const auto counted = task->distinct_problems(level);
    if (counted) {
      EXPECT_LE(ids.size(), *counted) << "level " << level;
      EXPECT_GE(*counted, kMinDistinctProblems) << "level " << level;
    }
    EXPECT_GE(ids.size(), counted && *counted < 10'000 ? kMinDistinctProblems * 3 / 4 : kMinDistinctProblems)
        << "level " << level;
  }
}

/// The ids of the first problems of levels 1 and 5. Tests pin them: another id is another set of problems,
/// and changes every run and every held-out set.
inline std::string first_ids(TaskKind kind) {
  const auto task = make_verifier(kind);
  std::ostringstream text;
  text << std::hex << task->problem(1, Split::train, 1, 0).id << " "
       << task->problem(5, Split::held_out, 0, 0).id;
  return text.str();
}

/// How often an answer made without thought is right, of `count` problems.
inline double blind_share(TaskKind kind, std::int64_t level, std::size_t count,
                          const std::function<std::string(const Problem&)>& blind) {
  const auto task = make_verifier(kind);
  std::size_t right = 0;
  for (std::uint64_t index = 0; index < count; ++index) {
    const Problem problem = task->problem(level, Split::train, 21, index);
    right += task->grade(problem.spec, blind(problem)) == Grade::equal ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

/// The message with which a spec is refused. An answer that is blank or huge must not hide that.
inline std::string spec_error(TaskKind kind, std::string_view spec, std::string_view answer = "1") {
  const auto task = make_verifier(kind);
  try {
    (void)task->grade(spec, answer);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "no error";
}

/// Every member of a good spec left out, or given values of other types and sizes: an Error that names the
/// kind and the spec, or a grade, and never anything else.
inline void check_hostile_specs(TaskKind kind, const std::string& good, const std::string& answer) {
  using nlohmann::json;
  const std::string where = std::string(enum_name(kind)) + ": spec";
  for (const std::string_view text : {"", "{", "[]", "1", "null", "{\"a\":1,\"a\":2}"})
    EXPECT_THAT(spec_error(kind, text, answer), ::testing::HasSubstr(where)) << text;
  const json spec = json::parse(good);
  const json values[] = {nullptr,
                         true,
                         -1,
                         0,
                         1e300,
                         json(UINT64_MAX),
                         json(INT64_MIN),
                         "",
                         "x",
                         std::string(100'000, 'a'),
                         json::array(),
                         json::object(),
                         json::array({nullptr, 1, "x"}),
                         json(std::vector<int>(20'000, 1))};
  const auto task = make_verifier(kind);
  // The values inside lists too, two levels down.
  std::vector<json::json_pointer> places;
  for (const auto& [key, value] : spec.items()) {
    places.push_back(json::json_pointer("/" + key));
    if (!value.is_structured()) continue;
    for (std::size_t i = 0; i < value.size() && value.is_array(); ++i) {
      places.push_back(json::json_pointer("/" + key + "/" + std::to_string(i)));
      if (!value[i].is_structured()) continue;
      for (const auto& [inner, unused] : value[i].items())
        places.push_back(json::json_pointer("/" + key + "/" + std::to_string(i) + "/" + inner));
    }
  }
  std::size_t num_refused = 0;
  for (const auto& place : places) {
    for (const json& value : values) {
      json bad = spec;
      bad[place] = value;
      try {
        (void)task->grade(bad.dump(), answer);
      } catch (const Error& error) {
        ++num_refused;
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        EXPECT_EQ(std::string(error.what()).substr(0, where.size()), where) << bad.dump().substr(0, 200);
      }
    }
  }
  EXPECT_GT(num_refused, places.size() * std::size(values) / 2);
  for (const auto& [key, unused] : spec.items()) {
    json bad = spec;
    bad.erase(key);
    EXPECT_EQ(spec_error(kind, bad.dump(), answer), where + ": no \"" + key + "\"");
    EXPECT_EQ(spec_error(kind, bad.dump(), ""), where + ": no \"" + key + "\"");
  }
}

}  // namespace reckon::testing
