#include <algorithm>

#include "arithmetic.h"
#include "balls.h"
#include "expand.h"
#include "functions.h"

namespace reckon::exact {
namespace {

bool has_no_value(const Pool& pool, NodeId x) {
  return pool[x].kind == Kind::undefined || pool[x].kind == Kind::infinity;
}

/// floor of a real constant: an integer that the balls enclose, or that the value is shown to be.
NodeId floor_of_constant(Pool& pool, NodeId x) {
  for (const long precision : {64, 256, 1024}) {
    const auto ball = evaluate_constant(pool, x, precision);
    if (!ball || arb_is_zero(ball->imag()) == 0 || arf_cmpabs_2exp_si(arb_midref(ball->real()), 60'000) > 0) {
      return pool.function(Op::floor, {x});
    }
    RealBall floor;
    arb_floor(floor.get(), ball->real(), precision + 60'000);
    Integer value;
    if (arb_get_unique_fmpz(value.get(), floor.get()) != 0) return pool.number(Rational(value.get()));
    // Near an integer, perhaps on it.
    if (arb_get_unique_fmpz(value.get(), ball->real()) != 0) {
      const NodeId integer = pool.number(Rational(value.get()));
      if (expands_to_zero(pool, subtract(pool, x, integer))) return integer;
    }
  }
  return pool.function(Op::floor, {x});
}

/// |base ^ exponent|, a factor of a product.
NodeId absolute_of_power(Pool& pool, const Part& part) {
  const Node& base = pool[part.node];
  if (base.is_positive) return power(pool, part.node, part.factor);
  if (base.kind == Kind::imaginary) return pool.number(1);
  if (part.factor.is_integer()) return power(pool, pool.function(Op::absolute, {part.node}), part.factor);
  return pool.function(Op::absolute, {power(pool, part.node, part.factor)});
}

}  // namespace

std::optional<ComplexParts> split_complex(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (node.is_real) return ComplexParts{x, pool.number(0)};
  std::vector<Part> terms{{x, 1}};
  SumBuilder real(pool);
  SumBuilder imaginary(pool);
  if (node.kind == Kind::sum) {
    terms = node.parts;
    real.add(pool.number(node.value));
  }
  for (const Part& term : terms) {
    const Node& factor = pool[term.node];
    if (factor.is_real) {
      real.add(term.node, term.factor);
      continue;
    }
    const bool is_product = factor.kind == Kind::product;
    const bool has_i = term.node == pool.imaginary() ||
                       (is_product && std::any_of(factor.parts.begin(), factor.parts.end(),
                                                  [&](const Part& p) { return p.node == pool.imaginary(); }));
    if (!has_i) return std::nullopt;
    const NodeId rest = multiply(pool, term.node, negate(pool, pool.imaginary()));
    if (!pool[rest].is_real) return std::nullopt;
    imaginary.add(rest, term.factor);
  }
  return ComplexParts{real.finish(), imaginary.finish()};
}

NodeId make_absolute(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (node.kind == Kind::infinity) return pool.infinity(1);
  if (node.kind == Kind::undefined || node.is_positive) return x;
  if (node.kind == Kind::number) return node.value.sign() < 0 ? negate(pool, x) : x;
  if (x == pool.imaginary()) return pool.number(1);
  if (node.is_constant) {
    const auto sign = sign_of(pool, x);
    if (sign) return *sign == 0 ? pool.number(0) : *sign < 0 ? negate(pool, x) : x;
    const auto parts = split_complex(pool, x);
    if (parts) {
      const Rational two(2);
      return square_root(pool, add(pool, power(pool, parts->real, two), power(pool, parts->imaginary, two)));
    }
  }
  if (node.kind == Kind::sum) {
    Rational factor = content(pool, x);
    const NodeId rest = scale(pool, x, factor.inverse());
    if (factor.sign() < 0) factor = -factor;
    if (pool[rest].kind == Kind::sum) return scale(pool, pool.function(Op::absolute, {rest}), factor);
    return scale(pool, make_absolute(pool, rest), factor);
  }
  if (node.kind == Kind::product) {
    ProductBuilder product(pool);
    for (const Part& part : node.parts) product.multiply(absolute_of_power(pool, part));
    return product.finish();
  }
  if (node.kind == Kind::function && node.op == Op::absolute) return x;
  return pool.function(Op::absolute, {x});
}

NodeId make_sign(Pool& pool, NodeId x) {
  if (pool[x].kind == Kind::undefined) return x;
  if (pool[x].kind == Kind::infinity) return pool.number(pool[x].value);
  if (const auto sign = sign_of(pool, x)) return pool.number(*sign);
  const Rational factor = content(pool, x);
  const NodeId rest = scale(pool, x, factor.inverse());
  return scale(pool, pool.function(Op::sign, {rest}), factor.sign());
}

NodeId make_floor(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (has_no_value(pool, x)) return x;
  if (node.kind == Kind::number) return pool.number(node.value.floor());
  if (node.is_constant) return floor_of_constant(pool, x);
  if (node.kind == Kind::function && (node.op == Op::floor || node.op == Op::sign)) return x;
  if (node.kind != Kind::sum) return pool.function(Op::floor, {x});
  // floor(u + n) = floor(u) + n
  const NodeId whole = pool.number(node.value.floor());
  const NodeId rest = subtract(pool, x, whole);
  const Node& inner = pool[rest];
  const bool is_integer = inner.kind == Kind::function && inner.op == Op::floor;
  return add(pool, is_integer ? rest : pool.function(Op::floor, {rest}), whole);
}

NodeId make_conjugate(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (has_no_value(pool, x) || node.is_real) return x;
  if (x == pool.imaginary()) return negate(pool, x);
  if (node.kind == Kind::sum) {
    SumBuilder sum(pool);
    sum.add(pool.number(node.value));
    for (const Part& part : node.parts) sum.add(make_conjugate(pool, part.node), part.factor);
    return sum.finish();
  }
  if (node.kind == Kind::product) {
    ProductBuilder product(pool);
    for (const Part& part : node.parts) {
      const bool is_plain = pool[part.node].is_positive;
      if (!is_plain && !part.factor.is_integer()) return pool.function(Op::conjugate, {x});
      product.multiply(is_plain ? part.node : make_conjugate(pool, part.node), part.factor);
    }
    return product.finish();
  }
  if (node.kind == Kind::function && node.op == Op::conjugate) return node.parts[0].node;
  return pool.function(Op::conjugate, {x});
}

NodeId make_min(Pool& pool, std::vector<NodeId> args) {
  std::vector<NodeId> kept;
  for (const NodeId arg : args) {
    if (has_no_value(pool, arg)) return pool.undefined();
    bool is_needed = true;
    for (std::size_t i = 0; i < kept.size() && is_needed;) {
      // Also in variables: x and x + 1 differ by a constant.
      const auto sign = sign_of(pool, subtract(pool, arg, kept[i]));
      is_needed = !sign || *sign < 0;
      if (sign && *sign < 0) {
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    if (is_needed) kept.push_back(arg);
  }
  if (kept.size() == 1) return kept[0];
  std::sort(kept.begin(), kept.end());
  return pool.function(Op::min, kept);
}

NodeId make_mod(Pool& pool, NodeId a, NodeId n) {
  const NodeId quotient = make_floor(pool, divide(pool, a, n));
  return subtract(pool, a, multiply(pool, n, quotient));
}

}  // namespace reckon::exact
