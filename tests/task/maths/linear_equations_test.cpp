#include <map>
#include <numeric>

#include "task/puzzles/puzzle_checks.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::linear_equations;

Grade grade_of(std::string_view answer, std::string_view spec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(LinearEquations, GradesOneUnknown) {  // 6x = 9
  const std::string_view spec = R"({"equations":[[6,9]]})";
  for (const std::string_view right :
       {"x = 3/2", "x=3/2", "3/2", "x = 9/6", "x = 1.5", "x = \\frac{3}{2}", "\\dfrac{3}{2}", "x = 3 / 2."})
    EXPECT_EQ(grade_of(right, spec), Grade::equal) << right;
  for (const std::string_view wrong :
       {"x = 2/3", "x = 1", "y = 3/2", "x = 3/2, x = 3/2", "x = 3/2 or 2", "x = (15-6)/6", "x = 3*1/2", "x",
        "x =", "= 3/2", "6x = 9", "x = 3/2..", "x = 1 1/2", "X = 3/2", "x = \\frac{9-0}{6}", "x = 1.50001",
        "x = 3/0"}) {
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
  }
  EXPECT_EQ(grade_of("x = -\\frac{3}{2}", R"({"equations":[[-6,9]]})"), Grade::equal);
}

TEST(LinearEquations, GradesSystems) {
  // x + 2y = 4 and 3x - y = 5: from the second y = 3x - 5, so 7x = 14, x = 2, y = 1
  const std::string_view two = R"({"equations":[[1,2,4],[3,-1,5]]})";
  for (const std::string_view right :
       {"x = 2, y = 1", "y = 1, x = 2", "x=2;y=1", "x = 2\ny = 1", "x = 4/2, y = 1.0"})
    EXPECT_EQ(grade_of(right, two), Grade::equal) << right;
  for (const std::string_view wrong :
       {"x = 1, y = 2", "2, 1", "(2, 1)", "x = 2", "x = 2, x = 2", "x = 2, z = 1", "x = 2, y = 1, z = 0",
        "x = 2 y = 1", "x = 2, y = 1 or 2", "x = y = 1"}) {
    EXPECT_EQ(grade_of(wrong, two), Grade::different) << wrong;
  }
  // x + y + z = 6, x - y = -1, 2z - y = 4: x = 1, y = 2, z = 3
  const std::string_view three = R"({"equations":[[1,1,1,6],[1,-1,0,-1],[0,-1,2,4]]})";
  EXPECT_EQ(grade_of("x = 1, y = 2, z = 3", three), Grade::equal);
  EXPECT_EQ(grade_of("z = 3\nx = 1\ny = 2", three), Grade::equal);
  EXPECT_EQ(grade_of("x = 1, y = 2, z = 4", three), Grade::different);
}

TEST(LinearEquations, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, R"({"equations":[[1,2,4],[3,-1,5]]})", "x = 2, y = 1");
  EXPECT_EQ(
      spec_error(kKind, R"({"equations":[[1,2,4],[2,4,5]]})"),
      "linear_equations: spec: the equations have no single solution (need a determinant other than 0)");
  EXPECT_EQ(spec_error(kKind, R"({"equations":[[1,2,4]]})"),
            "linear_equations: spec: an equation has 3 entries (need 2 .. 2)");
  EXPECT_EQ(spec_error(kKind, R"({"equations":[[1000001,2]]})"),
            "linear_equations: spec: a coefficient is 1000001 (need -1000000 .. 1000000)");
  // The largest determinants do not overflow (the sanitizers watch).
  EXPECT_EQ(grade_of("x = 1, y = 0, z = 0", R"({"equations":[[1000000,1000000,-1000000,1000000],
      [-1000000,1000000,1000000,-1000000],[1000000,-1000000,1000000,1000000]]})"),
            Grade::equal);
}

/// Value of one side of an equation times `scale`, where unknown i is numerator[i] / scale.
std::int64_t side_value(const std::string& text, const std::map<char, std::int64_t>& numerators,
                        std::int64_t scale) {
  std::int64_t sum = 0;
  std::int64_t sign = 1;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '-' || text[at] == '+') {
      sign = text[at] == '-' ? -1 : 1;
      ++at;
    } else if (text[at] == ' ') {
      ++at;
    } else {
      std::int64_t factor = 0;
      bool has_digits = false;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        factor = factor * 10 + (text[at] - '0');
        has_digits = true;
      }
      if (!has_digits) factor = 1;
      const bool has_name = at < text.size() && text[at] >= 'x' && text[at] <= 'z';
      sum += sign * factor * (has_name ? numerators.at(text[at++]) : scale);
    }
  }
  return sum;
}

TEST(LinearEquations, EverySolutionFulfilsTheEquationsOfItsPrompt) {
  std::map<std::int64_t, int> fractions;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    std::map<char, std::pair<std::int64_t, std::int64_t>> values;
    for (std::size_t at = 0; at < problem.answer.size();) {
      const std::size_t end = std::min(problem.answer.find(", ", at), problem.answer.size());
      const std::string value = problem.answer.substr(at + 4, end - at - 4);
      const std::size_t slash = value.find('/');
      values[problem.answer[at]] = {std::stoll(value),
                                    slash == std::string::npos ? 1 : std::stoll(value.substr(slash + 1))};
      at = end + 2;
    }
    std::int64_t scale = 1;
    for (const auto& [name, value] : values) scale = std::lcm(scale, value.second);
    fractions[problem.level] += scale > 1 ? 1 : 0;
    std::map<char, std::int64_t> numerators;
    for (const auto& [name, value] : values) numerators[name] = value.first * (scale / value.second);
    std::istringstream lines(problem.prompt);
    std::string line;
    std::size_t num_equations = 0;
    std::getline(lines, line);
    while (std::getline(lines, line) && !line.starts_with("Answer")) {
      const std::size_t equals = line.find(" = ");
      EXPECT_EQ(side_value(line.substr(0, equals), numerators, scale),
                side_value(line.substr(equals + 3), numerators, scale))
          << line;
      ++num_equations;
    }
    EXPECT_EQ(num_equations, values.size());
    EXPECT_EQ(num_equations, problem.level <= 2 ? 1u : problem.level <= 4 ? 2u : 3u);
  });
  EXPECT_EQ(fractions[1] + fractions[3], 0);
  for (const std::int64_t level : {2, 4, 5}) EXPECT_GT(fractions[level], 100) << level;
  testing::check_counts(kKind);
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(1), 27'060u);
}

TEST(LinearEquations, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(3, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Solve for x and y:\n4x - 5y = 25\n-9x + 4y = 67\nAnswer with exact values, whole numbers or "
            "fractions, in a form like x = 7/3, y = -4.");
  EXPECT_EQ(problem.trace,
            "<think>With the unknowns on the left:\n4x - 5y = 25\n-9x + 4y = 67\nBy Cramer's rule the "
            "determinant is D = -29.\nDx = 435, so x = 435 / -29 = -15.\nDy = 493, so y = 493 / -29 = "
            "-17.</think><answer>x = -15, y = -17</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "b694ee2f7b1b7879 4913d009204eb520");
}

}  // namespace
}  // namespace reckon
