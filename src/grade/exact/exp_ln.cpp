#include "arithmetic.h"
#include "factor.h"
#include "functions.h"

namespace reckon::exact {
namespace {

/// pi * i, a product of two.
bool is_pi_i(const Pool& pool, NodeId id) {
  const Node& node = pool[id];
  return node.kind == Kind::product && node.parts.size() == 2 && node.parts[0].node == pool.pi() &&
         node.parts[1].node == pool.imaginary() && node.parts[0].factor.is_one() &&
         node.parts[1].factor.is_one();
}

/// Multiplies by exp(factor * node), node without a coefficient.
void multiply_exp(Pool& pool, ProductBuilder& product, const Part& term) {
  const Node& node = pool[term.node];
  if (is_pi_i(pool, term.node)) {
    product.multiply(unit_of_pi_times(pool, term.factor));
    return;
  }
  if (node.kind == Kind::function && node.op == Op::ln) {
    const NodeId inner = node.parts[0].node;
    if (term.factor.is_integer() || pool[inner].is_constant) {
      product.multiply(power(pool, inner, term.factor));
      return;
    }
  }
  product.multiply(pool.function(Op::exp, {term.node}), term.factor);
}

NodeId ln_of_integer(Pool& pool, const fmpz* n) {
  SumBuilder sum(pool);
  for (const auto& [base, count] : factor(n)) {
    const NodeId ln = pool.function(Op::ln, {pool.number(Rational(base.get()))});
    sum.add(ln, Rational(count));
  }
  return sum.finish();
}

NodeId ln_of_number(Pool& pool, const Rational& value) {
  if (value.is_zero()) return pool.undefined();
  Integer numerator;
  fmpz_abs(numerator.get(), value.numerator());
  SumBuilder sum(pool);
  sum.add(ln_of_integer(pool, numerator.get()));
  sum.add(ln_of_integer(pool, value.denominator()), -1);
  if (value.sign() < 0) sum.add(multiply(pool, pool.pi(), pool.imaginary()));
  return sum.finish();
}

/// ln of base ^ exponent, a positive factor of a product.
NodeId ln_of_positive(Pool& pool, const Part& part) {
  const Node& base = pool[part.node];
  if (base.kind == Kind::function && base.op == Op::exp) return scale(pool, base.parts[0].node, part.factor);
  if (base.kind == Kind::power) {
    const NodeId ln = make_ln(pool, base.parts[0].node);
    return scale(pool, multiply(pool, ln, base.parts[1].node), part.factor);
  }
  if (base.kind == Kind::number) return scale(pool, ln_of_number(pool, base.value), part.factor);
  const NodeId ln = pool.function(Op::ln, {part.node});
  pool.mark_real(ln);
  return scale(pool, ln, part.factor);
}

}  // namespace

NodeId make_exp(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (node.kind == Kind::undefined || node.kind == Kind::infinity) return pool.undefined();
  const auto exp_of_number = [&](ProductBuilder& product, const Rational& value) {
    if (!value.is_zero()) product.multiply(pool.function(Op::exp, {pool.number(1)}), value);
  };
  ProductBuilder product(pool);
  if (node.kind == Kind::number || node.kind == Kind::sum) exp_of_number(product, node.value);
  if (node.kind == Kind::sum) {
    for (const Part& term : node.parts) multiply_exp(pool, product, term);
  } else if (node.kind != Kind::number) {
    multiply_exp(pool, product, {x, 1});
  }
  return product.finish();
}

NodeId make_ln(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (node.kind == Kind::undefined || node.kind == Kind::infinity) return pool.undefined();
  if (node.kind == Kind::number) return ln_of_number(pool, node.value);
  if (x == pool.imaginary()) return scale(pool, multiply(pool, pool.pi(), x), Rational(1, 2));
  if (node.kind == Kind::sum) {
    // ln(c u) = ln c + ln u for every c > 0.
    Rational factor = content(pool, x);
    if (factor.sign() < 0) factor = -factor;
    if (!factor.is_one()) {
      const NodeId rest = scale(pool, x, factor.inverse());
      if (node.is_positive) pool.mark_positive(rest);
      return add(pool, ln_of_number(pool, factor), make_ln(pool, rest));
    }
  }
  if (node.is_positive) {
    std::vector<Part> factors{{x, 1}};
    if (node.kind == Kind::product) factors = node.parts;
    SumBuilder sum(pool);
    for (const Part& part : factors) sum.add(ln_of_positive(pool, part));
    return sum.finish();
  }
  const auto sign = node.is_constant ? sign_of(pool, x) : std::nullopt;
  if (sign == 0) return pool.undefined();
  if (sign) {
    const NodeId size = *sign > 0 ? x : negate(pool, x);
    pool.mark_positive(size);
    const NodeId ln = make_ln(pool, size);
    return *sign > 0 ? ln : add(pool, ln, multiply(pool, pool.pi(), pool.imaginary()));
  }
  return pool.function(Op::ln, {x});
}

}  // namespace reckon::exact
