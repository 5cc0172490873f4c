#include <cmath>

#include "arithmetic.h"
#include "balls.h"
#include "expand.h"
#include "functions.h"

namespace reckon::exact {
namespace {

NodeId surd(Pool& pool, std::int64_t n) {
  return square_root(pool, pool.number(n));
}

/// cos(pi p / q) for 0 < p / q < 1/2 where it is made of square roots; else undefined().
NodeId known_cosine(Pool& pool, std::int64_t p, std::uint64_t q) {
  const auto sum_of = [&](const Rational& constant, NodeId a, const Rational& x, NodeId b,
                          const Rational& y) {
    SumBuilder sum(pool);
    sum.add(pool.number(constant));
    sum.add(a, x);
    sum.add(b, y);
    return sum.finish();
  };
  const NodeId zero = pool.number(0);
  const Rational quarter(1, 4);
  switch (q) {
    case 3:
      return pool.number(Rational(1, 2));
    case 4:
      return scale(pool, surd(pool, 2), Rational(1, 2));
    case 5:  // (sqrt 5 +- 1) / 4
      return sum_of(p == 1 ? quarter : -quarter, surd(pool, 5), quarter, zero, 0);
    case 6:
      return scale(pool, surd(pool, 3), Rational(1, 2));
    case 8:  // sqrt(2 +- sqrt 2) / 2
      return scale(pool, square_root(pool, sum_of(2, surd(pool, 2), p == 1 ? 1 : -1, zero, 0)),
                   Rational(1, 2));
    case 10:  // sqrt(10 +- 2 sqrt 5) / 4
      return scale(pool, square_root(pool, sum_of(10, surd(pool, 5), p == 1 ? 2 : -2, zero, 0)), quarter);
    case 12:  // (sqrt 6 +- sqrt 2) / 4
      return sum_of(0, surd(pool, 6), quarter, surd(pool, 2), p == 1 ? quarter : -quarter);
    default:
      return pool.undefined();
  }
}

/// cos and sin of an inverse function of u.
NodeId cosine_of_inverse(Pool& pool, const Node& inverse) {
  const NodeId u = inverse.parts[0].node;
  const NodeId square = power(pool, u, Rational(2));
  if (inverse.op == Op::arcsin) return square_root(pool, subtract(pool, pool.number(1), square));
  return power(pool, add(pool, pool.number(1), square), Rational(-1, 2));
}

NodeId sine_of_inverse(Pool& pool, const Node& inverse) {
  const NodeId u = inverse.parts[0].node;
  if (inverse.op == Op::arcsin) return u;
  return multiply(pool, u, cosine_of_inverse(pool, inverse));
}

bool is_inverse(const Node& node) {
  return node.kind == Kind::function && (node.op == Op::arcsin || node.op == Op::arctan);
}

/// cos(x - quarter * pi / 2), for x in the form of an angle: no more than a quarter turn of it is a multiple
/// of pi, and the coefficient of the first other part is positive.
NodeId reduced_cosine(Pool& pool, NodeId x, std::int64_t quarters) {
  const bool is_sine = (quarters % 2 + 2) % 2 == 1;
  const bool is_negative = (quarters % 4 + 4) % 4 >= 2;
  NodeId value = 0;
  if (is_inverse(pool[x])) {
    const Node inverse = pool[x];
    value = is_sine ? sine_of_inverse(pool, inverse) : cosine_of_inverse(pool, inverse);
  } else {
    value = pool.function(is_sine ? Op::sin : Op::cos, {x});
  }
  return is_negative ? negate(pool, value) : value;
}

/// cos(x - quarters * pi / 2).
NodeId shifted_cosine(Pool& pool, NodeId x, std::int64_t quarters) {
  if (pool[x].kind == Kind::undefined || pool[x].kind == Kind::infinity) return pool.undefined();
  Rational turns;  // of pi
  SumBuilder rest_builder(pool);
  const Node& node = pool[x];
  if (x == pool.pi()) {
    turns = 1;
  } else if (node.kind == Kind::sum) {
    rest_builder.add(pool.number(node.value));
    for (const Part& part : node.parts) {
      if (part.node == pool.pi()) {
        turns = part.factor;
      } else {
        rest_builder.add(part.node, part.factor);
      }
    }
  } else {
    rest_builder.add(x);
  }
  NodeId rest = rest_builder.finish();
  if (pool[rest].kind == Kind::number && pool[rest].value.is_zero()) {
    return cos_of_pi_times(pool, turns - Rational(quarters) * Rational(1, 2));
  }
  const bool is_flipped =
      pool[rest].kind == Kind::number ? pool[rest].value.sign() < 0 : content(pool, rest).sign() < 0;
  if (is_flipped) {  // cos(-x) = cos x, sin(-x) = -sin x
    rest = negate(pool, rest);
    turns = -turns;
    quarters = -quarters;
  }
  const Rational whole = (turns * Rational(2)).floor();
  Integer reduced(static_cast<std::int64_t>(fmpz_fdiv_ui(whole.numerator(), 4)));
  quarters -= fmpz_get_si(reduced.get());
  const NodeId angle = add(pool, rest, scale(pool, pool.pi(), turns - whole * Rational(1, 2)));
  return reduced_cosine(pool, angle, quarters);
}

/// An angle r pi, r in eighths, tenths or twelfths, whose sine (or tangent) is x; undefined() where none is.
NodeId known_angle(Pool& pool, Op inverse, NodeId x) {
  const auto ball = evaluate_constant(pool, x, 64);
  if (!ball || arb_is_zero(ball->imag()) == 0) return pool.undefined();
  const double value = arf_get_d(arb_midref(ball->real()), ARF_RND_NEAR);
  const double turns = (inverse == Op::arcsin ? std::asin(value) : std::atan(value)) / std::acos(-1.0);
  for (const int denominator : {8, 10, 12}) {
    const double nearest = std::round(turns * denominator);
    if (!(std::abs(turns * denominator - nearest) < 1e-9)) continue;  // also where it is no number
    const Rational angle(static_cast<std::int64_t>(nearest), static_cast<std::uint64_t>(denominator));
    NodeId expected = sin_of_pi_times(pool, angle);
    if (inverse == Op::arctan) expected = divide(pool, expected, cos_of_pi_times(pool, angle));
    if (!expands_to_zero(pool, subtract(pool, expected, x))) return pool.undefined();
    return scale(pool, pool.pi(), angle);
  }
  return pool.undefined();
}

NodeId inverse_function(Pool& pool, Op op, NodeId x) {
  const Node& node = pool[x];
  if (node.kind == Kind::undefined || node.kind == Kind::infinity) return pool.undefined();
  if (node.kind == Kind::number ? node.value.sign() < 0 : content(pool, x).sign() < 0) {
    return negate(pool, inverse_function(pool, op, negate(pool, x)));
  }
  if (node.is_constant) {
    const NodeId angle = known_angle(pool, op, x);
    if (angle != pool.undefined()) return angle;
  }
  return pool.function(op, {x});
}

}  // namespace

NodeId cos_of_pi_times(Pool& pool, Rational r) {
  // Into [0, 1/2].
  const Rational two(2);
  r = r - (r / two).floor() * two;
  if (r > Rational(1)) r = two - r;
  const bool is_negative = r > Rational(1, 2);
  if (is_negative) r = Rational(1) - r;
  NodeId value = 0;
  if (r.is_zero()) {
    value = pool.number(1);
  } else if (r == Rational(1, 2)) {
    return pool.number(0);
  } else {
    if (fmpz_cmp_ui(r.denominator(), 12) <= 0) {
      value = known_cosine(pool, fmpz_get_si(r.numerator()), fmpz_get_ui(r.denominator()));
    }
    if (value == pool.undefined()) {
      value = pool.function(Op::cos, {scale(pool, pool.pi(), r)});
      pool.mark_positive(value);
    }
  }
  return is_negative ? negate(pool, value) : value;
}

NodeId sin_of_pi_times(Pool& pool, const Rational& r) {
  return cos_of_pi_times(pool, r - Rational(1, 2));
}

NodeId unit_of_pi_times(Pool& pool, const Rational& r) {
  const NodeId sine = multiply(pool, sin_of_pi_times(pool, r), pool.imaginary());
  return add(pool, cos_of_pi_times(pool, r), sine);
}

NodeId make_cos(Pool& pool, NodeId x) {
  return shifted_cosine(pool, x, 0);
}

NodeId make_sin(Pool& pool, NodeId x) {
  return shifted_cosine(pool, x, 1);
}

NodeId make_arcsin(Pool& pool, NodeId x) {
  return inverse_function(pool, Op::arcsin, x);
}

NodeId make_arctan(Pool& pool, NodeId x) {
  return inverse_function(pool, Op::arctan, x);
}

}  // namespace reckon::exact
