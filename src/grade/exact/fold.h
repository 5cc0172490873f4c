#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "budget.h"
#include "flint_types.h"
#include "grade/expr.h"

namespace reckon::exact {

/// numerator / denominator, not in lowest terms; the denominator is positive.
struct SmallFraction {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
};

/// The value of a tree of numbers, + - * / and percent, while everything fits 64 bits: for the many answers
/// that are one number, without FLINT.
[[nodiscard]] std::optional<SmallFraction> small_fraction(const Expr& expr);

/// Values of bound variables, the innermost last.
using Bindings = std::vector<std::pair<std::string, Rational>>;

/// The exact value of arithmetic, integer powers, factorials, binomials, |x|, floor, ceil and mod on
/// rationals; nothing for everything else, for a value of more than kMaxBits, and when the budget is spent.
[[nodiscard]] std::optional<Rational> fold(const Expr& expr, const Bindings& bindings, Budget& budget);

/// A number literal's value; nothing above kMaxBits.
[[nodiscard]] std::optional<Rational> literal_value(const Expr& number);

}  // namespace reckon::exact
