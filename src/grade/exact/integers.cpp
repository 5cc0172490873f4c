#include <algorithm>
#include <cmath>

#include "arithmetic.h"
#include "functions.h"

namespace reckon::exact {
namespace {

/// Of n in binomial(n, k), and of factorials that are multiplied out.
constexpr std::int64_t kMaxBinomialN = 10'000;
constexpr std::int64_t kMaxShift = 50;

/// Upper bound of log2(n!).
double factorial_bits(double n) {
  return n < 2 ? 1 : n * std::log2(n);
}

/// n (n - 1) ... (n - k + 1) / k!, for any n and a small k >= 0.
NodeId falling_binomial(Pool& pool, NodeId n, std::int64_t k) {
  ProductBuilder product(pool);
  for (std::int64_t i = 0; i < k; ++i) product.multiply(add(pool, n, pool.number(-i)));
  Integer factorial;
  fmpz_fac_ui(factorial.get(), static_cast<ulong>(k));
  product.multiply(pool.number(Rational(factorial.get())), -1);
  return product.finish();
}

NodeId integer_binomial(Pool& pool, const Rational& n, const Rational& k) {
  if (k.sign() < 0 || (n.sign() >= 0 && k > n)) return pool.number(0);
  if (!n.is_small(kMaxBinomialN)) {
    return k.is_small(kMaxShift) ? falling_binomial(pool, pool.number(n), k.small())
                                 : pool.stop(Pool::Stop::refused);
  }
  if (n.sign() < 0) {
    return k.is_small(kMaxShift) ? falling_binomial(pool, pool.number(n), k.small())
                                 : pool.stop(Pool::Stop::refused);
  }
  Rational result;  // at most 10,000 bits
  fmpz_bin_uiui(fmpq_numref(result.get()), static_cast<ulong>(n.small()), static_cast<ulong>(k.small()));
  return pool.number(result);
}

}  // namespace

NodeId make_factorial(Pool& pool, NodeId n) {
  const Node& node = pool[n];
  if (node.kind == Kind::undefined || node.kind == Kind::infinity) return pool.undefined();
  if (node.kind == Kind::number && node.value.is_integer()) {
    if (node.value.sign() < 0) return pool.undefined();
    if (pool.fits(factorial_bits(fmpz_get_d(node.value.numerator())))) {
      Integer result;
      fmpz_fac_ui(result.get(), fmpz_get_ui(node.value.numerator()));
      return pool.number(Rational(result.get()));
    }
    return pool.function(Op::factorial, {n});
  }
  // (u + k)! = u! (u + 1) ... (u + k), so that quotients of neighbours cancel.
  if (node.kind == Kind::sum && !node.is_constant) {
    const Rational shift = node.value.floor();
    if (!shift.is_zero() && shift.is_small(kMaxShift)) {
      const NodeId base = subtract(pool, n, pool.number(shift));
      ProductBuilder product(pool);
      product.multiply(pool.function(Op::factorial, {base}));
      const std::int64_t count = shift.small();
      for (std::int64_t i = 1; i <= count; ++i) product.multiply(add(pool, base, pool.number(i)));
      for (std::int64_t i = 0; i > count; --i) product.multiply(add(pool, base, pool.number(i)), -1);
      return product.finish();
    }
  }
  return pool.function(Op::factorial, {n});
}

NodeId make_double_factorial(Pool& pool, NodeId n) {
  const Node& node = pool[n];
  if (node.kind == Kind::undefined || node.kind == Kind::infinity) return pool.undefined();
  if (node.kind != Kind::number) return pool.opaque(Op::double_factorial, "", {n});
  if (!node.value.is_integer() || fmpz_cmp_si(node.value.numerator(), -1) < 0) return pool.undefined();
  if (!pool.fits(factorial_bits(fmpz_get_d(node.value.numerator())) / 2)) {
    return pool.opaque(Op::double_factorial, "", {n});
  }
  Rational result = 1;
  for (std::int64_t i = node.value.small(); i > 1; i -= 2) result = result * Rational(i);
  return pool.number(result);
}

NodeId make_binomial(Pool& pool, NodeId n, NodeId k) {
  const Node& upper = pool[n];
  const Node& lower = pool[k];
  const bool is_integer_k = lower.kind == Kind::number && lower.value.is_integer();
  if (is_integer_k && upper.kind == Kind::number && upper.value.is_integer()) {
    return integer_binomial(pool, upper.value, lower.value);
  }
  if (is_integer_k && lower.value.sign() < 0) return pool.number(0);
  if (is_integer_k && lower.value.is_small(kMaxShift)) return falling_binomial(pool, n, lower.value.small());
  // n! / (k! (n - k)!); where n - k is a small number, that one is multiplied out.
  const NodeId rest = subtract(pool, n, k);
  const Node& difference = pool[rest];
  if (difference.kind == Kind::number && difference.value.is_integer()) {
    if (difference.value.sign() < 0) return pool.number(0);
    if (difference.value.is_small(kMaxShift)) return falling_binomial(pool, n, difference.value.small());
  }
  ProductBuilder product(pool);
  product.multiply(make_factorial(pool, n));
  product.multiply(make_factorial(pool, k), -1);
  product.multiply(make_factorial(pool, rest), -1);
  return product.finish();
}

}  // namespace reckon::exact
