#include "grid_latin.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "reckon/base/error.h"

namespace reckon {
namespace {

constexpr int kMaxSize = 9;
constexpr int kMaxStarts = 1000;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// The grid with the digits used in each row, column and box, as bits.
struct Board {
  const LatinPuzzle& puzzle;
  GridRows cells;
  std::array<unsigned, kMaxSize> rows{}, columns{}, boxes{};

  Board(const LatinPuzzle& shape, const GridRows& givens) : puzzle(shape), cells(givens) {
    for (int row = 0; row < puzzle.size(); ++row) {
      for (int column = 0; column < puzzle.size(); ++column) {
        const int digit = cells[at(row)][at(column)];
        if (digit != 0) toggle(row, column, digit);
      }
    }
  }
  void toggle(int row, int column, int digit) {
    const unsigned bit = 1u << digit;
    rows[at(row)] ^= bit;
    columns[at(column)] ^= bit;
    if (puzzle.has_boxes()) boxes[at(puzzle.box_of(row, column))] ^= bit;
  }
  void set(int row, int column, int digit) {
    cells[at(row)][at(column)] = digit;
    toggle(row, column, digit);
  }
  void clear(int row, int column) {
    toggle(row, column, cells[at(row)][at(column)]);
    cells[at(row)][at(column)] = 0;
  }
  [[nodiscard]] bool is_empty(int row, int column) const { return cells[at(row)][at(column)] == 0; }
  /// Digits that row, column and box leave to an empty cell; the digit of a filled one.
  [[nodiscard]] unsigned free_digits(int row, int column) const {
    if (!is_empty(row, column)) return 1u << cells[at(row)][at(column)];
    unsigned used = rows[at(row)] | columns[at(column)];
    if (puzzle.has_boxes()) used |= boxes[at(puzzle.box_of(row, column))];
    return ~used & ((2u << puzzle.size()) - 2);
  }
  /// Of these, those that the inequalities of the cell leave.
  [[nodiscard]] unsigned candidates(int row, int column) const {
    unsigned digits = free_digits(row, column);
    for (const GridLess& less : puzzle.less_at(row, column)) {
      if (less.row == row && less.column == column) {
        const unsigned greater = free_digits(less.greater_row, less.greater_column);
        digits &= greater == 0 ? 0u : std::bit_floor(greater) - 1;  // below the greatest of the other
      } else {
        const unsigned smaller = free_digits(less.row, less.column);
        digits &= ~((smaller & (~smaller + 1)) * 2 - 1);  // above the least of the other
      }
    }
    return digits;
  }
  /// The empty cell with the fewest candidates. \return false where no cell is empty.
  bool tightest(int& best_row, int& best_column) const {
    int fewest = kMaxSize + 1;
    for (int row = 0; row < puzzle.size(); ++row) {
      for (int column = 0; column < puzzle.size(); ++column) {
        if (!is_empty(row, column)) continue;
        const int count = std::popcount(candidates(row, column));
        if (count >= fewest) continue;
        fewest = count;
        best_row = row;
        best_column = column;
      }
    }
    return fewest <= kMaxSize;
  }
};

/// Depth-first search at the tightest cell. \param order  the order in which digits are tried.
int search(Board& board, int limit, const std::vector<int>& order, GridRows& solution) {
  int row = 0;
  int column = 0;
  if (!board.tightest(row, column)) {
    solution = board.cells;
    return 1;
  }
  const unsigned candidates = board.candidates(row, column);
  int count = 0;
  for (const int digit : order) {
    if (((candidates >> digit) & 1u) == 0) continue;
    board.set(row, column, digit);
    count += search(board, limit - count, order, solution);
    board.clear(row, column);
    if (count >= limit) break;
  }
  return count;
}

std::string place(int row, int column, int digit) {
  return "r" + std::to_string(row + 1) + "c" + std::to_string(column + 1) + " = " + std::to_string(digit);
}

/// The unit, if any, in which a cell is the only place for a digit.
std::string only_place_in(const Board& board, int row, int column, int digit) {
  const LatinPuzzle& puzzle = board.puzzle;
  bool in_row = true;
  bool in_column = true;
  bool in_box = puzzle.has_boxes();
  for (int r = 0; r < puzzle.size(); ++r) {
    for (int c = 0; c < puzzle.size(); ++c) {
      if ((r == row && c == column) || !board.is_empty(r, c)) continue;
      if (((board.candidates(r, c) >> digit) & 1u) == 0) continue;
      if (r == row) in_row = false;
      if (c == column) in_column = false;
      if (in_box && puzzle.box_of(r, c) == puzzle.box_of(row, column)) in_box = false;
    }
  }
  return in_row ? "row" : in_column ? "column" : in_box ? "box" : "";
}

/// Fills one cell and says why. \return false where no cell is empty.
bool take_step(Board& board, const GridRows& solution, LatinSteps& steps) {
  int row = 0;
  int column = 0;
  if (!board.tightest(row, column)) return false;
  int digit = solution[at(row)][at(column)];
  const unsigned candidates = board.candidates(row, column);
  if (std::popcount(candidates) == 1) {
    ++steps.num_naked;
    steps.text += place(row, column, digit) + ": no other digit fits\n";
    board.set(row, column, digit);
    return true;
  }
  for (int r = 0; r < board.puzzle.size(); ++r) {
    for (int c = 0; c < board.puzzle.size(); ++c) {
      if (!board.is_empty(r, c)) continue;
      digit = solution[at(r)][at(c)];
      const std::string unit = only_place_in(board, r, c, digit);
      if (unit.empty()) continue;
      ++steps.num_hidden;
      steps.text += place(r, c, digit) + ": the only place in its " + unit + "\n";
      board.set(r, c, digit);
      return true;
    }
  }
  digit = solution[at(row)][at(column)];
  std::string others;
  for (int other = 1; other <= board.puzzle.size(); ++other) {
    if (other == digit || ((candidates >> other) & 1u) == 0) continue;
    others += (others.empty() ? "" : ", ") + std::to_string(other);
  }
  ++steps.num_guesses;
  steps.text += place(row, column, digit) + ": with " + others + " there is no solution\n";
  board.set(row, column, digit);
  return true;
}

}  // namespace

LatinPuzzle::LatinPuzzle(int size, int box, std::vector<GridLess> less)
    : size_(size), box_(box), less_(std::move(less)), less_at_(at(size * size)) {
  for (const GridLess& pair : less_) {
    less_at_[at(pair.row * size_ + pair.column)].push_back(pair);
    less_at_[at(pair.greater_row * size_ + pair.greater_column)].push_back(pair);
  }
}

const std::vector<GridLess>& LatinPuzzle::less_at(int row, int column) const {
  return less_at_[at(row * size_ + column)];
}

bool LatinPuzzle::is_solved(const GridRows& rows) const {
  if (!is_latin_square(rows)) return false;
  for (const GridLess& less : less_) {
    if (rows[at(less.row)][at(less.column)] >= rows[at(less.greater_row)][at(less.greater_column)])
      return false;
  }
  if (!has_boxes()) return true;
  std::array<unsigned, kMaxSize> boxes{};
  for (int row = 0; row < size_; ++row) {
    for (int column = 0; column < size_; ++column)
      boxes[at(box_of(row, column))] |= 1u << rows[at(row)][at(column)];
  }
  for (int box = 0; box < size_; ++box) {
    if (boxes[at(box)] != (2u << size_) - 2) return false;
  }
  return true;
}

int LatinPuzzle::count_solutions(const GridRows& givens, int limit, GridRows& solution) const {
  std::vector<int> order;
  for (int digit = 1; digit <= size_; ++digit) order.push_back(digit);
  Board board(*this, givens);
  return search(board, limit, order, solution);
}

GridRows LatinPuzzle::random_grid(RandomStream& random) const {
  // What does not see itself is filled at random, the boxes on the diagonal or a row; the search does the
  // rest in a random order of digits. Half of the pairs of 2x2 boxes cannot be completed.
  const LatinPuzzle rules(size_, box_);
  for (int i = 0; i < kMaxStarts; ++i) {
    GridRows givens(at(size_), std::vector<int>(at(size_)));
    for (int part = 0; part < std::max(box_, 1); ++part) {
      const std::vector<int> digits = random_order(size_, random);
      for (int cell = 0; cell < size_; ++cell) {
        const int row = has_boxes() ? part * box_ + cell / box_ : 0;
        const int column = has_boxes() ? part * box_ + cell % box_ : cell;
        givens[at(row)][at(column)] = digits[at(cell)] + 1;
      }
    }
    std::vector<int> order = random_order(size_, random);
    for (int& digit : order) ++digit;
    GridRows grid;
    Board board(rules, givens);
    if (search(board, 1, order, grid) == 1) return grid;
  }
  throw Error(ExitCode::internal, "grid_latin: no grid from " + std::to_string(kMaxStarts) + " starts");
}

bool LatinPuzzle::empty_cells(int num_blanks, RandomStream& random, GridRows& givens) const {
  GridRows other;
  for (const int cell : random_order(size_ * size_, random)) {
    if (num_blanks == 0) break;
    int& digit = givens[at(cell / size_)][at(cell % size_)];
    const int before = digit;
    digit = 0;
    if (count_solutions(givens, 2, other) == 1) {
      --num_blanks;
    } else {
      digit = before;
    }
  }
  return num_blanks == 0;
}

LatinSteps LatinPuzzle::solve_in_steps(const GridRows& givens, const GridRows& solution) const {
  LatinSteps steps;
  Board board(*this, givens);
  while (take_step(board, solution, steps)) {
  }
  if (!steps.text.empty()) steps.text.pop_back();  // the last line end
  return steps;
}

}  // namespace reckon
