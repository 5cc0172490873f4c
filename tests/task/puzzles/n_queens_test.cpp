#include <algorithm>
#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

using Rows = std::vector<std::vector<int>>;

TEST(QueensVerifier, AcceptsEveryCompletion) {
  // The two solutions for 4 queens.
  constexpr std::string_view kEmpty = R"({"size":4,"boards":[[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]})";
  expect_grade(TaskKind::n_queens, kEmpty, Grade::equal,
               {". Q . .\n. . . Q\nQ . . .\n. . Q .", "..Q.\nQ...\n...Q\n.Q..", "..q.,q...,...q,.q.."});
  expect_grade(TaskKind::n_queens, kEmpty, Grade::different,
               {". Q . .\n. . . Q\nQ . . .\n. . . Q",  // one column twice
                ". Q . .\nQ . . .\n. . . Q\n. . Q .",  // diagonals
                ". Q . .\n. . . Q\nQ . . .\n. . . .", ". Q . .\n. . . Q\nQ . . .\n. Q Q .", "2 4 1 3",
                ". Q . .\n. . . Q\nQ . . .", "[[0,1,0,0],[0,0,0,1],[1,0,0,0],[0,0,1,0]]",
                "_ Q _ _\n_ _ _ Q\nQ _ _ _\n_ _ Q _", ".Q..\n...Q\nQ...\n..Q..",
                ". Q . .\n. . . Q\nQ . . .\n. . Q .\n\n. . Q .\nQ . . .\n. . . Q\n. Q . ."});
}

TEST(QueensVerifier, KeepsTheGivensOfEveryBoard) {
  constexpr std::string_view kTwo =
      R"({"size":4,"boards":[[0,1,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,1,0,0]]})";
  const std::string first = ".Q..\n...Q\nQ...\n..Q.";
  const std::string second = "..Q.\nQ...\n...Q\n.Q..";
  const auto task = make_verifier(TaskKind::n_queens);
  EXPECT_EQ(task->grade(kTwo, first + "\n\n" + second), Grade::equal);
  EXPECT_EQ(task->grade(kTwo, first + "\n" + second), Grade::equal);
  EXPECT_EQ(task->grade(kTwo, second + "\n\n" + first), Grade::different);
  EXPECT_EQ(task->grade(kTwo, first + "\n\n" + first), Grade::different);
  EXPECT_EQ(task->grade(kTwo, first), Grade::different);
}

TEST(QueensVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::n_queens, spec); };
  EXPECT_EQ(error("{}"), "n_queens: spec: no \"size\" (need a member of that name)");
  EXPECT_EQ(error(R"({"size":33,"boards":[]})"),
            "n_queens: spec: \"size\" has 33 (need whole numbers, 1 to 32)");
  EXPECT_EQ(error(R"({"size":2,"boards":[[0,0]]})"),
            "n_queens: spec: \"boards\" has 1 entries (need an array of 2 to 16 arrays)");
  EXPECT_EQ(error(R"({"size":2,"boards":[[0,0],[0,0],[0,0]]})"),
            "n_queens: spec: \"boards\" has 3 rows (need whole boards of 2)");
  EXPECT_EQ(error(R"({"size":2,"boards":[[0,2],[0,0]]})"),
            "n_queens: spec: \"boards\" has 2 (need whole numbers, 0 to 1)");
}

/// All solutions, as columns by row: permutations whose diagonals are tried at the end.
std::vector<std::vector<int>> all_solutions(int size) {
  std::vector<int> columns;
  for (int i = 0; i < size; ++i) columns.push_back(i);
  std::vector<std::vector<int>> found;
  do {
    bool good = true;
    for (std::size_t i = 0; i < columns.size() && good; ++i) {
      for (std::size_t j = 0; j < i && good; ++j)
        good = std::abs(columns[i] - columns[j]) != static_cast<int>(i - j);
    }
    if (good) found.push_back(columns);
  } while (std::next_permutation(columns.begin(), columns.end()));
  return found;
}

/// Boards with `given` queens that some solution has.
std::size_t num_boards(int size, int given) {
  std::set<std::vector<int>> boards;
  for (const auto& solution : all_solutions(size)) {
    for (unsigned kept = 0; kept < (1u << size); ++kept) {
      if (std::popcount(kept) != given) continue;
      std::vector<int> board = solution;
      for (std::size_t row = 0; row < board.size(); ++row) {
        if (((kept >> row) & 1u) == 0) board[row] = -1;
      }
      boards.insert(board);
    }
  }
  return boards.size();
}

TEST(QueensGenerator, CountsItsProblemsAsBruteForceDoes) {
  const auto task = make_verifier(TaskKind::n_queens);
  const std::size_t small = num_boards(4, 1);
  const std::size_t medium = num_boards(6, 2);
  EXPECT_EQ(task->distinct_problems(1), small * small * small);
  EXPECT_EQ(task->distinct_problems(2), medium * medium);
  EXPECT_EQ(task->distinct_problems(3), num_boards(8, 3));
  EXPECT_EQ(task->distinct_problems(4), num_boards(10, 3));
  EXPECT_EQ(testing::count_drawn(TaskKind::n_queens, 1, 8000), small * small * small);
  testing::expect_many_problems(TaskKind::n_queens, 5);
}

TEST(QueensGenerator, KeepsThePromisesOfItsLevels) {
  const std::size_t sizes[] = {4, 6, 8, 10, 12};
  const std::size_t boards[] = {3, 2, 1, 1, 1};
  const int given[] = {1, 2, 3, 3, 3};
  check_levels(TaskKind::n_queens, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    const Rows rows = spec["boards"].get<Rows>();
    ASSERT_EQ(rows.size(), sizes[level] * boards[level]);
    int queens = 0;
    for (const auto& row : rows) queens += static_cast<int>(std::count(row.begin(), row.end(), 1));
    ASSERT_EQ(queens, given[level] * static_cast<int>(boards[level]));
    std::string drawn;
    for (const char c : problem.prompt.substr(problem.prompt.find('\n'),
                                              problem.prompt.rfind('\n') - problem.prompt.find('\n'))) {
      if (c == '.' || c == 'Q') drawn += c;
    }
    std::string expected;
    for (const auto& row : rows) {
      for (const int cell : row) expected += cell == 1 ? 'Q' : '.';
    }
    ASSERT_EQ(drawn, expected) << problem.prompt;
  });
}

TEST(QueensGenerator,
     HasNoAnswerThatIsOftenRight) {  // at level 1 an eighth, at level 2 a sixteenth or a little more
  const auto task = make_verifier(TaskKind::n_queens);
  for (const std::int64_t level : task->levels()) {
    std::map<std::string, int> answers;
    for (std::uint64_t index = 0; index < 400; ++index)
      ++answers[task->problem(level, Split::train, 2, index).answer];
    for (const auto& [answer, count] : answers) EXPECT_LT(count, 90) << "level " << level << "\n" << answer;
  }
}

TEST(QueensGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::n_queens), "d9d75f5d ae95d5f1 52054919 b8d8f32e 8dc67c52");
}

}  // namespace
}  // namespace reckon
