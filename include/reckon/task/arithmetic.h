#pragma once

#include <string>
#include <string_view>

namespace reckon {

/// Arithmetic modulo 10 with single digits, reduced one operation at a time.
struct ArithmeticSolution {
  int value = 0;      ///< 0 .. 9
  std::string steps;  ///< 3+5=8;8-9=9;9+2=1 for 3+5-9+2: each step repeats its operands
};

/// Evaluates an expression of digits, + - * and parentheses; * binds tighter, the rest goes from left to
/// right. Each step reduces the leftmost operation whose operands are both known; its result is taken
/// modulo 10. \param where  stands before the message of an error. \throws Error(bad_data) where the text is
/// no such expression, longer than 4,096 bytes or nested deeper than 64.
[[nodiscard]] ArithmeticSolution solve_arithmetic(std::string_view expression, std::string_view where);

}  // namespace reckon
