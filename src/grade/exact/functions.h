#pragma once

#include <optional>
#include <vector>

#include "pool.h"

namespace reckon::exact {

// Functions in normal form: exp, ln, sin, cos, arcsin and arctan, and what is no elementary function. All are
// principal values; the other elementary functions are rewritten into these by function_of().

NodeId make_exp(Pool& pool, NodeId x);
NodeId make_ln(Pool& pool, NodeId x);
NodeId make_sin(Pool& pool, NodeId x);
NodeId make_cos(Pool& pool, NodeId x);
/// cos(pi r) and sin(pi r).
NodeId cos_of_pi_times(Pool& pool, Rational r);
NodeId sin_of_pi_times(Pool& pool, const Rational& r);
/// exp(pi i r).
NodeId unit_of_pi_times(Pool& pool, const Rational& r);
NodeId make_arcsin(Pool& pool, NodeId x);
NodeId make_arctan(Pool& pool, NodeId x);

NodeId make_absolute(Pool& pool, NodeId x);
NodeId make_sign(Pool& pool, NodeId x);
NodeId make_floor(Pool& pool, NodeId x);
NodeId make_conjugate(Pool& pool, NodeId x);
NodeId make_min(Pool& pool, std::vector<NodeId> args);
/// a - n floor(a / n): the remainder has the sign of n.
NodeId make_mod(Pool& pool, NodeId a, NodeId n);

NodeId make_factorial(Pool& pool, NodeId n);
NodeId make_double_factorial(Pool& pool, NodeId n);
NodeId make_binomial(Pool& pool, NodeId n, NodeId k);
/// Of rationals p/q: the gcd of numerators over the lcm of denominators. Of anything else as of polynomials
/// in what it is made of, with integer coefficients where all are integers, and else up to rational factors
/// (the leading coefficient is then 1). gcd(sqrt 5, sqrt 2) is 1: surds count as variables.
NodeId make_gcd(Pool& pool, const std::vector<NodeId>& args);
/// The product over the gcd, and positive for rationals; 0 where one is 0.
NodeId make_lcm(Pool& pool, const std::vector<NodeId>& args);

/// Every function of Op with one argument, from `absolute` to `imaginary_part`.
NodeId function_of(Pool& pool, Op op, NodeId x);

/// -1, 0 or 1 for a real constant; nothing where that is not shown.
[[nodiscard]] std::optional<int> sign_of(Pool& pool, NodeId x);

/// The real and the imaginary part of a constant whose terms are known to be real or i times real.
struct ComplexParts {
  NodeId real;
  NodeId imaginary;
};
[[nodiscard]] std::optional<ComplexParts> split_complex(Pool& pool, NodeId x);

}  // namespace reckon::exact
