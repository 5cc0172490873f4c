#pragma once

#include "grade/compare_scalars.h"

namespace reckon {

/// Whether two constants are equal, by Calcium: both are built in one field of algebraic and transcendental
/// extensions. May take any time and memory: run it in a worker.
/// Knows numbers, pi, e, i, + - * / powers (principal values), roots (principal values), exp, ln, sin, cos,
/// tan, arcsin, arccos, arctan, |x|, floor, sign and conjugates. \return equal or different, both proved, or
/// undecided.
[[nodiscard]] Equality equal_by_calcium(const Expr& a, const Expr& b);

}  // namespace reckon
