#pragma once

#include <string>

#include "grid_answer.h"

namespace reckon {

/// A solution written down step by step.
struct LatinSteps {
  std::string text;     ///< one cell a line: r1c2 is the cell in row 1, column 2
  int num_naked = 0;    ///< cells for which one digit is left
  int num_hidden = 0;   ///< cells that are the only place for a digit in a row, column or box
  int num_guesses = 0;  ///< cells filled by refuting the other digits, where there was no single
};

/// The digit of the first cell is less than that of the second. Rows and columns from 0.
struct GridLess {
  int row = 0, column = 0;
  int greater_row = 0, greater_column = 0;
};

/// Latin squares with something besides: sudokus have boxes, futoshikis inequalities. Cells hold 1 .. size, 0
/// where they are empty.
class LatinPuzzle {
 public:
  /// \param size  2 to 9.
  /// \param box   boxes are box x box cells, with box * box = size; 0: there are none.
  LatinPuzzle(int size, int box, std::vector<GridLess> less = {});

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool has_boxes() const { return box_ > 0; }
  [[nodiscard]] int box_of(int row, int column) const { return row / box_ * box_ + column / box_; }
  /// The inequalities that a cell takes part in.
  [[nodiscard]] const std::vector<GridLess>& less_at(int row, int column) const;
  /// Whether a filled grid follows all rules.
  [[nodiscard]] bool is_solved(const GridRows& rows) const;
  /// The number of solutions, but no more than `limit`. \param solution  the last one found.
  [[nodiscard]] int count_solutions(const GridRows& givens, int limit, GridRows& solution) const;
  /// A random filled grid, without inequalities; not each as likely as the other.
  [[nodiscard]] GridRows random_grid(RandomStream& random) const;
  /// Empties cells of a filled grid in a random order, but none whose loss lets another solution in. \return
  /// whether num_blanks could be emptied.
  [[nodiscard]] bool empty_cells(int num_blanks, RandomStream& random, GridRows& givens) const;
  /// How to come from the givens to their one solution: naked singles first, hidden ones where there are
  /// none, and where there are neither, a cell with as few digits left as any.
  [[nodiscard]] LatinSteps solve_in_steps(const GridRows& givens, const GridRows& solution) const;

 private:
  int size_;
  int box_;
  std::vector<GridLess> less_;
  std::vector<std::vector<GridLess>> less_at_;  ///< [row * size + column]
};

}  // namespace reckon
