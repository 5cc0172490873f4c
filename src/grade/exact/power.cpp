#include <cmath>

#include "arithmetic.h"
#include "functions.h"

namespace reckon::exact {
namespace {

/// sqrt(a + t) for a rational a and t^2 rational, as sqrt((a + r) / 2) +- sqrt((a - r) / 2) where
/// r = sqrt(a^2 - t^2) is rational: sqrt(3 + 2 sqrt 2) = 1 + sqrt 2. `radicand` is positive.
/// \return undefined() where it is not of that shape.
NodeId denest(Pool& pool, NodeId radicand) {
  const Node& node = pool[radicand];
  if (node.kind != Kind::sum || node.parts.size() != 1 || node.value.sign() <= 0) return pool.undefined();
  const NodeId square = power(pool, node.parts[0].node, Rational(2));
  if (pool[square].kind != Kind::number) return pool.undefined();
  const Rational& a = node.value;
  const Rational& coefficient = node.parts[0].factor;
  if (!pool.fits(4 * (a.bits() + coefficient.bits() + pool[square].value.bits()))) return pool.undefined();
  const Rational norm = a * a - coefficient * coefficient * pool[square].value;
  if (norm.sign() <= 0 || fmpz_is_square(norm.numerator()) == 0 || fmpz_is_square(norm.denominator()) == 0) {
    return pool.undefined();
  }
  Rational r;
  fmpz_sqrt(fmpq_numref(r.get()), norm.numerator());
  fmpz_sqrt(fmpq_denref(r.get()), norm.denominator());
  const Rational half(1, 2);
  const NodeId high = power(pool, pool.number((a + r) * half), half);
  const NodeId low = power(pool, pool.number((a - r) * half), half);
  return coefficient.sign() > 0 ? add(pool, high, low) : subtract(pool, high, low);
}

NodeId positive_power(Pool& pool, NodeId base, const Rational& exponent) {
  if (fmpz_equal_ui(exponent.denominator(), 2) != 0) {
    const NodeId simple = denest(pool, base);
    if (simple != pool.undefined()) return power(pool, simple, exponent * Rational(2));
  }
  ProductBuilder product(pool);
  product.multiply(base, exponent);
  return product.finish();
}

/// base = c * rest with a rational c > 0: c^e rest^e, where rest^e is a radical's power.
NodeId radical_power(Pool& pool, NodeId base, const Rational& exponent) {
  Rational factor = content(pool, base);
  const bool is_odd = fmpz_is_odd(exponent.denominator()) != 0;
  bool flips = false;
  if (factor.sign() < 0) {
    // (-u)^(1/3) = -u^(1/3) over the reals; an even root of a negative factor keeps the sign inside.
    if (is_odd && !pool[base].is_constant) {
      flips = fmpz_is_odd(exponent.numerator()) != 0;
    } else {
      factor = -factor;
    }
  }
  NodeId rest = scale(pool, base, factor.inverse());
  Rational positive = factor;
  if (positive.sign() < 0) positive = -positive;
  ProductBuilder product(pool);
  if (flips) product.multiply(pool.number(-1));
  product.multiply(pool.number(positive), exponent);
  const Rational degree(exponent.denominator());
  const NodeId radical = pool.intern({.kind = Kind::radical, .value = degree, .parts = {{rest, 1}}});
  product.multiply(radical, Rational(exponent.numerator()));
  return product.finish();
}

NodeId constant_power(Pool& pool, NodeId base, const Rational& exponent) {
  const Node& node = pool[base];
  if (node.is_positive) return positive_power(pool, base, exponent);
  if (base == pool.imaginary()) return unit_of_pi_times(pool, exponent * Rational(1, 2));
  const auto sign = sign_of(pool, base);
  if (!sign) return radical_power(pool, base, exponent);
  if (*sign == 0) return exponent.sign() > 0 ? pool.number(0) : pool.undefined();
  const NodeId size = *sign > 0 ? base : negate(pool, base);
  pool.mark_positive(size);
  const NodeId size_power = positive_power(pool, size, exponent);
  return *sign > 0 ? size_power : multiply(pool, size_power, unit_of_pi_times(pool, exponent));
}

/// n^(c t) for a term c t of an exponent, t without a coefficient.
void multiply_symbolic_power(Pool& pool, ProductBuilder& product, NodeId base, const Part& term) {
  const Node& node = pool[base];
  if (node.kind == Kind::number || node.is_positive) {
    // 2^(log_2 3) = 3: where the logarithm of the base cancels, the exponential is simpler.
    const NodeId logarithm = multiply(pool, term.node, make_ln(pool, base));
    const Node& simple = pool[logarithm];
    if (simple.kind == Kind::number || (simple.kind == Kind::function && simple.op == Op::ln) ||
        simple.kind == Kind::sum) {
      product.multiply(make_exp(pool, scale(pool, logarithm, term.factor)));
      return;
    }
  }
  if (node.is_positive) {
    const NodeId formal = pool.intern({.kind = Kind::power, .parts = {{base, 1}, {term.node, 1}}});
    product.multiply(formal, term.factor);
    return;
  }
  // (u^t)^p for integers p only: the exponent keeps the denominator of its coefficient.
  const Rational part = Rational(1) / Rational(term.factor.denominator());
  const NodeId exponent = scale(pool, term.node, part);
  const NodeId formal = pool.intern({.kind = Kind::power, .parts = {{base, 1}, {exponent, 1}}});
  product.multiply(formal, Rational(term.factor.numerator()));
}

/// n^t = product of p^(k t) over its factors, for a positive rational n.
void multiply_number_power(Pool& pool, ProductBuilder& product, NodeId base, const Part& term) {
  const NodeId logarithm = make_ln(pool, base);  // sum of k ln p
  const Node& node = pool[logarithm];
  std::vector<Part> primes{{logarithm, 1}};
  if (node.kind == Kind::sum) primes = node.parts;
  for (const Part& prime : primes) {
    const Node& ln = pool[prime.node];
    if (ln.kind != Kind::function) continue;  // ln 1
    multiply_symbolic_power(pool, product, ln.parts[0].node, {term.node, term.factor * prime.factor});
  }
}

}  // namespace

NodeId power(Pool& pool, NodeId base, const Rational& exponent) {
  const Node& node = pool[base];
  if (node.kind == Kind::undefined || exponent.is_one()) return base;
  if (exponent.is_zero()) return pool.number(1);
  if (exponent.is_integer()) {
    ProductBuilder product(pool);
    product.multiply(base, exponent);
    return product.finish();
  }
  if (node.kind == Kind::infinity || !fmpz_fits_si(exponent.denominator())) return pool.undefined();
  if (node.is_constant) return constant_power(pool, base, exponent);
  return radical_power(pool, base, exponent);
}

NodeId power(Pool& pool, NodeId base, NodeId exponent) {
  const Node& index = pool[exponent];
  if (index.kind == Kind::number) return power(pool, base, Rational(index.value));
  const Node& node = pool[base];
  const bool is_bad = node.kind == Kind::undefined || node.kind == Kind::infinity ||
                      index.kind == Kind::undefined || index.kind == Kind::infinity;
  if (is_bad) return pool.undefined();
  if (node.kind == Kind::number && node.value.is_one()) return base;
  if (node.kind == Kind::number && node.value.is_zero()) return index.is_positive ? base : pool.undefined();
  if (node.kind == Kind::function && node.op == Op::exp && pool[node.parts[0].node].kind == Kind::number) {
    return make_exp(pool, multiply(pool, node.parts[0].node, exponent));
  }
  if (node.is_constant && index.is_constant && !node.is_positive) {
    return make_exp(pool, multiply(pool, exponent, make_ln(pool, base)));
  }
  ProductBuilder product(pool);
  std::vector<Part> terms{{exponent, 1}};
  if (index.kind == Kind::sum) {
    terms = index.parts;
    product.multiply(power(pool, base, index.value));
  }
  const bool is_number = node.kind == Kind::number && node.value.sign() > 0;
  for (const Part& term : terms) {
    if (is_number) {
      // The whole logarithm first: 4^(1 / log_3 4) needs it in one piece.
      const NodeId logarithm = multiply(pool, term.node, make_ln(pool, base));
      const Node& simple = pool[logarithm];
      if (simple.kind == Kind::function && simple.op == Op::ln) {
        product.multiply(make_exp(pool, scale(pool, logarithm, term.factor)));
      } else {
        multiply_number_power(pool, product, base, term);
      }
    } else {
      multiply_symbolic_power(pool, product, base, term);
    }
  }
  return product.finish();
}

NodeId root(Pool& pool, NodeId radicand, std::int64_t degree) {
  if (degree == 1) return radicand;
  const Rational exponent(1, static_cast<std::uint64_t>(degree));
  if (degree % 2 == 1 && pool[radicand].is_constant && !pool[radicand].is_positive) {
    const auto sign = sign_of(pool, radicand);
    if (sign && *sign < 0) return negate(pool, power(pool, negate(pool, radicand), exponent));
  }
  return power(pool, radicand, exponent);
}

NodeId square_root(Pool& pool, NodeId radicand) {
  return power(pool, radicand, Rational(1, 2));
}

}  // namespace reckon::exact
