#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "expr.h"

namespace reckon {

enum class WordClass : std::uint8_t {
  plain,      ///< a word without a part in the grammar
  statement,  ///< a word that is an answer: yes, odd, undefined
  conjunction,
  disjunction,
  condition,  ///< if, when, for, otherwise: begins the condition of a piecewise value, never a unit
  number,     ///< zero .. ninety
  hundred,
  magnitude,  ///< thousand, million, ...
  percent,
  unit,
  square,  ///< square, cubic: before a unit
  power,   ///< squared, cubed: behind a unit
  per,
  am_pm,
  base,
};

struct WordEntry {
  std::string_view word;
  WordClass word_class;
  std::int32_t value;  ///< of a number; exponent of ten of a magnitude; exponent of square and power
};
/// The class of a word of small letters that stands by itself; nothing where it is no word of the grammar.
[[nodiscard]] std::optional<WordEntry> find_word(std::string_view lower);

struct FunctionEntry {
  std::string_view name;
  Op op;
};
/// The function of that name (small letters, without backslash): sin, arctg, lcm.
[[nodiscard]] std::optional<Op> find_function(std::string_view name);
/// The longest function name that begins the text, of those written without a backslash: sinx.
[[nodiscard]] std::optional<FunctionEntry> function_prefix(std::string_view text);
/// The longest name of a Greek letter of at least three letters that begins the text; else empty.
[[nodiscard]] std::string_view greek_prefix(std::string_view text);
/// Whether the function takes several arguments (gcd, max).
[[nodiscard]] bool takes_several(Op op);
/// The inverse of sin .. csch, for \sin^{-1}; nothing where there is none.
[[nodiscard]] std::optional<Op> inverse_function(Op op);

}  // namespace reckon
