#pragma once

#include "flint_types.h"
#include "grade/expr.h"

namespace reckon::exact {

// Functions on balls that stay cheap for every argument: where one is so large that its result would have no
// correct digit, the result is indeterminate. All are principal values.

void guarded_exp(acb_t result, const acb_t x, long precision);
void guarded_pow(acb_t result, const acb_t base, const acb_t exponent, long precision);

/// The principal root; of odd degree and with variables inside, the real one of a negative value.
void radical_of(acb_t result, const acb_t x, unsigned long degree, bool is_constant, long precision);

/// The smaller of two real balls.
void minimum(acb_t result, const acb_t a, const acb_t b, long precision);

/// A function of Kind::function with one argument.
void evaluate_function(Op op, acb_t result, const acb_t x, long precision);

}  // namespace reckon::exact
