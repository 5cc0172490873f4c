#include <algorithm>
#include <array>
#include <bit>
#include <map>

#include "../../../src/task/puzzles/grid_answer.h"
#include "../../../src/task/puzzles/grid_latin.h"
#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using ::testing::ElementsAre;
using testing::expect_grade;
using testing::spec_error;

TEST(ReadGrid, ReadsRowsWrittenInEveryHarmlessWay) {
  for (const std::string_view text : {"1 2\n2 1", "12\n21", "1,2\n2,1", "1, 2,\n2, 1", " 1  2 \r\n\n 2 1 \n",
                                      "1 2 2 1", "1221", "1 2, 2 1", "1 2\n2 1."}) {
    const auto rows = read_grid(text, "012", 2, 2);
    ASSERT_TRUE(rows.has_value()) << text;
    EXPECT_THAT(*rows, ElementsAre(ElementsAre(1, 2), ElementsAre(2, 1))) << text;
  }
  EXPECT_THAT(*read_grid("q.\n.Q", ".Q", 2, 2), ElementsAre(ElementsAre(1, 0), ElementsAre(0, 1)));
}

TEST(ReadGrid, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "1 2 2",
                                      "1 2 2 1 1",
                                      "1\n2 2 1",
                                      "1 2 2\n1",
                                      "1,,2 2 1",
                                      ",1 2 2 1",
                                      "1 2 2 1,",
                                      "1 2 2 1, .",
                                      "1 2;2 1",
                                      "1 2|2 1",
                                      "1 2 / 2 1",
                                      "1 2 2 3",
                                      "1 2 2 a",
                                      "[1 2 2 1]",
                                      "1 2 2 1..",
                                      "1.2 2 1",
                                      "-1 2 2 1",
                                      "1 2 2 1 or",
                                      "\xEF\xBC\x91 2 2 1",
                                      "1\xC2\xA0"
                                      "2 2 1"}) {
    EXPECT_FALSE(read_grid(text, "012", 2, 2).has_value()) << text;
  }
  EXPECT_FALSE(read_grid(".Q\nQ..", ".Q", 2, 2).has_value());  // a dot is a cell here
}

constexpr std::string_view kMiniSpec = R"({"givens":[[1,0,0,0],[0,0,0,2],[0,1,0,0],[0,0,3,0]]})";

TEST(MiniSudokuVerifier, AcceptsByTheRules) {
  // Column 3 has 3 and 4 left for rows 1 and 3, columns 1 and 2 for rows 2 and 4: 2 * 2 solutions.
  constexpr std::string_view kFour = R"({"givens":[[1,2,0,0],[0,0,1,2],[2,1,0,0],[0,0,2,1]]})";
  expect_grade(TaskKind::mini_sudoku, kFour, Grade::equal,
               {"1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1", "1 2 4 3\n4 3 1 2\n2 1 3 4\n3 4 2 1",
                "1234\n3412\n2143\n4321", "1234,3412,2143,4321."});
  expect_grade(TaskKind::mini_sudoku, kFour, Grade::different,
               {"1 2 3 4\n3 4 1 2\n2 1 3 4\n4 3 2 1",  // columns 3 and 4 hold digits twice
                "2 1 3 4\n3 4 1 2\n1 2 4 3\n4 3 2 1",  // a sudoku, but givens are changed
                "1 2 0 0\n0 0 1 2\n2 1 0 0\n0 0 2 1",  // the givens alone
                "1 2 . .\n. . 1 2\n2 1 . .\n. . 2 1", "1 1 1 1\n1 1 1 1\n1 1 1 1\n1 1 1 1",
                "1 2 3 4\n3 4 1 2\n2 1 4 3", "1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1\n1 2 3 4",
                "1 2 4 3\n4 3 1 2\n2 1 3 4\n3 4 2 1\n\n1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1"});
  // Rows and columns are right, boxes are not.
  expect_grade(TaskKind::mini_sudoku, R"({"givens":[[1,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]})",
               Grade::different, {"1 2 3 4\n2 3 4 1\n3 4 1 2\n4 1 2 3"});
}

TEST(MiniSudokuVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::mini_sudoku, spec); };
  EXPECT_EQ(error("{}"), "mini_sudoku: spec: no \"givens\" (need a member of that name)");
  EXPECT_EQ(error(R"({"givens":[[0,0,0,0]]})"),
            "mini_sudoku: spec: \"givens\" has 1 entries (need an array of 4 arrays)");
  EXPECT_EQ(error(R"({"givens":[[0],[0],[0],[0]]})"),
            "mini_sudoku: spec: \"givens\" has 1 entries (need an array of 4 numbers in each)");
  EXPECT_EQ(error(R"({"givens":[[0,0,0,5],[0,0,0,0],[0,0,0,0],[0,0,0,0]]})"),
            "mini_sudoku: spec: \"givens\" has 5 (need whole numbers, 0 to 4)");
  EXPECT_EQ(error(R"({"givens":[1,2,3,4]})"),
            "mini_sudoku: spec: \"givens\" has a JSON number (need an array of 4 numbers in each)");
  EXPECT_EQ(spec_error(TaskKind::sudoku, kMiniSpec),
            "sudoku: spec: \"givens\" has 4 entries (need an array of 9 arrays)");
}

/// Counts completions cell by cell from the first, by the rules as they are said. At most 2.
int brute_force(GridRows& grid, int box, std::size_t cell = 0) {
  const std::size_t size = grid.size();
  if (cell == size * size) return 1;
  const std::size_t row = cell / size;
  const std::size_t column = cell % size;
  if (grid[row][column] != 0) return brute_force(grid, box, cell + 1);
  int count = 0;
  for (int digit = 1; digit <= static_cast<int>(size) && count < 2; ++digit) {
    bool fits = true;
    const std::size_t side = static_cast<std::size_t>(box);
    for (std::size_t i = 0; i < size; ++i) {
      fits = fits && grid[row][i] != digit && grid[i][column] != digit &&
             grid[row / side * side + i / side][column / side * side + i % side] != digit;
    }
    if (!fits) continue;
    grid[row][column] = digit;
    count += brute_force(grid, box, cell + 1);
    grid[row][column] = 0;
  }
  return count;
}

/// How many cells are left when only naked singles, or naked and hidden ones, are filled in; by sets of
/// candidates that are crossed out.
int left_after_singles(const GridRows& givens, bool hidden_too) {
  std::array<std::array<unsigned, 9>, 9> candidates;
  for (auto& row : candidates) row.fill(0x1FF);
  int left = 81;
  std::array<std::array<bool, 9>, 9> filled{};
  const auto fill = [&](int row, int column, unsigned bit) {
    filled[row][column] = true;
    --left;
    for (int i = 0; i < 9; ++i) {
      candidates[row][i] &= ~bit;
      candidates[i][column] &= ~bit;
      candidates[row / 3 * 3 + i / 3][column / 3 * 3 + i % 3] &= ~bit;
    }
    candidates[row][column] = 0;
  };
  for (int cell = 0; cell < 81; ++cell) {
    if (givens[cell / 9][cell % 9] != 0) fill(cell / 9, cell % 9, 1u << (givens[cell / 9][cell % 9] - 1));
  }
  for (bool again = true; again;) {
    again = false;
    for (int cell = 0; cell < 81; ++cell) {
      const unsigned digits = candidates[cell / 9][cell % 9];
      if (!filled[cell / 9][cell % 9] && std::popcount(digits) == 1) {
        fill(cell / 9, cell % 9, digits);
        again = true;
      }
    }
    for (int unit = 0; unit < 27 && hidden_too && !again; ++unit) {
      for (unsigned bit = 1; bit < 0x200; bit *= 2) {
        int places = 0;
        int place = 0;
        for (int i = 0; i < 9; ++i) {
          const int kind = unit / 9;
          const int u = unit % 9;
          const int cell = kind == 0   ? u * 9 + i
                           : kind == 1 ? i * 9 + u
                                       : (u / 3 * 3 + i / 3) * 9 + u % 3 * 3 + i % 3;
          if ((candidates[cell / 9][cell % 9] & bit) == 0) continue;
          ++places;
          place = cell;
        }
        if (places != 1) continue;
        fill(place / 9, place % 9, bit);
        again = true;
      }
    }
  }
  return left;
}

int num_blanks(const GridRows& givens) {
  int count = 0;
  for (const auto& row : givens) count += static_cast<int>(std::count(row.begin(), row.end(), 0));
  return count;
}

TEST(MiniSudokuGenerator, KeepsThePromisesOfItsLevels) {
  check_levels(TaskKind::mini_sudoku, [](const Problem& problem, const nlohmann::json& spec) {
    GridRows givens = spec["givens"].get<GridRows>();
    ASSERT_EQ(num_blanks(givens), 2 + 2 * problem.level);
    ASSERT_EQ(brute_force(givens, 2), 1) << problem.prompt;
  });
}

TEST(SudokuGenerator, KeepsThePromisesOfItsLevels) {
  const int blanks[] = {20, 30, 40, 48, 54};
  check_levels(TaskKind::sudoku, [&](const Problem& problem, const nlohmann::json& spec) {
    GridRows givens = spec["givens"].get<GridRows>();
    ASSERT_EQ(num_blanks(givens), blanks[problem.level - 1]);
    const int naked = left_after_singles(givens, false);
    const int single = left_after_singles(givens, true);
    ASSERT_TRUE(problem.level > 2 || naked == 0) << problem.prompt;
    ASSERT_TRUE(problem.level < 4 || naked > 0) << problem.prompt;
    ASSERT_EQ(single > 0, problem.level == 5) << problem.prompt;
    if (problem.level < 5 || problem.index % 10 == 0) {  // singles prove that there is one solution, too
      ASSERT_EQ(brute_force(givens, 3), 1) << problem.prompt;
    }
  });
}

/// All 4x4 sudokus, by filling them in from the first cell.
void all_grids(std::vector<int>& cells, std::vector<std::vector<int>>& grids) {
  if (cells.size() == 16) {
    grids.push_back(cells);
    return;
  }
  const int at = static_cast<int>(cells.size());
  for (int digit = 1; digit <= 4; ++digit) {
    bool fits = true;
    for (int other = 0; other < at; ++other) {
      const bool sees =
          other / 4 == at / 4 || other % 4 == at % 4 || (other / 8 == at / 8 && other % 4 / 2 == at % 4 / 2);
      fits = fits && !(sees && cells[static_cast<std::size_t>(other)] == digit);
    }
    if (!fits) continue;
    cells.push_back(digit);
    all_grids(cells, grids);
    cells.pop_back();
  }
}

TEST(MiniSudokuGenerator, CountsItsProblemsAsBruteForceDoes) {
  std::vector<int> cells;
  std::vector<std::vector<int>> grids;
  all_grids(cells, grids);
  ASSERT_EQ(grids.size(), 288u);  // a known number
  // Givens on some cells are a problem where one grid alone has them.
  std::uint64_t problems[17] = {};
  for (unsigned mask = 0; mask < (1u << 16); ++mask) {
    const int blanks = 16 - std::popcount(mask);
    if (blanks < 4 || blanks > 12 || blanks % 2 != 0) continue;
    std::vector<std::uint32_t> seen;
    for (const auto& grid : grids) {
      std::uint32_t key = 0;
      for (std::size_t cell = 0; cell < 16; ++cell) {
        if ((mask >> cell) & 1u) key = key * 4 + static_cast<std::uint32_t>(grid[cell] - 1);
      }
      seen.push_back(key);
    }
    std::sort(seen.begin(), seen.end());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const bool alone =
          (i == 0 || seen[i] != seen[i - 1]) && (i + 1 == seen.size() || seen[i] != seen[i + 1]);
      problems[blanks] += alone ? 1 : 0;
    }
  }
  const auto task = make_verifier(TaskKind::mini_sudoku);
  for (const std::int64_t level : task->levels())
    EXPECT_EQ(task->distinct_problems(level), problems[2 + 2 * level]);
}

TEST(MiniSudokuGenerator, ReachesEveryGrid) {  // emptying cells then reaches every problem
  std::set<GridRows> grids;
  RandomStream random(5, 1);
  const LatinPuzzle puzzle(4, 2);
  for (int i = 0; i < 6000; ++i) grids.insert(puzzle.random_grid(random));
  EXPECT_EQ(grids.size(), 288u);
}

TEST(SudokuGenerator, HasManyProblems) {
  for (const std::int64_t level : {1, 2}) testing::expect_many_problems(TaskKind::sudoku, level);
}

TEST(LatinPuzzle, WritesWhyEachCellFollows) {
  // Row 1: 4 is missing in c4. Then column 4 lacks 1 and 3 in r3, r4 ...: one step after the other.
  const GridRows givens = {{1, 2, 3, 0}, {3, 4, 1, 2}, {2, 1, 4, 3}, {4, 3, 2, 0}};
  const GridRows solution = {{1, 2, 3, 4}, {3, 4, 1, 2}, {2, 1, 4, 3}, {4, 3, 2, 1}};
  const LatinSteps steps = LatinPuzzle(4, 2).solve_in_steps(givens, solution);
  EXPECT_EQ(steps.text, "r1c4 = 4: no other digit fits\nr4c4 = 1: no other digit fits");
  EXPECT_EQ(steps.num_naked, 2);
  EXPECT_EQ(steps.num_hidden + steps.num_guesses, 0);
}

TEST(SudokuGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::mini_sudoku), "1d1a7932 7a9e2186 1821942f 6349bac0 60270afb");
  EXPECT_EQ(testing::first_problems(TaskKind::sudoku), "eb107441 25d444ec 4e6680d7 a538a364 c04e0952");
}

}  // namespace
}  // namespace reckon
