#pragma once

#include <functional>

#include "compare_scalars.h"
#include "expr.h"

namespace reckon {

/// Two statements: equations f = 0 and g = 0 are the same where g is a rational multiple of f (positive for
/// inequalities, whose sides may be turned); chains are taken apart; `and` and `or` are unordered.
/// Inequalities in one variable that are not multiples are compared by their solutions. \param compare  for
/// sides that are no scalars: sets, tuples
[[nodiscard]] Equality compare_statements(const Expr& gold, const Expr& pred,
                                          const std::function<Equality(const Expr&, const Expr&)>& compare);

}  // namespace reckon
