#pragma once

#include "grade/compare_scalars.h"

namespace reckon {

/// Whether two constants are equal, by exact computation in algebraic and transcendental extensions (Calcium)
/// in a worker process: see reckon/grade/certifier.h. Takes no longer than 200 ms. \return equal or different
/// (both proved), undecided, or timeout.
[[nodiscard]] Equality certify_equal(const Expr& a, const Expr& b);

}  // namespace reckon
