#include <algorithm>
#include <array>

#include "generated_task.h"
#include "grid_answer.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

struct Level {
  int size = 0;
  int num_given = 0;           ///< queens left on each board
  int num_boards = 1;          ///< small boards have few solutions: one board alone could be guessed
  std::uint64_t distinct = 0;  ///< by exhaustion; 0: far too many to count
};
constexpr std::array kLevels = {Level{4, 1, 3, 512}, Level{6, 2, 2, 3600}, Level{8, 3, 1, 4032},
                                Level{10, 3, 1, 39'840}, Level{12, 3, 1, 0}};
constexpr std::string_view kSymbols = ".Q";
constexpr int kMaxSize = 32;
constexpr int kMaxBoards = 8;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// Whether two queens attack each other. Columns of queens are listed by row.
bool attacks(int row, int column, int other_row, int other_column) {
  const int rows = std::abs(row - other_row);
  const int columns = std::abs(column - other_column);
  return rows == 0 || columns == 0 || rows == columns;
}

/// Puts queens into the rows from columns.size() on, each row's columns in a random order.
bool place_queens(int size, RandomStream& random, std::vector<int>& columns) {
  const int row = static_cast<int>(columns.size());
  if (row == size) return true;
  for (const int column : random_order(size, random)) {
    bool attacked = false;
    for (int other = 0; other < row && !attacked; ++other)
      attacked = attacks(row, column, other, columns[at(other)]);
    if (attacked) continue;
    columns.push_back(column);
    if (place_queens(size, random, columns)) return true;
    columns.pop_back();
  }
  return false;
}

/// Whether rows begin .. begin + size - 1 are a board with a queen in each row of which none attacks another.
bool is_solved(const GridRows& rows, int begin, int size) {
  std::vector<int> columns;
  for (int row = 0; row < size; ++row) {
    const auto& cells = rows[at(begin + row)];
    if (std::count(cells.begin(), cells.end(), 1) != 1) return false;
    columns.push_back(static_cast<int>(std::find(cells.begin(), cells.end(), 1) - cells.begin()));
    for (int other = 0; other < row; ++other) {
      if (attacks(row, columns[at(row)], other, columns[at(other)])) return false;
    }
  }
  return true;
}

std::string list_text(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

/// The queens' columns, and that no two of them share a column or a diagonal.
std::string check_text(const std::vector<int>& columns) {
  std::vector<int> numbered;
  std::vector<int> sums;
  std::vector<int> differences;
  for (std::size_t row = 0; row < columns.size(); ++row) {
    numbered.push_back(columns[row] + 1);
    sums.push_back(columns[row] + 1 + static_cast<int>(row) + 1);
    differences.push_back(columns[row] - static_cast<int>(row));
  }
  return "Columns of the queens, row by row: " + list_text(numbered) +
         ", all different. Row + column: " + list_text(sums) +
         ", all different. Column - row: " + list_text(differences) + ", all different.\n";
}

/// The boards one under the other, an empty line between them.
std::string boards_text(const GridRows& rows, int size) {
  std::string text;
  for (auto row = rows.begin(); row != rows.end(); row += size) {
    text += (text.empty() ? "" : "\n\n") + grid_text(GridRows(row, row + size), kSymbols, " ");
  }
  return text;
}

class QueensTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::n_queens; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridSpec rules(kind(), spec);
    const int size = rules.integer("size", {1, kMaxSize});
    const GridRows givens = rules.rows("boards", {size, size * kMaxBoards}, {size, size}, {0, 1});
    const int num_rows = static_cast<int>(givens.size());
    if (num_rows % size != 0) {
      rules.fail("\"boards\" has " + std::to_string(num_rows) + " rows (need whole boards of " +
                 std::to_string(size) + ")");
    }
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const auto rows = read_grid(answer, kSymbols, num_rows, size);
    if (!rows || !keeps_givens(*rows, givens)) return Grade::different;
    for (int begin = 0; begin < num_rows; begin += size) {
      if (!is_solved(*rows, begin, size)) return Grade::different;
    }
    return Grade::equal;
  }

  /// The solution with its first queen in another column.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    const std::size_t queen = answer.find('Q');
    const bool last = answer[queen + 1] == '\n';
    std::swap(answer[queen], answer[last ? queen - 2 : queen + 2]);
    return answer;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = kLevels.at(static_cast<std::size_t>(level - 1)).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    GridRows givens;
    GridRows solution;
    std::string steps;
    for (int board = 0; board < level.num_boards; ++board) {
      std::vector<int> columns;
      if (!place_queens(level.size, random, columns)) {
        throw Error(ExitCode::internal, "n_queens: no board of size " + std::to_string(level.size));
      }
      steps += check_text(columns);
      const std::vector<int> order = random_order(level.size, random);
      for (int row = 0; row < level.size; ++row) {
        std::vector<int> cells(at(level.size));
        cells[at(columns[at(row)])] = 1;
        solution.push_back(cells);
        if (order[at(row)] >= level.num_given) cells[at(columns[at(row)])] = 0;
        givens.push_back(cells);
      }
    }
    steps.pop_back();
    return make_draft(level, givens, solution, steps);
  }

 private:
  static Draft make_draft(const Level& level, const GridRows& givens, const GridRows& solution,
                          const std::string& steps) {
    const std::string size = std::to_string(level.size);
    const bool one = level.num_boards == 1;
    std::string form;
    for (int i = 0; i < level.size; ++i) form += i == 0 ? "." : i == 1 ? " Q" : " .";
    Draft draft;
    draft.prompt =
        (one ? "Complete the board"
             : "Complete each of the " + std::to_string(level.num_boards) + " boards") +
        " of " + size + "x" + size + " cells so that it has " + size +
        " queens (Q), none of which attacks another: no two on one board stand in the same row, column or "
        "diagonal. The queens that are there stay.\n" +
        boards_text(givens, level.size) + "\nAnswer with the " + size + " rows of " +
        (one ? "the board" : "each board, in the same order") + ", one a line, each in the form " + form +
        " with a dot for an empty cell.";
    draft.spec = nlohmann::json{{"size", level.size}, {"boards", givens}}.dump();
    draft.answer = boards_text(solution, level.size);
    draft.steps = steps;
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_n_queens_task(std::string name) {
  return std::make_unique<QueensTask>(std::move(name));
}

}  // namespace reckon
