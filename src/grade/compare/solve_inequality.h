#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr.h"

namespace reckon {

/// An interval of real numbers; its ends are constants or plus or minus infinity.
struct RealInterval {
  Expr low, high;
  bool low_closed = false, high_closed = false;
};

struct Solution {
  std::string variable;
  std::vector<RealInterval> pieces;  ///< may be empty; not in order
};

/// The real numbers that satisfy left REL right, an equation or inequality in one variable that is linear, or
/// a rational function over Q of degree at most kMaxSolvedDegree; its irrational ends are Op::root
/// expressions for quadratics. Nothing where it is another statement.
[[nodiscard]] std::optional<Solution> solve_inequality(const Expr& left, Relation relation,
                                                       const Expr& right);

}  // namespace reckon
