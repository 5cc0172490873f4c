#pragma once

#include "compare_scalars.h"
#include "expr.h"

namespace reckon {

/// Whether an expression is written as a set: an interval, {..}, unions and differences, R, the empty set.
/// (a, b), which may be a point, is not among them.
[[nodiscard]] bool is_set_expression(const Expr& expr);

/// Sets of real numbers given as intervals, points, unions, intersections, differences, or as inequalities in
/// one variable that are linear or polynomial with rational coefficients: brought to disjoint intervals in
/// order. undecided where one of them is no such set, or two ends could not be ordered.
[[nodiscard]] Equality compare_real_sets(const Expr& gold, const Expr& pred);

/// Two statements by the numbers that satisfy them: the same variable, the same set; undecided where
/// one cannot be solved.
[[nodiscard]] Equality compare_solutions(const Expr& gold, const Expr& pred);

}  // namespace reckon
