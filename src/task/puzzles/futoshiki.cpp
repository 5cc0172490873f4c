#include <algorithm>
#include <array>

#include "generated_task.h"
#include "grid_latin.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

struct Level {
  int size = 0;
  int num_givens = 0;
  int num_less = 0;  ///< inequality signs, of 2 * size * (size - 1) places
};
constexpr std::array kLevels = {Level{4, 3, 6}, Level{4, 1, 9}, Level{5, 2, 14}, Level{6, 4, 20},
                                Level{7, 8, 30}};
/// Grids tried after which the generator has a defect.
constexpr int kMaxTries = 2000;
constexpr int kMaxSize = 9;
constexpr std::string_view kDigits = ".123456789";

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// Signs at random places between neighbours, in the order of their places, as the digits of the grid have
/// them.
std::vector<GridLess> random_less(const GridRows& grid, int count, RandomStream& random) {
  const int size = static_cast<int>(grid.size());
  const int num_places = size * (size - 1);  // between columns; as many between rows
  std::vector<int> places = random_order(2 * num_places, random);
  places.resize(at(count));
  std::sort(places.begin(), places.end());
  std::vector<GridLess> less;
  for (const int place : places) {
    const bool across = place < num_places;
    const int index = place % num_places;
    const int row = across ? index / (size - 1) : index / size;
    const int column = across ? index % (size - 1) : index % size;
    GridLess pair{row, column, across ? row : row + 1, across ? column + 1 : column};
    if (grid[at(pair.row)][at(pair.column)] > grid[at(pair.greater_row)][at(pair.greater_column)]) {
      std::swap(pair.row, pair.greater_row);
      std::swap(pair.column, pair.greater_column);
    }
    less.push_back(pair);
  }
  return less;
}

/// The board with a sign between cells that have one: < > in a row, ^ v between two rows.
std::string board_text(const GridRows& givens, const std::vector<GridLess>& less) {
  const std::size_t size = givens.size();
  std::vector<std::string> lines(2 * size - 1, std::string(4 * size - 3, ' '));
  for (std::size_t row = 0; row < size; ++row) {
    for (std::size_t column = 0; column < size; ++column)
      lines[2 * row][4 * column] = kDigits[at(givens[row][column])];
  }
  for (const GridLess& pair : less) {
    char sign = pair.column < pair.greater_column ? '<' : '>';
    if (pair.column == pair.greater_column) sign = pair.row < pair.greater_row ? '^' : 'v';
    lines[at(pair.row + pair.greater_row)][at(2 * (pair.column + pair.greater_column))] = sign;
  }
  std::string text;
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

class FutoshikiTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::futoshiki; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridSpec rules(kind(), spec);
    const GridRows givens = read_givens(rules);
    const int size = static_cast<int>(givens.size());
    const LatinPuzzle puzzle(size, 0, read_less(rules, size));
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    auto rows = read_grid(answer, kDigits.substr(1, givens.size()), size, size);
    if (!rows) return Grade::different;
    for (auto& row : *rows) {
      for (int& digit : row) ++digit;
    }
    return keeps_givens(*rows, givens) && puzzle.is_solved(*rows) ? Grade::equal : Grade::different;
  }

  /// The solution with another digit in the first cell.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    answer[0] = answer[0] == '1' ? '2' : '1';
    return answer;
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return std::nullopt;
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(at(static_cast<int>(level_number) - 1));
    const LatinPuzzle squares(level.size, 0);
    for (int i = 0; i < kMaxTries; ++i) {
      const GridRows solution = squares.random_grid(random);
      const std::vector<GridLess> less = random_less(solution, level.num_less, random);
      const LatinPuzzle puzzle(level.size, 0, less);
      GridRows givens = solution;
      if (!puzzle.empty_cells(level.size * level.size - level.num_givens, random, givens)) continue;
      return make_draft(givens, less, solution, puzzle.solve_in_steps(givens, solution));
    }
    throw Error(ExitCode::internal, "futoshiki: no problem of level " + std::to_string(level_number) +
                                        " in " + std::to_string(kMaxTries) + " grids");
  }

 private:
  static GridRows read_givens(const GridSpec& rules) {
    GridRows givens = rules.rows("givens", {2, kMaxSize}, {2, kMaxSize}, {0, kMaxSize});
    for (const auto& row : givens) {
      if (row.size() != givens.size()) {
        rules.fail("\"givens\" has a row of " + std::to_string(row.size()) + " cells (need " +
                   std::to_string(givens.size()) + ", as there are rows)");
      }
    }
    return givens;
  }
  static std::vector<GridLess> read_less(const GridSpec& rules, int size) {
    std::vector<GridLess> less;
    for (const auto& pair : rules.rows("less", {0, 4 * size * size}, {4, 4}, {0, size - 1})) {
      less.push_back({pair[0], pair[1], pair[2], pair[3]});
    }
    return less;
  }
  [[nodiscard]] static Draft make_draft(const GridRows& givens, const std::vector<GridLess>& less,
                                        const GridRows& solution, const LatinSteps& steps) {
    const std::string size = std::to_string(givens.size());
    const std::string form = std::string("1 2 3 4 5 6 7 8 9").substr(0, givens.size() * 2 - 1);
    Draft draft;
    draft.prompt =
        "Complete the " + size + "x" + size +
        " futoshiki: every row and every column must hold each digit from 1 to " + size +
        " once, and the signs must hold. Dots are empty cells; < and > compare neighbours in a row, ^ says "
        "that the cell above is the smaller one, v that the cell below is.\n" +
        board_text(givens, less) + "Answer with the " + size +
        " completed rows from the top without signs, one a line, each in the form " + form + ".";
    GridRows pairs;
    for (const GridLess& pair : less)
      pairs.push_back({pair.row, pair.column, pair.greater_row, pair.greater_column});
    draft.spec = nlohmann::json{{"givens", givens}, {"less", pairs}}.dump();
    draft.answer = grid_text(solution, kDigits, " ");
    draft.steps = "r1c2 is the cell in row 1, column 2.\n" + steps.text;
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_futoshiki_task(std::string name) {
  return std::make_unique<FutoshikiTask>(std::move(name));
}

}  // namespace reckon
