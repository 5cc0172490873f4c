#pragma once

#include "compare_scalars.h"
#include "expr.h"

namespace reckon {

/// Whether the value is written as a decimal, so that it may be rounded: 3.50, -0.1, 1.5 \times 10^3, 12.5%.
[[nodiscard]] bool is_decimal(const Expr& expr);

/// Two single values, with what people write around them: units, percent, degrees, rounded decimals, ratios,
/// bases, words. The rules stand in grading.md, section 2.3:
///   units     where both have one they are the same; one may be missing
///   percent   p% is p / 100, and p where the gold is written with %
///   degrees   90 degrees is 90 and pi/2
///   decimals  gold with k fraction digits: |pred - gold| <= 0.5 * 10^-k and <= 1e-4 |gold|;
///             gold exact, pred with k >= 3 digits: pred is the gold rounded to k digits
///   bases     204_5 is 204_5 alone
///   ratios    lowest terms; a : b is the fraction a / b; times of day are compared as written
[[nodiscard]] Equality compare_values(const Expr& gold, const Expr& pred);

}  // namespace reckon
