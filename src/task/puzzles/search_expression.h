#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "reckon/base/verdict.h"
#include "search_fraction.h"

namespace reckon {

/// An expression that somebody wrote, read and evaluated.
struct SearchExpression {
  SearchFraction value;
  std::vector<int> literals;  ///< in the order in which they stand
};

/// Reads `sum` or `sum = number`, and nothing else, in linear time:
///   sum := product (('+' | '-') product)*     product := operand (('*' | '/') operand)*
///   operand := literal | '(' sum ')'          literal := 1 to 4 digits, no 0 before others
/// with blanks between tokens and one full stop at the end. The signs of multiplication, division and minus
/// of Unicode (U+00D7, U+00F7, U+2212) stand for * / -. There are no signs before a number, no products
/// without *, no powers and no decimal points. \return nothing where the text is not that, is longer than 400
/// bytes, has more than 24 literals or 24 open parentheses, divides by 0, leaves 64 bits, or says a wrong
/// number behind =.
[[nodiscard]] std::optional<SearchExpression> read_expression(std::string_view text);

/// Which of the given numbers an expression must use.
enum class NumbersUsed {
  some,  ///< each at most once
  all,   ///< each exactly once
};

/// equal where the answer is an expression over the numbers whose value is the target; no_answer where it is
/// blank. A number that stands twice in `numbers` may be used twice.
[[nodiscard]] Grade grade_expression(std::string_view answer, std::span<const int> numbers, NumbersUsed used,
                                     int target);

}  // namespace reckon
