#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "reckon/base/verdict.h"

namespace reckon {

/// Numbers with more digits are refused; the longest answer of the MATH data has 159 characters.
inline constexpr std::size_t kMaxNumberDigits = 1000;

/// An exact rational number: decimal digits without leading zeros ("0" for zero), a denominator of at
/// least 1. Not reduced to lowest terms.
struct ExactNumber {
  bool negative = false;  ///< never for zero
  std::string numerator = "0";
  std::string denominator = "1";
};

enum class NumberSyntax { number, not_a_number, too_long };

/// Reads one number as people write them, the whole text being that number: 18, +5, -3, 18., 18.0, .5, 1,000,
/// $18,
/// -$18, 3/4 (whole numbers, the denominator not 0), with blanks around and between these parts. Commas stand
/// between groups of three digits only. The minus sign may be U+2212.
[[nodiscard]] NumberSyntax parse_number(std::string_view text, ExactNumber& number);

/// Exact, by cross multiplication: no rounding at any length.
[[nodiscard]] bool equal_numbers(const ExactNumber& a, const ExactNumber& b);

/// equal or different; no_answer where pred is blank; different where pred is not one number; refused where
/// it has more than kMaxNumberDigits digits; gold_unparseable where gold is not a number within the limit.
[[nodiscard]] Grade compare_numbers(std::string_view gold, std::string_view pred);

}  // namespace reckon
