#include "balls.h"

#include <algorithm>

#include "ball_functions.h"
#include "expand.h"
#include "functions.h"

namespace reckon::exact {
namespace {

/// Exponents with more bits are not raised to: the result would have no correct digit.
constexpr mp_limb_t kMaxExponentBits = 2'000;

/// base ^ (p / q) for a base whose power is the principal one.
void rational_power(acb_t result, const acb_t base, const Rational& exponent, long precision) {
  if (fmpz_bits(exponent.numerator()) > kMaxExponentBits || fmpz_bits(exponent.denominator()) > 62) {
    acb_indeterminate(result);
    return;
  }
  // Each bit of the exponent costs one bit of the result.
  const long working = precision + static_cast<long>(fmpz_bits(exponent.numerator()));
  if (exponent.is_integer()) {
    acb_pow_fmpz(result, base, exponent.numerator(), working);
    return;
  }
  acb_root_ui(result, base, fmpz_get_ui(exponent.denominator()), working);
  acb_pow_fmpz(result, result, exponent.numerator(), working);
}

void collect(const Pool& pool, NodeId id, std::vector<NodeId>& order, std::vector<bool>& seen) {
  // Parts have lower ids: one pass downwards finds all.
  seen[id] = true;
  for (NodeId at = id + 1; at-- > 0;) {
    if (!seen[at]) continue;
    order.push_back(at);
    for (const Part& part : pool[at].parts) {
      // What an opaque node is made of is not looked at.
      if (pool[at].kind != Kind::opaque) seen[part.node] = true;
    }
  }
}

}  // namespace

BallProgram::BallProgram(Pool& pool, const std::vector<NodeId>& wanted) : pool_(pool) {
  std::vector<bool> seen(pool.size(), false);
  for (const NodeId id : wanted) seen[id] = true;
  collect(pool, *std::max_element(wanted.begin(), wanted.end()), order_, seen);
  std::reverse(order_.begin(), order_.end());
  for (std::size_t i = 0; i < order_.size(); ++i) index_[order_[i]] = i;
  values_.resize(order_.size());
}

bool BallProgram::run(const Point& point, long precision) {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    // A function at 4096 bits takes some 100 us.
    if (!pool_.spend(static_cast<std::uint64_t>(4 + precision / 8))) return false;
    evaluate(order_[i], point, precision, values_[i]);
  }
  return true;
}

void BallProgram::evaluate(NodeId id, const Point& point, long precision, Ball& result) {
  const Node& node = pool_[id];
  switch (node.kind) {
    case Kind::number:
      acb_set_fmpq(result.get(), node.value.get(), precision);
      break;
    case Kind::pi:
      acb_const_pi(result.get(), precision);
      break;
    case Kind::imaginary:
      acb_onei(result.get());
      break;
    case Kind::symbol:
    case Kind::opaque: {
      const auto found = point.find(id);
      if (found == point.end()) {
        acb_indeterminate(result.get());
      } else {
        result = found->second;
      }
      break;
    }
    case Kind::sum:
      sum(node, precision, result);
      break;
    case Kind::product:
      product(node, precision, result);
      break;
    case Kind::power:
      guarded_pow(result.get(), part_value(node, 0).get(), part_value(node, 1).get(), precision);
      break;
    case Kind::radical:
      radical_of(result.get(), part_value(node, 0).get(), fmpz_get_ui(node.value.numerator()),
                 pool_[node.parts[0].node].is_constant, precision);
      break;
    case Kind::function:
      function(node, precision, result);
      break;
    default:
      acb_indeterminate(result.get());
  }
  if (node.is_real && acb_is_finite(result.get()) != 0) arb_zero(result.imag());
}

void BallProgram::sum(const Node& node, long precision, Ball& result) const {
  acb_set_fmpq(result.get(), node.value.get(), precision);
  Ball term;
  for (const Part& part : node.parts) {
    acb_mul_fmpz(term.get(), value(part.node).get(), part.factor.numerator(), precision);
    if (!part.factor.is_integer()) {
      acb_div_fmpz(term.get(), term.get(), part.factor.denominator(), precision);
    }
    acb_add(result.get(), result.get(), term.get(), precision);
  }
}

void BallProgram::product(const Node& node, long precision, Ball& result) const {
  acb_one(result.get());
  Ball factor;
  for (const Part& part : node.parts) {
    if (part.factor.is_one()) {
      acb_mul(result.get(), result.get(), value(part.node).get(), precision);
      continue;
    }
    if (part.factor.is_integer()) {
      rational_power(factor.get(), value(part.node).get(), part.factor, precision);
    } else {
      formal_power(part, precision, factor);
    }
    acb_mul(result.get(), result.get(), factor.get(), precision);
  }
}

/// The powers of has_formal_powers().
void BallProgram::formal_power(const Part& part, long precision, Ball& result) const {
  const Node& base = pool_[part.node];
  const bool is_exp = base.kind == Kind::function && base.op == Op::exp;
  if (!is_exp && base.kind != Kind::power) {
    rational_power(result.get(), value(part.node).get(), part.factor, precision);
    return;
  }
  const Ball& exponent = part_value(base, is_exp ? 0 : 1);
  acb_mul_fmpz(result.get(), exponent.get(), part.factor.numerator(), precision);
  acb_div_fmpz(result.get(), result.get(), part.factor.denominator(), precision);
  if (is_exp) {
    guarded_exp(result.get(), result.get(), precision);
  } else {
    guarded_pow(result.get(), part_value(base, 0).get(), result.get(), precision);
  }
}

void BallProgram::function(const Node& node, long precision, Ball& result) const {
  if (node.op == Op::min) {
    result = part_value(node, 0);
    for (std::size_t i = 1; i < node.parts.size(); ++i) {
      minimum(result.get(), result.get(), part_value(node, i).get(), precision);
    }
    return;
  }
  if (node.parts.size() != 1) {
    acb_indeterminate(result.get());
    return;
  }
  evaluate_function(node.op, result.get(), part_value(node, 0).get(), precision);
}

std::optional<Ball> evaluate_constant(Pool& pool, NodeId node, long precision) {
  BallProgram program(pool, {node});
  if (!program.run({}, precision)) return std::nullopt;
  Ball result = program.value(node);
  if (acb_is_finite(result.get()) == 0) return std::nullopt;
  return result;
}

std::optional<int> sign_of(Pool& pool, NodeId x) {
  const Node& node = pool[x];
  if (node.kind == Kind::number) return node.value.sign();
  if (!node.is_constant) return std::nullopt;
  for (const long precision : {64, 256, 1024}) {
    const auto ball = evaluate_constant(pool, x, precision);
    if (!ball || (!node.is_real && arb_is_zero(ball->imag()) == 0)) return std::nullopt;
    if (arb_is_positive(ball->real()) != 0) return 1;
    if (arb_is_negative(ball->real()) != 0) return -1;
    if (precision == 64 && expands_to_zero(pool, x)) return 0;
  }
  return std::nullopt;
}

}  // namespace reckon::exact
