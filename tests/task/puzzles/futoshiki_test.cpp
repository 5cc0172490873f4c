#include <algorithm>

#include "../../../src/task/puzzles/grid_answer.h"
#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

// Two cells of the first row, the second less than the first, and one below another.
constexpr std::string_view kSpec = R"({"givens":[[0,0,0],[0,0,0],[0,0,2]],"less":[[0,1,0,0],[0,0,1,0]]})";

TEST(FutoshikiVerifier, AcceptsByTheRules) {
  // r1c2 < r1c1 < r2c1 makes them 1, 2, 3. Then row 1 is 2 1 3, column 1 is 2 3 1; r3c3 = 2 gives 1 3 2 and 3
  // 2 1.
  expect_grade(TaskKind::futoshiki, kSpec, Grade::equal, {"2 1 3\n3 2 1\n1 3 2", "213,321,132."});
  // Without the given there is 2 1 3 / 3 2 1 / 1 3 2 alone, too; without the signs there are others.
  constexpr std::string_view kOpen = R"({"givens":[[0,0,0],[0,0,0],[0,0,2]],"less":[]})";
  expect_grade(TaskKind::futoshiki, kOpen, Grade::equal, {"2 1 3\n3 2 1\n1 3 2", "1 2 3\n2 3 1\n3 1 2"});
}

TEST(FutoshikiVerifier, RefusesEverythingElse) {
  expect_grade(TaskKind::futoshiki, kSpec, Grade::different,
               {"1 2 3\n2 3 1\n3 1 2",  // a square with the given, but 2 < 1 is false
                "3 1 2\n1 2 3\n2 3 1",  // the given is changed
                "2 1 3\n3 3 1\n1 2 2", "2 1 1\n3 3 3\n1 2 2", "2 1 3\n3 2 1", "2 > 1 3\n3 2 1\n1 3 2",
                "0 0 0\n0 0 0\n0 0 2", ". . .\n. . .\n. . 2", "2 1 3\n3 2 1\n1 3 2\n2 1 3\n3 2 1\n1 3 2"});
}

TEST(FutoshikiVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::futoshiki, spec); };
  EXPECT_EQ(error("{}"), "futoshiki: spec: no \"givens\" (need a member of that name)");
  EXPECT_EQ(error(R"({"givens":[[0,0],[0,0]]})"),
            "futoshiki: spec: no \"less\" (need a member of that name)");
  EXPECT_EQ(error(R"({"givens":[[0,0],[0,0,0]],"less":[]})"),
            "futoshiki: spec: \"givens\" has a row of 3 cells (need 2, as there are rows)");
  EXPECT_EQ(error(R"({"givens":[[0,0],[0,0]],"less":[[0,0,0]]})"),
            "futoshiki: spec: \"less\" has 3 entries (need an array of 4 numbers in each)");
  EXPECT_EQ(error(R"({"givens":[[0,0],[0,0]],"less":[[0,0,0,2]]})"),
            "futoshiki: spec: \"less\" has 2 (need whole numbers, 0 to 1)");
  EXPECT_EQ(error(R"({"givens":[[0]],"less":[]})"),
            "futoshiki: spec: \"givens\" has 1 entries (need an array of 2 to 9 arrays)");
}

/// The grid and the signs as they are drawn in the prompt.
struct Drawn {
  GridRows givens;
  std::vector<std::array<std::size_t, 4>> less;
};
Drawn read_prompt(const std::string& prompt, std::size_t size) {
  Drawn drawn;
  std::vector<std::string> lines;
  for (std::size_t begin = prompt.find('\n') + 1; lines.size() < 2 * size - 1;
       begin = prompt.find('\n', begin) + 1) {
    lines.push_back(prompt.substr(begin, prompt.find('\n', begin) - begin));
    lines.back().resize(4 * size - 3, ' ');
  }
  for (std::size_t row = 0; row < size; ++row) {
    drawn.givens.emplace_back();
    for (std::size_t column = 0; column < size; ++column) {
      const char cell = lines[2 * row][4 * column];
      drawn.givens.back().push_back(cell == '.' ? 0 : cell - '0');
      const char right = column + 1 < size ? lines[2 * row][4 * column + 2] : ' ';
      const char below = row + 1 < size ? lines[2 * row + 1][4 * column] : ' ';
      if (right == '<') drawn.less.push_back({row, column, row, column + 1});
      if (right == '>') drawn.less.push_back({row, column + 1, row, column});
      if (below == '^') drawn.less.push_back({row, column, row + 1, column});
      if (below == 'v') drawn.less.push_back({row + 1, column, row, column});
    }
  }
  return drawn;
}

/// Whether a digit breaks no rule as far as the grid is filled.
bool fits(const GridRows& grid, const Drawn& drawn, std::size_t row, std::size_t column, int digit) {
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (grid[row][i] == digit || grid[i][column] == digit) return false;
  }
  for (const auto& less : drawn.less) {
    const int smaller = grid[less[0]][less[1]];
    const int greater = grid[less[2]][less[3]];
    const int above = greater == 0 ? static_cast<int>(grid.size()) : greater;
    if (less[0] == row && less[1] == column && digit >= above) return false;
    if (less[2] == row && less[3] == column && digit <= std::max(smaller, 1)) return false;
  }
  return true;
}

/// Counts completions, at each step at an empty cell that the fewest digits fit. At most 2.
int brute_force(GridRows& grid, const Drawn& drawn) {
  std::vector<int> fewest(grid.size() + 1);
  std::size_t row = 0;
  std::size_t column = 0;
  bool full = true;
  for (std::size_t r = 0; r < grid.size(); ++r) {
    for (std::size_t c = 0; c < grid.size(); ++c) {
      if (grid[r][c] != 0) continue;
      std::vector<int> digits;
      for (int digit = 1; digit <= static_cast<int>(grid.size()); ++digit) {
        if (fits(grid, drawn, r, c, digit)) digits.push_back(digit);
      }
      full = false;
      if (digits.size() >= fewest.size()) continue;
      fewest = digits;
      row = r;
      column = c;
    }
  }
  if (full) return 1;
  int count = 0;
  for (const int digit : fewest) {
    grid[row][column] = digit;
    if (count < 2) count += brute_force(grid, drawn);
    grid[row][column] = 0;
  }
  return count;
}

TEST(FutoshikiGenerator, DrawsWhatItsVerifierGradesWithOneSolution) {
  const std::size_t sizes[] = {4, 4, 5, 6, 7};
  const int givens[] = {3, 1, 2, 4, 8};
  const std::size_t signs[] = {6, 9, 14, 20, 30};
  check_levels(TaskKind::futoshiki, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    Drawn drawn = read_prompt(problem.prompt, sizes[level]);
    ASSERT_EQ(spec["givens"].get<GridRows>(), drawn.givens) << problem.prompt;
    auto less = spec["less"].get<std::vector<std::array<std::size_t, 4>>>();
    std::sort(less.begin(), less.end());
    std::sort(drawn.less.begin(), drawn.less.end());
    ASSERT_EQ(less, drawn.less) << problem.prompt;
    ASSERT_EQ(less.size(), signs[level]);
    int count = 0;
    for (const auto& row : drawn.givens)
      count += static_cast<int>(row.size() - std::count(row.begin(), row.end(), 0));
    ASSERT_EQ(count, givens[level]);
    GridRows grid = drawn.givens;
    ASSERT_EQ(brute_force(grid, drawn), 1) << problem.prompt;
  });
}

TEST(FutoshikiGenerator, HasManyProblems) {
  for (const std::int64_t level : {1, 2, 3}) testing::expect_many_problems(TaskKind::futoshiki, level);
}

TEST(FutoshikiGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::futoshiki), "d970370e bf380dc5 1cc83bee 68f73eed 672579a0");
}

}  // namespace
}  // namespace reckon
