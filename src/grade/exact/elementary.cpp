#include "arithmetic.h"
#include "functions.h"

// The functions that are written with others: see Op.

namespace reckon::exact {
namespace {

NodeId inverse(Pool& pool, NodeId x) {
  return power(pool, x, Rational(-1));
}

NodeId tangent(Pool& pool, NodeId x) {
  return divide(pool, make_sin(pool, x), make_cos(pool, x));
}

/// pi / 2 - y
NodeId complement(Pool& pool, NodeId y) {
  return subtract(pool, scale(pool, pool.pi(), Rational(1, 2)), y);
}

/// (e^x + sign e^-x) / 2
NodeId hyperbolic(Pool& pool, NodeId x, int sign) {
  const NodeId second = scale(pool, make_exp(pool, negate(pool, x)), sign);
  return scale(pool, add(pool, make_exp(pool, x), second), Rational(1, 2));
}

NodeId hyperbolic_tangent(Pool& pool, NodeId x) {
  return divide(pool, hyperbolic(pool, x, -1), hyperbolic(pool, x, 1));
}

/// ln(x + sqrt(x^2 + 1))
NodeId arsinh(Pool& pool, NodeId x) {
  const NodeId square = power(pool, x, Rational(2));
  return make_ln(pool, add(pool, x, square_root(pool, add(pool, square, pool.number(1)))));
}

/// ln(x + sqrt(x - 1) sqrt(x + 1)): the principal value, everywhere.
NodeId arcosh(Pool& pool, NodeId x) {
  const NodeId low = square_root(pool, add(pool, x, pool.number(-1)));
  const NodeId high = square_root(pool, add(pool, x, pool.number(1)));
  return make_ln(pool, add(pool, x, multiply(pool, low, high)));
}

/// (ln(1 + x) - ln(1 - x)) / 2
NodeId artanh(Pool& pool, NodeId x) {
  const NodeId one = pool.number(1);
  const NodeId difference =
      subtract(pool, make_ln(pool, add(pool, one, x)), make_ln(pool, subtract(pool, one, x)));
  return scale(pool, difference, Rational(1, 2));
}

NodeId log10_of(Pool& pool, NodeId x) {
  return divide(pool, make_ln(pool, x), make_ln(pool, pool.number(10)));
}

/// (x + sign * conjugate(x)) / 2
NodeId half_with_conjugate(Pool& pool, NodeId x, int sign) {
  SumBuilder sum(pool);
  sum.add(x, Rational(1, 2));
  sum.add(make_conjugate(pool, x), Rational(sign, 2));
  return sum.finish();
}

NodeId trigonometric(Pool& pool, Op op, NodeId x) {
  switch (op) {
    case Op::sin:
      return make_sin(pool, x);
    case Op::cos:
      return make_cos(pool, x);
    case Op::tan:
      return tangent(pool, x);
    case Op::cot:
      return divide(pool, make_cos(pool, x), make_sin(pool, x));
    case Op::sec:
      return inverse(pool, make_cos(pool, x));
    case Op::csc:
      return inverse(pool, make_sin(pool, x));
    case Op::arcsin:
      return make_arcsin(pool, x);
    case Op::arccos:
      return complement(pool, make_arcsin(pool, x));
    case Op::arctan:
      return make_arctan(pool, x);
    case Op::arccot:  // between 0 and pi
      return complement(pool, make_arctan(pool, x));
    case Op::arcsec:
      return complement(pool, make_arcsin(pool, inverse(pool, x)));
    case Op::arccsc:
      return make_arcsin(pool, inverse(pool, x));
    default:
      return pool.undefined();
  }
}

NodeId hyperbolic_function(Pool& pool, Op op, NodeId x) {
  switch (op) {
    case Op::sinh:
      return hyperbolic(pool, x, -1);
    case Op::cosh:
      return hyperbolic(pool, x, 1);
    case Op::tanh:
      return hyperbolic_tangent(pool, x);
    case Op::coth:
      return inverse(pool, hyperbolic_tangent(pool, x));
    case Op::sech:
      return inverse(pool, hyperbolic(pool, x, 1));
    case Op::csch:
      return inverse(pool, hyperbolic(pool, x, -1));
    case Op::arsinh:
      return arsinh(pool, x);
    case Op::arcosh:
      return arcosh(pool, x);
    case Op::artanh:
      return artanh(pool, x);
    case Op::arcoth:
      return artanh(pool, inverse(pool, x));
    case Op::arsech:
      return arcosh(pool, inverse(pool, x));
    case Op::arcsch:
      return arsinh(pool, inverse(pool, x));
    default:
      return trigonometric(pool, op, x);
  }
}

}  // namespace

NodeId function_of(Pool& pool, Op op, NodeId x) {
  switch (op) {
    case Op::absolute:
      return make_absolute(pool, x);
    case Op::floor:
      return make_floor(pool, x);
    case Op::ceil:
      return negate(pool, make_floor(pool, negate(pool, x)));
    case Op::sign:
      return make_sign(pool, x);
    case Op::exp:
      return make_exp(pool, x);
    case Op::ln:
      return make_ln(pool, x);
    case Op::log10:
      return log10_of(pool, x);
    case Op::conjugate:
      return make_conjugate(pool, x);
    case Op::real_part:
      return half_with_conjugate(pool, x, 1);
    case Op::imaginary_part:
      return multiply(pool, half_with_conjugate(pool, x, -1), negate(pool, pool.imaginary()));
    default:
      return hyperbolic_function(pool, op, x);
  }
}

}  // namespace reckon::exact
