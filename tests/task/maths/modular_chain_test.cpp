#include <map>

#include "task/puzzles/puzzle_checks.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::modular_chain;

Grade grade_of(std::string_view answer, std::string_view spec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(ModularChain, GradesAChainWorkedByHand) {
  // 5 * 7 = 35 = 2 mod 11; 2 - 9 = -7 = 4; 4^3 = 64 = 9; 9 + 10 = 19 = 8
  const std::string_view spec = R"({"modulus":11,"start":5,"steps":[["*",7],["-",9],["^",3],["+",10]]})";
  for (const std::string_view right : {"8", "8.", "8.0"})
    EXPECT_EQ(grade_of(right, spec), Grade::equal) << right;
  for (const std::string_view wrong :
       {"9", "19", "-3", "8 mod 11", "8, 19", "19 mod 11", "19 - 11", "88/11", "2^3"})
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
  EXPECT_EQ(grade_of("3", R"({"modulus":7,"start":-4,"steps":[]})"), Grade::equal);
  EXPECT_EQ(grade_of("1", R"({"modulus":7,"start":0,"steps":[["^",0]]})"), Grade::equal);
}

TEST(ModularChain, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, R"({"modulus":11,"start":5,"steps":[["*",7],["^",3]]})", "8");
  EXPECT_EQ(spec_error(kKind, R"({"modulus":0,"start":5,"steps":[]})"),
            "modular_chain: spec: \"modulus\" is 0 (need 2 .. 1000000)");
  EXPECT_EQ(spec_error(kKind, R"({"modulus":9,"start":5,"steps":[["/",2]]})"),
            "modular_chain: spec: a step's operation is \"/\" (need + - * or ^)");
  EXPECT_EQ(spec_error(kKind, R"({"modulus":9,"start":5,"steps":[["^",65]]})"),
            "modular_chain: spec: a step's operand is 65 (need 0 .. 64)");
  EXPECT_EQ(spec_error(kKind, R"({"modulus":9,"start":5,"steps":[["+"]]})"),
            "modular_chain: spec: a step has 1 entries (need 2 .. 2)");
}

/// The result by the sentence, in numbers that are not reduced before they must be.
std::string from_prompt(const std::string& prompt) {
  const auto number_after = [&](std::string_view words, std::size_t from) {
    return std::stoll(prompt.substr(prompt.find(words, from) + words.size()));
  };
  const long long modulus = number_after("modulo ", 0);
  long long x = number_after("Start with ", 0);
  std::size_t at = prompt.find(": ") + 2;
  while (true) {
    const std::size_t end = prompt.find_first_of(",.", at);
    const std::string step = prompt.substr(at, end - at);
    const std::string digits =
        step.find_last_of(' ') == std::string::npos ? "0" : step.substr(step.find_last_of(' '));
    const long long operand = std::stoll(digits);
    if (step.starts_with("add")) x += operand;
    if (step.starts_with("subtract")) x += 1'000'000 * modulus - operand;
    if (step.starts_with("multiply")) x = x % modulus * operand;
    if (step == "square") x = (x % modulus) * (x % modulus);
    if (step.starts_with("raise")) x = (x % modulus) * (x % modulus) * (x % modulus);
    if (prompt[end] == '.') break;
    at = end + 2;
  }
  return std::to_string(x % modulus);
}

TEST(ModularChain, EveryProblemAgreesWithItsSentence) {
  std::map<std::string, int> answers;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    EXPECT_EQ(problem.answer, from_prompt(problem.prompt));
    ++answers[problem.answer];
  });
  for (const auto& [answer, count] : answers) EXPECT_LT(count, 50) << answer;  // of 1,000
  testing::check_counts(kKind);
}

TEST(ModularChain, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Start with 10 and reduce every result modulo 42 to 0 .. 41: multiply by 5, subtract 8, multiply "
            "by 17. What is the final number? Answer with it alone, in digits, in a form like 12.");
  EXPECT_EQ(problem.trace,
            "<think>Modulo 42:\n10 * 5 = 50 = 8 mod 42\n8 - 8 = 0\n0 * 17 = 0</think><answer>0</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "5f39ed773bea070d db1de549ade9ce48");
}

}  // namespace
}  // namespace reckon
