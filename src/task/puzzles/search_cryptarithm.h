#pragma once

#include <array>
#include <string>
#include <vector>

namespace reckon {

/// Words that add up when each letter stands for a digit of its own and no number begins with 0.
struct Cryptarithm {
  std::vector<std::string> addends;  ///< of the letters A to Z, none longer than the sum
  std::string sum;
};

/// [letter - 'A'] its digit; -1 for letters that do not occur.
using LetterDigits = std::array<int, 26>;

/// The letters that occur, in alphabetical order.
[[nodiscard]] std::string letters_of(const Cryptarithm& puzzle);

/// Whether digits of all letters follow every rule.
[[nodiscard]] bool is_solution(const Cryptarithm& puzzle, const LetterDigits& digits);

/// The number of solutions, but no more than `limit`, by search column by column from the right.
/// \param nodes_left  digits that may be tried; where it comes to 0 the search is given up and the result is
/// `limit`.
[[nodiscard]] int count_solutions(const Cryptarithm& puzzle, int limit, int nodes_left);

/// The puzzle of some numbers whose sum has at most ten different digits with them: letters in the order of
/// their first appearance, and of the orders of the addends the one whose text comes first. Puzzles that
/// differ in names or order alone become one. \param digits  the numbers' solution.
[[nodiscard]] Cryptarithm canonical_cryptarithm(const std::vector<int>& numbers, LetterDigits& digits);

/// AB + CD = EFG
[[nodiscard]] std::string cryptarithm_text(const Cryptarithm& puzzle);

/// The sum worked out column by column from the right, with its carries.
[[nodiscard]] std::string column_steps(const Cryptarithm& puzzle, const LetterDigits& digits);

}  // namespace reckon
