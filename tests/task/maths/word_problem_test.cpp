#include <algorithm>
#include <map>
#include <set>

#include "task/puzzles/puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::word_problem;

Grade grade_of(std::string_view answer, std::string_view spec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(WordProblem, GradesAProgramWorkedByHand) {  // 7 * 12 = 84; 84 - 24 = 60; 60 / 4 = 15; 60 + 15 = 75
  const std::string_view spec = R"({"steps":[["*",7,12],["-","#1",24],["/","#2",4],["+","#2","#3"]]})";
  for (const std::string_view right : {"75", "75.", "75.0", "$75", " 75\n"})
    EXPECT_EQ(grade_of(right, spec), Grade::equal) << right;
  for (const std::string_view wrong :
       {"60", "74", "76", "-75", "60 + 15", "75 apples", "75 dollars", "150/2", "7 5", "75, 60", "75 or 60",
        "seventy-five", "#### 75", "The answer is 75", "\\boxed{75}", "75 = 75"}) {
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
  }
  EXPECT_EQ(grade_of("-2", R"({"steps":[["-",3,5]]})"), Grade::equal);
}

TEST(WordProblem, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, R"({"steps":[["*",7,12],["-","#1",24]]})", "60");
  EXPECT_EQ(spec_error(kKind, R"({"steps":[["/",7,0]]})"),
            "word_problem: spec: step [\"/\",7,0] does not divide evenly");
  EXPECT_EQ(spec_error(kKind, R"({"steps":[["/",7,2]]})"),
            "word_problem: spec: step [\"/\",7,2] does not divide evenly");
  EXPECT_EQ(spec_error(kKind, R"({"steps":[["+",7,"#1"]]})"),
            "word_problem: spec: an operand is \"#1\" (need a number, or #k for the k-th result so far)");
  EXPECT_EQ(spec_error(kKind, R"({"steps":[["^",7,2]]})"),
            "word_problem: spec: an operation is \"^\" (need + - * or /)");
  EXPECT_EQ(spec_error(kKind, R"({"steps":[["*",1000000000,1000000000]]})"),
            "word_problem: spec: step [\"*\",1000000000,1000000000] gives 1000000000000000000 (need at most "
            "1000000000)");
}

/// The equations "7 * 12 = 84" of a text.
struct Equation {
  std::int64_t left;
  char operation;
  std::int64_t right;
  std::int64_t result;
};
std::vector<Equation> equations_of(const std::string& text) {
  std::vector<Equation> equations;
  for (std::size_t equals = text.find(" = "); equals != std::string::npos;
       equals = text.find(" = ", equals + 1)) {
    const std::size_t right = text.rfind(' ', equals - 1);
    const std::size_t operation = right - 1;
    const std::size_t left = text.find_last_of(" \n>", operation - 2);
    equations.push_back({std::stoll(text.substr(left + 1)), text[operation],
                         std::stoll(text.substr(right + 1)), std::stoll(text.substr(equals + 3))});
  }
  return equations;
}

std::set<std::int64_t> numbers_of(const std::string& text) {
  std::set<std::int64_t> numbers;
  for (std::size_t at = text.find_first_of("0123456789"); at != std::string::npos;
       at = text.find_first_of("0123456789", at)) {
    std::size_t length = 0;
    numbers.insert(std::stoll(text.substr(at), &length));
    at += length;
  }
  return numbers;
}

TEST(WordProblem, EveryStepComputesWithNumbersOfTheStory) {
  std::map<std::int64_t, std::set<std::int64_t>> answers;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    const auto equations = equations_of(problem.trace);
    ASSERT_EQ(equations.size(), static_cast<std::size_t>(problem.level + 1));
    const std::size_t end = problem.prompt.find(" Answer with the number");
    std::set<std::int64_t> known = numbers_of(problem.prompt.substr(0, end));
    // Twice, a third, doubles, and 10, 20, 25, 50 percent stand for numbers that the story does not show.
    for (const std::int64_t n : {2, 3, 4, 5, 6, 10}) known.insert(n);
    for (const Equation& e : equations) {
      EXPECT_TRUE(known.contains(e.left)) << e.left;
      EXPECT_TRUE(known.contains(e.right)) << e.right;
      const std::int64_t exact = e.operation == '+'   ? e.left + e.right
                                 : e.operation == '-' ? e.left - e.right
                                 : e.operation == '*' ? e.left * e.right
                                                      : e.left / e.right;
      EXPECT_EQ(e.result, exact);
      EXPECT_TRUE(e.operation != '/' || e.result * e.right == e.left);
      EXPECT_GT(e.result, 1);
      known.insert(e.result);
    }
    EXPECT_EQ(problem.answer, std::to_string(equations.back().result));
    // A number of the story that no step uses would be a trap that nobody has set on purpose.
    std::set<std::int64_t> used;
    for (const Equation& e : equations) used.insert({e.left, e.right});
    for (const std::int64_t n : numbers_of(problem.prompt.substr(0, end)))
      EXPECT_TRUE(used.contains(n) || (n > 9 && 100 % n == 0)) << n;
    for (const char c : {'{', '}'}) EXPECT_EQ(problem.prompt.find(c), std::string::npos);
    answers[problem.level].insert(equations.back().result);
  });
  for (const auto& [level, seen] : answers) EXPECT_GT(seen.size(), 100u) << level;
  testing::check_counts(kKind);
}

TEST(WordProblem, TellsManyKindsOfStories) {
  const std::vector<std::string> openings{
      "boxes with",       "on Monday and", "In the morning",  "are broken",  "small jars",
      "hours at $",       "a week for",    "For a concert",   "of overtime", " drives for",
      "rides a train",    "the first day", "pages a day for", "chapters of", "of a novel",
      "years older than", "as old as",     "years ago.",      "A pump",      "Two taps",
      "metres long and",  "as long.",      "A bus starts",    "A train has"};
  std::map<std::string, int> seen;
  std::set<std::string> programs;
  const auto task = make_verifier(kKind);
  for (std::uint64_t index = 0; index < 1500; ++index) {
    const Problem problem = task->problem(1 + static_cast<std::int64_t>(index % 5), Split::train, 8, index);
    for (const std::string& opening : openings)
      seen[opening] += problem.prompt.find(opening) != std::string::npos ? 1 : 0;
    std::string program;
    const json spec = json::parse(problem.spec);
    for (const json& step : spec["steps"]) {
      program += step[0].get<std::string>();
      for (const std::size_t i : {1u, 2u}) program += step[i].is_string() ? step[i].get<std::string>() : "n";
    }
    programs.insert(program);
  }
  for (const std::string& opening : openings) EXPECT_GT(seen[opening], 5) << opening;
  EXPECT_GT(programs.size(), 200u);  // ways to compute
}

TEST(WordProblem, DrawsTheSameProblemsForEver) {
  const auto task = make_verifier(kKind);
  EXPECT_EQ(task->problem(1, Split::train, 1, 0).prompt,
            "Ravi reads 29 pages a day for 6 days. The book has 327 pages. How many pages are left? Answer "
            "with the number alone, in digits, in a form like 12.");
  EXPECT_EQ(
      task->problem(1, Split::train, 1, 0).trace,
      "<think>Ravi reads 29 * 6 = 174 pages.\n327 - 174 = 153 pages are left.</think><answer>153</answer>");
  EXPECT_EQ(task->problem(3, Split::train, 1, 0).prompt,
            "A garden is 16 metres wide and twice as long. A pond takes up 20 square metres of it. Daniel "
            "mows 6 square metres of the rest in a minute. How many minutes does it take? Answer with the "
            "number alone, in digits, in a form like 12.");
  EXPECT_EQ(
      task->problem(3, Split::train, 1, 0).trace,
      "<think>Its length is 2 * 16 = 32 metres.\nIts area is 16 * 32 = 512 square metres.\nWithout the pond "
      "it is 512 - 20 = 492 square metres.\nIt takes 492 / 6 = 82 minutes.</think><answer>82</answer>");
  EXPECT_EQ(task->problem(5, Split::train, 1, 0).prompt,
            "A bus starts with 26 passengers, and at the first stop 10 get on. Then half of the passengers "
            "get off. Then 6 groups of 6 children get on. There are 79 seats, and everybody sits. How many "
            "seats are free? Answer with the number alone, in digits, in a form like 12.");
  EXPECT_EQ(task->problem(5, Split::train, 1, 0).trace,
            "<think>After the first stop there are 26 + 10 = 36 passengers.\n36 / 2 = 18 passengers get "
            "off.\n36 - 18 = 18 passengers stay.\nThe groups are 6 * 6 = 36 children.\nNow there are 18 + 36 "
            "= 54 passengers.\n79 - 54 = 25 seats are free.</think><answer>25</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "2326a6c6a242df1c 422228f7021300");
}

}  // namespace
}  // namespace reckon
