#include "arithmetic.h"

#include <algorithm>
#include <cmath>

#include "factor.h"

namespace reckon::exact {
namespace {

bool by_node(const Part& a, const Part& b) {
  return a.node < b.node;
}

/// Adds up the factors of parts with one node, and drops those that are 0. Sorted by node afterwards.
void merge_parts(std::vector<Part>& parts) {
  std::stable_sort(parts.begin(), parts.end(), by_node);
  std::size_t end = 0;
  for (std::size_t i = 0; i < parts.size();) {
    Part total = std::move(parts[i++]);
    while (i < parts.size() && parts[i].node == total.node) total.factor = total.factor + parts[i++].factor;
    if (!total.factor.is_zero()) parts[end++] = std::move(total);
  }
  parts.resize(end);
}

Rational integer_power(const Rational& value, std::int64_t exponent) {
  Rational result;
  fmpq_pow_si(result.get(), value.get(), exponent);
  return result;
}

}  // namespace

void SumBuilder::add(NodeId id, const Rational& coefficient) {
  const Node& node = pool_[id];
  if (coefficient.is_zero() && node.kind != Kind::infinity && node.kind != Kind::undefined) return;
  switch (node.kind) {
    case Kind::undefined:
      is_bad_ = true;
      break;
    case Kind::number:
    case Kind::sum:
      constant_ = constant_ + node.value * coefficient;
      if (!pool_.fits(constant_.bits() / 2)) {
        pool_.stop(Pool::Stop::refused);
        is_bad_ = true;
      }
      for (const Part& part : node.parts) parts_.push_back({part.node, part.factor * coefficient});
      if (!pool_.spend(node.parts.size())) is_bad_ = true;
      break;
    default:
      parts_.push_back({id, coefficient});
  }
}

NodeId SumBuilder::finish() {
  if (is_bad_) return pool_.undefined();
  const auto is_infinite = [&](const Part& part) { return pool_[part.node].kind == Kind::infinity; };
  if (std::any_of(parts_.begin(), parts_.end(), is_infinite)) {
    // Infinity takes part in nothing but a change of sign and scale.
    if (parts_.size() > 1 || !constant_.is_zero()) return pool_.undefined();
    const int sign = parts_[0].factor.sign() * pool_[parts_[0].node].value.sign();
    return sign == 0 ? pool_.undefined() : pool_.infinity(sign);
  }
  merge_parts(parts_);
  for (const Part& part : parts_) {
    if (!pool_.fits(part.factor.bits() / 2)) return pool_.stop(Pool::Stop::refused);
  }
  if (parts_.empty()) return pool_.number(constant_);
  if (parts_.size() == 1 && constant_.is_zero() && parts_[0].factor.is_one()) return parts_[0].node;
  return pool_.intern({.kind = Kind::sum, .value = std::move(constant_), .parts = std::move(parts_)});
}

bool has_formal_powers(const Pool& pool, NodeId id) {
  const Node& node = pool[id];
  if (node.is_positive) return true;
  if (node.kind == Kind::function) return node.op == Op::exp;
  return node.kind == Kind::power && pool[node.parts[0].node].is_positive;
}

void ProductBuilder::multiply(NodeId id, const Rational& exponent) {
  const Node& node = pool_[id];
  if (!pool_.spend()) is_bad_ = true;
  switch (node.kind) {
    case Kind::undefined:
      is_bad_ = true;
      break;
    case Kind::number:
      multiply_number(node.value, exponent);
      break;
    case Kind::product:
      for (const Part& part : node.parts) parts_.push_back({part.node, part.factor * exponent});
      break;
    case Kind::sum:
      multiply_sum(id, exponent);
      break;
    default:
      parts_.push_back({id, exponent});
  }
}

void ProductBuilder::multiply_number(const Rational& value, const Rational& exponent) {
  if (exponent.is_zero() || value.is_one()) return;
  if (value.is_zero()) {
    if (exponent.sign() < 0) is_bad_ = true;
    coefficient_ = 0;
    return;
  }
  const double bits = value.bits() * std::abs(fmpq_get_d(exponent.get()));
  if (exponent.is_small(1'000'000) && pool_.fits(bits + coefficient_.bits())) {
    coefficient_ = coefficient_ * integer_power(value, exponent.small());
    return;
  }
  if (value.sign() < 0 && fmpz_is_odd(exponent.numerator())) coefficient_ = -coefficient_;
  Integer numerator;
  fmpz_abs(numerator.get(), value.numerator());
  const auto push = [&](const fmpz* part, int sign) {
    for (const auto& [base, count] : factor(part)) {
      parts_.push_back({pool_.number(Rational(base.get())), exponent * Rational(sign * count)});
    }
  };
  push(numerator.get(), 1);
  push(value.denominator(), -1);
}

void ProductBuilder::multiply_sum(NodeId id, const Rational& exponent) {
  Rational factor = content(pool_, id);
  if (!exponent.is_integer() && factor.sign() < 0) factor = -factor;
  if (factor.is_one()) {
    parts_.push_back({id, exponent});
    return;
  }
  multiply_number(factor, exponent);
  const NodeId primitive = scale(pool_, id, factor.inverse());
  if (pool_[id].is_positive && factor.sign() > 0) pool_.mark_positive(primitive);
  if (pool_[primitive].kind == Kind::sum) {
    parts_.push_back({primitive, exponent});
  } else {
    multiply(primitive, exponent);
  }
}

bool ProductBuilder::merge() {
  merge_parts(parts_);
  return !std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    const Kind kind = pool_[part.node].kind;
    return kind == Kind::infinity || kind == Kind::undefined;
  });
}

/// Moves whole powers of a number into the coefficient or, where they are too large for it, the other way
/// round: 10 * 10^(10^9) is 10^(10^9 + 1).
void ProductBuilder::take_number_power(Part& part) {
  const Rational& base = pool_[part.node].value;
  const Rational whole = part.factor.floor();
  if (whole.is_zero()) return;
  const double bits = base.bits() * std::abs(fmpq_get_d(whole.get()));
  if (whole.is_small(1'000'000) && pool_.fits(bits + coefficient_.bits())) {
    coefficient_ = coefficient_ * integer_power(base, whole.small());
    part.factor = part.factor - whole;
    return;
  }
  if (coefficient_.is_zero()) return;
  const slong up = fmpz_remove(fmpq_numref(coefficient_.get()), coefficient_.numerator(), base.numerator());
  const slong down =
      fmpz_remove(fmpq_denref(coefficient_.get()), coefficient_.denominator(), base.numerator());
  part.factor = part.factor + Rational(up - down);
}

/// 2^(7/2) = 8 * 2^(1/2), i^3 = -i, radical(u, 3)^5 = u * radical(u, 3)^2. \return whether factors are new.
bool ProductBuilder::take_whole_parts() {
  std::vector<Part> taken;
  for (Part& part : parts_) {
    const Node& base = pool_[part.node];
    if (base.kind == Kind::number) {
      take_number_power(part);
    } else if (base.kind == Kind::imaginary) {
      const auto quarter = fmpz_fdiv_ui(part.factor.numerator(), 4);
      if (quarter >= 2) coefficient_ = -coefficient_;
      part.factor = static_cast<std::int64_t>(quarter % 2);
    } else if (base.kind == Kind::radical) {
      const Rational whole = (part.factor / base.value).floor();
      if (whole.is_zero()) continue;
      taken.push_back({base.parts[0].node, whole});
      part.factor = part.factor - whole * base.value;
    }
  }
  for (const Part& part : taken) multiply(part.node, part.factor);
  return !taken.empty();
}

NodeId ProductBuilder::finish() {
  do {
    if (is_bad_ || !pool_.spend()) return pool_.undefined();
    if (parts_.size() == 1 && pool_[parts_[0].node].kind == Kind::infinity && parts_[0].factor.is_one()) {
      return scale(pool_, parts_[0].node, coefficient_);
    }
    if (!merge()) return pool_.undefined();
  } while (take_whole_parts());
  std::erase_if(parts_, [](const Part& part) { return part.factor.is_zero(); });
  if (coefficient_.is_zero() || parts_.empty()) return pool_.number(coefficient_);
  const bool is_single = parts_.size() == 1 && parts_[0].factor.is_one();
  const NodeId monomial =
      is_single ? parts_[0].node : pool_.intern({.kind = Kind::product, .parts = std::move(parts_)});
  return scale(pool_, monomial, coefficient_);
}

NodeId add(Pool& pool, NodeId a, NodeId b) {
  SumBuilder sum(pool);
  sum.add(a);
  sum.add(b);
  return sum.finish();
}

NodeId subtract(Pool& pool, NodeId a, NodeId b) {
  SumBuilder sum(pool);
  sum.add(a);
  sum.add(b, -1);
  return sum.finish();
}

NodeId multiply(Pool& pool, NodeId a, NodeId b) {
  ProductBuilder product(pool);
  product.multiply(a);
  product.multiply(b);
  return product.finish();
}

NodeId divide(Pool& pool, NodeId a, NodeId b) {
  ProductBuilder product(pool);
  product.multiply(a);
  product.multiply(b, -1);
  return product.finish();
}

NodeId scale(Pool& pool, NodeId node, const Rational& factor) {
  if (factor.is_one()) return node;
  SumBuilder sum(pool);
  sum.add(node, factor);
  return sum.finish();
}

NodeId negate(Pool& pool, NodeId node) {
  return scale(pool, node, -1);
}

Rational content(const Pool& pool, NodeId id) {
  const Node& node = pool[id];
  if (node.kind != Kind::sum) return 1;
  Rational result = node.value;
  for (const Part& part : node.parts) fmpq_gcd(result.get(), result.get(), part.factor.get());
  return node.parts[0].factor.sign() < 0 ? -result : result;
}

}  // namespace reckon::exact
