#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reckon/base/verdict.h"

namespace reckon {

/// Whether an answer is the gold number, by compare_numbers(). grade_answer() reads expressions, and the
/// prompt of a calculation is itself an expression of the right value: only a number that has been worked out
/// is paid. Whole numbers: digits, a sign, commas between groups of three,
/// ".0", "$" and a full stop at the end.
[[nodiscard]] Grade grade_whole(std::int64_t gold, std::string_view answer);

/// A fraction with a positive denominator, not necessarily in lowest terms.
struct Ratio {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
};
/// 3, -1/2: in lowest terms.
[[nodiscard]] std::string ratio_text(const Ratio& ratio);
/// As grade_whole(), and fractions of whole numbers: 3/4, \frac{3}{4}, 0.75.
[[nodiscard]] Grade grade_ratio(const Ratio& gold, std::string_view answer);

}  // namespace reckon
