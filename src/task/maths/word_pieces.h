#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace reckon {

/// What the number that a story is about counts.
enum class WordDomain { goods, money, trip, pages, age, tank, garden, bus };
inline constexpr std::size_t kNumWordDomains = 8;

enum class WordRole { opening, move, closing };

/// Values that a number of a piece may have.
struct WordRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  bool above_state = false;  ///< low and high are added to the story's number: goals that are not reached yet
};

/// One calculation, "a*b": an operand, one of + - * /, an operand. Operands are the piece's numbers a .. d,
/// the story's number x, and 1 .. 3 for the results of the piece's calculations so far.
struct WordStep {
  std::string_view calculation;
  std::string_view sentence;  ///< {=} stands for the calculation in numbers
};

/// A sentence or two of a story with the calculations that they ask for; the last result is the story's new
/// number. In the texts: {a} .. {d} the numbers, {a/} "half", "a third", ..., {a%} 100 / a, {a*} "twice",
/// "3 times", ...; {N} the person, {he} {his} {him} pronouns, {F} somebody else, {items} what is counted;
/// {P} whose age was told last, {Q} somebody new whose age is told now.
struct WordPiece {
  WordDomain domain;
  WordRole role;
  std::string_view text;
  std::array<WordRange, 4> numbers;
  std::array<WordStep, 3> steps;

  [[nodiscard]] std::size_t num_steps() const {
    std::size_t count = 0;
    for (const WordStep& step : steps) count += step.calculation.empty() ? 0 : 1;
    return count;
  }
};

/// All pieces: of goods, money, pages and ages; of trips, tanks, gardens and buses.
[[nodiscard]] std::span<const WordPiece> word_pieces_owned();
[[nodiscard]] std::span<const WordPiece> word_pieces_places();

}  // namespace reckon
