#include "reckon/task/arithmetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "reckon/base/error.h"
#include "reckon/task/task.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;

std::string steps_of(std::string_view expression) {
  return solve_arithmetic(expression, "test").steps;
}

TEST(Arithmetic, ReducesAChainOneOperationAtATime) {
  // 3+5 = 8; 8-9 = -1 = 9 mod 10; 9+2 = 11 = 1 mod 10
  EXPECT_EQ(steps_of("3+5-9+2"), "3+5=8;8-9=9;9+2=1");
  EXPECT_EQ(solve_arithmetic("3+5-9+2", "test").value, 1);
  EXPECT_EQ(steps_of("0-9"), "0-9=1");
  EXPECT_EQ(steps_of("7"), "");
}

TEST(Arithmetic, ReducesTheLeftmostInnermostOperationFirst) {
  // 8 * 5 = 40 = 0 mod 10
  EXPECT_EQ(steps_of("(3+5)*(7-2)"), "3+5=8;7-2=5;8*5=0");
  // 3-4 = -1 = 9; 2*9 = 18 = 8; 1+8 = 9
  EXPECT_EQ(steps_of("1+(2*(3-4))"), "3-4=9;2*9=8;1+8=9");
  // 9*9 = 81 = 1; 1-2 = -1 = 9; 9*9 = 1; 5+1 = 6
  EXPECT_EQ(steps_of("5+(((9*9)-2)*9)"), "9*9=1;1-2=9;9*9=1;5+1=6");
}

TEST(Arithmetic, MultipliesBeforeItAdds) {
  EXPECT_EQ(steps_of("1+2*3"), "2*3=6;1+6=7");
  EXPECT_EQ(steps_of("8-2-3*2"), "8-2=6;3*2=6;6-6=0");
}

TEST(Arithmetic, RefusesWhatIsNoExpression) {
  for (const std::string text :
       {"", "+", "3+", "12", "3 +5", "-3", "(3", "3)", "()", "3+5=", "3/5", "a", "3**5", "3(5)"}) {
    try {
      (void)solve_arithmetic(text, "spec");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), HasSubstr("spec: expression \"" + text + "\" cannot be read at byte"));
    }
  }
  EXPECT_THROW((void)solve_arithmetic(std::string(4000, '('), "spec"), Error);
  EXPECT_THROW((void)solve_arithmetic(std::string(5000, '1'), "spec"), Error);
}

Grade grade_of(std::string_view answer, std::string_view expression = "3+5-9+2") {
  static const auto task = make_verifier(TaskKind::arithmetic);
  return task->grade("{\"expression\":\"" + std::string(expression) + "\"}", answer);
}

TEST(ArithmeticVerifier, AcceptsTheOneDigitOnly) {
  EXPECT_EQ(grade_of("1"), Grade::equal);
  EXPECT_EQ(grade_of(" 1\n"), Grade::equal);
  EXPECT_EQ(grade_of(""), Grade::no_answer);
  EXPECT_EQ(grade_of("  "), Grade::no_answer);
  for (const std::string answer : {"0",
                                   "2",
                                   "9",
                                   "11",
                                   "01",
                                   "1 1",
                                   "1.",
                                   "1.0",
                                   "+1",
                                   "-9",
                                   "1;2",
                                   "0123456789",
                                   "1 or 2",
                                   "x",
                                   "=1",
                                   "9+2=1",
                                   "it is false that 1",
                                   "{\"value\":1}",
                                   "\xEF\xBC\x91",
                                   "1\xE2\x80\x8B",
                                   "1\x01"}) {
    EXPECT_EQ(grade_of(answer), Grade::different) << answer;
  }
  EXPECT_EQ(grade_of(std::string("1\0", 2)), Grade::different);
  EXPECT_EQ(grade_of(std::string(50'000'000, '1')), Grade::different);
}

TEST(ArithmeticVerifier, GradesByTheSpecItIsGiven) {
  EXPECT_EQ(grade_of("0", "(3+5)*(7-2)"), Grade::equal);
  EXPECT_EQ(grade_of("1", "(3+5)*(7-2)"), Grade::different);
}

TEST(ArithmeticVerifier, RefusesAMalformedSpec) {
  const auto task = make_verifier(TaskKind::arithmetic);
  for (const std::string_view spec :
       {"", "[]", "{}", "{\"expression\": 3}", "{\"expression\": \"3+\"}", "3+5"}) {
    EXPECT_THROW((void)task->grade(spec, "1"), Error) << spec;
  }
}

TEST(ArithmeticGenerator, MakesProblemsOfTheLevel) {
  const auto task = make_verifier(TaskKind::arithmetic);
  for (const std::int64_t level : task->levels()) {
    const std::size_t terms = static_cast<std::size_t>(level <= 5 ? level + 1 : level - 3);
    for (std::uint64_t index = 0; index < 200; ++index) {
      const Problem problem = task->problem(level, Split::train, 7, index);
      const auto count = [&](const std::string& characters) {
        std::size_t found = 0;
        for (const char c : problem.prompt) found += characters.find(c) != std::string::npos ? 1 : 0;
        return found;
      };
      EXPECT_EQ(count("0123456789"), terms) << problem.prompt;
      EXPECT_EQ(count("+-*"), terms - 1) << problem.prompt;
      EXPECT_EQ(count("("), level <= 5 ? 0 : terms - 2) << problem.prompt;
      EXPECT_EQ(problem.prompt.back(), '=');
      EXPECT_EQ(problem.trace.find_first_not_of(task->alphabet() + "<>/thinkaswer"), std::string::npos);
    }
  }
}

/// Value of a fully parenthesised expression or a chain, the other way round: from the last operation
/// inwards.
int independent_value(const std::string& text) {
  int depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    depth += text[i] == ')' ? 1 : text[i] == '(' ? -1 : 0;
    if (depth != 0 || std::string("+-*").find(text[i]) == std::string::npos) continue;
    const int left = independent_value(text.substr(0, i));
    const int right = independent_value(text.substr(i + 1));
    return text[i] == '+' ? left + right : text[i] == '-' ? left - right : left * right;
  }
  return text[0] == '(' ? independent_value(text.substr(1, text.size() - 2)) : text[0] - '0';
}

TEST(ArithmeticGenerator, TracesEndInTheValueThatWholeNumberArithmeticGives) {
  const auto task = make_verifier(TaskKind::arithmetic);
  for (const std::int64_t level : task->levels()) {
    std::map<std::string, int> answers;
    for (std::uint64_t index = 0; index < 1000; ++index) {
      const Problem problem = task->problem(level, Split::train, 1, index);
      const int value = independent_value(problem.prompt.substr(0, problem.prompt.size() - 1));
      const std::string digit = std::to_string(((value % 10) + 10) % 10);
      ASSERT_EQ(problem.answer, digit) << problem.prompt;
      ASSERT_THAT(problem.trace, HasSubstr("=" + digit + "</think><answer>" + digit + "</answer>"));
      ASSERT_EQ(problem.direct, "<answer>" + digit + "</answer>");
      ASSERT_EQ(grade_completion(*task, problem.spec, problem.trace, FinishReason::eos), Grade::equal);
      ++answers[digit];
    }
    // No constant answer is a good guess (products make 0 likelier: about a quarter).
    for (const auto& [digit, count] : answers)
      EXPECT_LT(count, 350) << "level " << level << " digit " << digit;
  }
}

TEST(ArithmeticGenerator, CountsItsProblemsExactly) {
  const auto task = make_verifier(TaskKind::arithmetic);
  EXPECT_EQ(task->distinct_problems(1), 200u);         // 10 * 2 * 10
  EXPECT_EQ(task->distinct_problems(5), 32'000'000u);  // 10^6 * 2^5
  EXPECT_EQ(task->distinct_problems(6), 18'000u);      // 2 trees * 3^2 * 10^3
  EXPECT_EQ(task->distinct_problems(7), 1'350'000u);   // 5 trees * 3^3 * 10^4
  EXPECT_EQ(task->distinct_problems(8), 113'400'000u);
  std::set<std::string>
      seen;  // level 2: 10^3 * 2^2 problems; a draw of 30,000 misses one of 3,500 with probability e^-8.6
  for (const Split split : {Split::train, Split::held_out}) {
    for (std::uint64_t index = 0; index < 30'000; ++index)
      seen.insert(task->problem(2, split, 5, index).prompt);
  }
  EXPECT_EQ(seen.size(), 4000u);
}

}  // namespace
}  // namespace reckon
