#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

// Two shortest ways of four steps, and one of six round the outside.
constexpr std::string_view kSpec = R"({"grid":["S..",".#.","..G"]})";

TEST(ShortestPathVerifier, AcceptsEveryShortestWay) {
  expect_grade(TaskKind::shortest_path, kSpec, Grade::equal,
               {"right right down down", "down down right right", "Right, Right, Down, Down.",
                "RIGHT\nRIGHT\nDOWN\nDOWN", " down  down ,right\tright "});
}

TEST(ShortestPathVerifier, RefusesEverythingElse) {
  expect_grade(TaskKind::shortest_path, kSpec, Grade::different,
               {"right down right down",  // through the block
                "right right down",
                "right right down down down",
                "right left right right down down",
                "up right right down down",
                "down right",
                "infeasible",
                "right right down down or down down right right",
                "r r d d",
                "rightrightdowndown",
                "right;right;down;down",
                "right right down down,",
                ",right right down down",
                "right,,right down down",
                "right right down down..",
                "2 right 2 down",
                "right-right-down-down",
                "go right right down down",
                "\"right right down down\"",
                "\xE2\x86\x92 \xE2\x86\x92 \xE2\x86\x93 \xE2\x86\x93",
                "right right down down infeasible"});
}

TEST(ShortestPathVerifier, AcceptsInfeasibleWhereThereIsNoWay) {
  constexpr std::string_view kWall = R"({"grid":["S.#.","..#G"]})";
  expect_grade(TaskKind::shortest_path, kWall, Grade::equal, {"infeasible", "Infeasible.", " INFEASIBLE\n"});
  expect_grade(TaskKind::shortest_path, kWall, Grade::different,
               {"right right right down", "not feasible", "infeasible infeasible", "infeasible or right",
                "no", "feasible", "infeasiblex", "in feasible"});
}

TEST(ShortestPathVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::shortest_path, spec); };
  EXPECT_EQ(error("{}"), "shortest_path: spec: no \"grid\" (need a member of that name)");
  EXPECT_EQ(error(R"({"grid":[]})"),
            "shortest_path: spec: \"grid\" has 0 entries (need an array of 1 to 64 strings)");
  EXPECT_EQ(error(R"({"grid":["SG","."]})"),
            "shortest_path: spec: \"grid\" has rows of different lengths (need equal ones)");
  EXPECT_EQ(error(R"({"grid":["SG?"]})"),
            "shortest_path: spec: \"grid\" has other cells than . # S G (need these)");
  EXPECT_EQ(error(R"({"grid":["S.."]})"),
            "shortest_path: spec: \"grid\" has not one G (need one S and one G)");
  EXPECT_EQ(error(R"({"grid":["SSG"]})"),
            "shortest_path: spec: \"grid\" has not one S (need one S and one G)");
}

/// Steps of a shortest way by relaxing all cells until nothing changes; -1 where there is none.
int relaxed_distance(const std::vector<std::string>& grid) {
  const std::size_t rows = grid.size();
  const std::size_t columns = grid[0].size();
  constexpr int kFar = 1'000'000;
  std::vector<std::vector<int>> steps(rows, std::vector<int>(columns, kFar));
  int goal = kFar;
  for (bool again = true; again;) {
    again = false;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        if (grid[r][c] == '#') continue;
        int best = grid[r][c] == 'S' ? 0 : kFar;
        if (r > 0) best = std::min(best, steps[r - 1][c] + 1);
        if (r + 1 < rows) best = std::min(best, steps[r + 1][c] + 1);
        if (c > 0) best = std::min(best, steps[r][c - 1] + 1);
        if (c + 1 < columns) best = std::min(best, steps[r][c + 1] + 1);
        again = again || best < steps[r][c];
        steps[r][c] = std::min(steps[r][c], best);
        if (grid[r][c] == 'G') goal = steps[r][c];
      }
    }
  }
  return goal >= kFar ? -1 : goal;
}

TEST(ShortestPathGenerator, KeepsThePromisesOfItsLevels) {
  check_levels(TaskKind::shortest_path, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto grid = spec["grid"].get<std::vector<std::string>>();
    const auto size = static_cast<std::size_t>(2 + 2 * problem.level);
    ASSERT_EQ(grid.size(), size);
    std::string drawn;
    for (const std::string& row : grid) {
      ASSERT_EQ(row.size(), size);
      for (std::size_t c = 0; c < size; ++c) drawn += row.substr(c, 1) + (c + 1 < size ? " " : "\n");
    }
    ASSERT_THAT(problem.prompt, ::testing::HasSubstr("\n" + drawn));
    const int distance = relaxed_distance(grid);
    ASSERT_EQ(problem.answer == "infeasible", distance < 0) << problem.prompt;
    ASSERT_TRUE(distance < 0 || distance >= static_cast<int>(size)) << problem.prompt;
  });
}

TEST(ShortestPathGenerator, HasNoAnswerThatIsOftenRight) {
  const auto task = make_verifier(TaskKind::shortest_path);
  for (const std::int64_t level : task->levels()) {
    std::map<std::string, int> answers;
    for (std::uint64_t index = 0; index < 400; ++index)
      ++answers[task->problem(level, Split::train, 2, index).answer];
    // 15 % of 400, five standard deviations of 7.1 either way.
    EXPECT_NEAR(answers["infeasible"], 60, 36) << "level " << level;
    answers.erase("infeasible");
    for (const auto& [answer, count] : answers) EXPECT_LT(count, 40) << "level " << level << " " << answer;
  }
}

TEST(ShortestPathGenerator, HasManyProblems) {
  for (const std::int64_t level : {1, 2, 3, 4, 5})
    testing::expect_many_problems(TaskKind::shortest_path, level);
}

TEST(ShortestPathGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::shortest_path), "360f9217 04a37e3e bc5f19aa a1d54104 cf5e04cb");
}

}  // namespace
}  // namespace reckon
