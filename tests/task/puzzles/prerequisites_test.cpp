#include <algorithm>
#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

constexpr std::string_view kOrder = R"({"courses":4,"before":[[0,1],[0,2],[1,3],[2,3]]})";  // A < B, C < D
constexpr std::string_view kCycle =
    R"({"courses":4,"before":[[0,1],[1,2],[2,0],[2,3],[3,1]]})";  // A B C and B C D

TEST(PrerequisitesVerifier, AcceptsEveryOrder) {
  expect_grade(TaskKind::prerequisites, kOrder, Grade::equal,
               {"A, B, C, D", "A, C, B, D", "a b c d", "A,B,C,D.", "A\nB\nC\nD", " A ,B , C\t, D "});
  expect_grade(TaskKind::prerequisites, kOrder, Grade::different,
               {"A, B, D, C",
                "B, A, C, D",
                "A, B, C",
                "A, B, C, D, D",
                "A, B, C, D, E",
                "A, A, C, D",
                "ABCD",
                "cycle: A, B, D",
                "cycle: A",
                "cycle:",
                "A; B; C; D",
                "A -> B -> C -> D",
                "A, B, C, D,",
                ",A, B, C, D",
                "A,,B,C,D",
                "order: A, B, C, D",
                "A, B, C, D or A, C, B, D",
                "1, 2, 3, 4",
                "yes",
                "True",
                "A, B, C, D..",
                "\xD0\x90, B, C, D"});
}

TEST(PrerequisitesVerifier, AcceptsEveryCycle) {
  expect_grade(TaskKind::prerequisites, kCycle, Grade::equal,
               {"cycle: A, B, C", "cycle: B, C, A", "Cycle: C A B", "cycle: B, C, D", "cycle: A, B, C, A",
                "cycle:D,B,C."});
  expect_grade(TaskKind::prerequisites, kCycle, Grade::different,
               {"A, B, C, D", "A, B, C", "cycle: C, B, A",  // the wrong way round
                "cycle: A, B", "cycle: A", "cycle: A, A",   // no rule takes B to A, A to A
                "cycle: A, B, C, D",                        // none takes D to A
                "cycle: A, B, C, A, B, C", "cycle: A, B, C, D, B", "cycle: A, B, Z", "cycle A, B, C",
                "cycle: cycle: A, B, C", "cycle: A, B, C cycle: B, C, D", "cyclic", "False", "none"});
}

TEST(PrerequisitesVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::prerequisites, spec); };
  EXPECT_EQ(error("{}"), "prerequisites: spec: no \"courses\" (need a member of that name)");
  EXPECT_EQ(error(R"({"courses":27,"before":[]})"),
            "prerequisites: spec: \"courses\" has 27 (need whole numbers, 2 to 26)");
  EXPECT_EQ(error(R"({"courses":3,"before":[[0,3]]})"),
            "prerequisites: spec: \"before\" has 3 (need whole numbers, 0 to 2)");
  EXPECT_EQ(error(R"({"courses":3,"before":[[1,1]]})"),
            "prerequisites: spec: \"before\" has a course before itself (need two different ones)");
}

/// Whether some order keeps the rules, by the closure: what comes before what, through any number of rules.
bool has_order(std::size_t courses, const std::vector<std::array<std::size_t, 2>>& rules) {
  std::vector<std::vector<bool>> before(courses, std::vector<bool>(courses));
  for (const auto& [a, b] : rules) before[a][b] = true;
  for (std::size_t k = 0; k < courses; ++k) {
    for (std::size_t i = 0; i < courses; ++i) {
      for (std::size_t j = 0; j < courses; ++j) before[i][j] = before[i][j] || (before[i][k] && before[k][j]);
    }
  }
  for (std::size_t i = 0; i < courses; ++i) {
    if (before[i][i]) return false;
  }
  return true;
}

TEST(PrerequisitesGenerator, KeepsThePromisesOfItsLevels) {
  const std::size_t courses[] = {4, 6, 8, 12, 20};
  const std::size_t num_rules[] = {5, 9, 14, 24, 44};
  check_levels(TaskKind::prerequisites, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    ASSERT_EQ(spec["courses"], courses[level]);
    const auto rules = spec["before"].get<std::vector<std::array<std::size_t, 2>>>();
    ASSERT_EQ(rules.size(), num_rules[level]);
    std::string list;
    std::set<std::set<std::size_t>> pairs;
    for (const auto& [a, b] : rules) {
      pairs.insert({a, b});
      list += (list.empty() ? "" : ", ") + std::string(1, static_cast<char>('A' + a)) + " before " +
              static_cast<char>('A' + b);
    }
    ASSERT_EQ(pairs.size(), rules.size());
    ASSERT_THAT(problem.prompt, ::testing::HasSubstr("rules: " + list + ". Give"));
    ASSERT_EQ(problem.answer.starts_with("cycle: "), !has_order(courses[level], rules)) << problem.prompt;
  });
}

TEST(PrerequisitesGenerator, HasCyclesHalfOfTheTime) {
  const auto task = make_verifier(TaskKind::prerequisites);
  for (const std::int64_t level : task->levels()) {
    int cyclic = 0;
    for (std::uint64_t index = 0; index < 400; ++index) {
      cyclic += task->problem(level, Split::train, 2, index).answer.starts_with("cycle: ") ? 1 : 0;
    }
    EXPECT_NEAR(cyclic, 200, 50) << "level " << level;  // five standard deviations
  }
}

TEST(PrerequisitesGenerator, CountsItsProblems) {
  EXPECT_EQ(make_verifier(TaskKind::prerequisites)->distinct_problems(1),
            192u);  // 6 pairs left out, 2^5 directions
  EXPECT_EQ(testing::count_drawn(TaskKind::prerequisites, 1, 8000), 192u);
  for (const std::int64_t level : {2, 3, 4, 5}) testing::expect_many_problems(TaskKind::prerequisites, level);
}

TEST(PrerequisitesGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::prerequisites), "1ce111f6 809cc321 88804466 d5c545e2 cc154e4d");
}

}  // namespace
}  // namespace reckon
