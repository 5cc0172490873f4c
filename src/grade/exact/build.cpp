#include "build.h"

#include <algorithm>

#include "arithmetic.h"
#include "fold.h"
#include "functions.h"
#include "series.h"

namespace reckon::exact {
namespace {

bool is_function_of_one(Op op) {
  return op >= Op::absolute && op <= Op::imaginary_part;
}

std::size_t num_args(Op op) {
  switch (op) {
    case Op::divide:
    case Op::power:
    case Op::root:
    case Op::binomial:
    case Op::log:
    case Op::mod:
    case Op::derivative:
      return 2;
    case Op::limit:
      return 3;
    case Op::sum:
    case Op::product:
      return 4;
    default:
      return 1;
  }
}

/// Names that no answer can have.
std::string unit_name(const std::string& unit) {
  return "\x01" + unit;
}
std::string bound_name(std::size_t depth) {
  return "\x02" + std::to_string(depth);
}

}  // namespace

NodeId Builder::unsupported() {
  met_unsupported_ = true;
  return pool_.undefined();
}

NodeId Builder::build(const Expr& expr) {
  if (met_unsupported_ || !pool_.spend()) return pool_.undefined();
  if (++depth_ > kMaxDepth) return pool_.stop(Pool::Stop::refused);
  const NodeId result = checked(expr);
  --depth_;
  return result;
}

std::vector<NodeId> Builder::build_all(const Expr& expr) {
  std::vector<NodeId> nodes;
  for (const Expr& arg : expr.args) nodes.push_back(build(arg));
  return nodes;
}

NodeId Builder::checked(const Expr& expr) {
  switch (expr.op) {
    case Op::number:
    case Op::symbol:
    case Op::pi:
    case Op::euler:
    case Op::imaginary:
    case Op::infinity:
      return leaf(expr);
    case Op::add:
    case Op::multiply:
      return arithmetic(expr);
    case Op::gcd:
    case Op::lcm:
    case Op::min:
    case Op::max:
    case Op::call:
      return several(expr);
    case Op::integral:
      if (expr.args.size() != 2 && expr.args.size() != 4) return unsupported();
      return with_bound_variable(expr);
    default:
      break;
  }
  if (expr.op > Op::quantity || expr.op == Op::plus_minus || expr.op == Op::minus_plus ||
      expr.args.size() != num_args(expr.op)) {
    return unsupported();
  }
  switch (expr.op) {
    case Op::sum:
    case Op::product:
    case Op::limit:
    case Op::derivative:
      return with_bound_variable(expr);
    case Op::root:
      return root_of(expr);
    case Op::based_number:
      return based_number(expr);
    case Op::quantity:
      return multiply(pool_, build(expr.args[0]), pool_.symbol(unit_name(expr.name)));
    default:
      return arithmetic(expr);
  }
}

NodeId Builder::leaf(const Expr& expr) {
  switch (expr.op) {
    case Op::number:
      return number(expr);
    case Op::pi:
      return pool_.pi();
    case Op::euler:
      return make_exp(pool_, pool_.number(1));
    case Op::imaginary:
      return pool_.imaginary();
    case Op::infinity:
      return pool_.infinity(1);
    default:
      break;
  }
  for (std::size_t i = bound_.size(); i-- > 0;) {
    if (bound_[i].first == expr.name) return bound_[i].second;
  }
  return pool_.symbol(expr.name);
}

NodeId Builder::number(const Expr& expr) {
  if (const auto value = literal_value(expr)) return pool_.number(*value);
  // Too large for a number: digits * 2^n 5^n.
  Expr digits = expr;
  digits.exponent10 = digits.num_fraction_digits = 0;
  const auto value = literal_value(digits);
  if (!value) return pool_.stop(Pool::Stop::refused);
  ProductBuilder product(pool_);
  product.multiply(pool_.number(*value));
  product.multiply(pool_.number(10), Rational(expr.exponent10) - Rational(expr.num_fraction_digits));
  return product.finish();
}

NodeId Builder::arithmetic(const Expr& expr) {
  const std::vector<NodeId> args = build_all(expr);
  switch (expr.op) {
    case Op::add: {
      SumBuilder sum(pool_);
      for (const NodeId arg : args) sum.add(arg);
      return sum.finish();
    }
    case Op::multiply: {
      ProductBuilder product(pool_);
      for (const NodeId arg : args) product.multiply(arg);
      return product.finish();
    }
    case Op::negate:
      return negate(pool_, args[0]);
    case Op::divide:
      return divide(pool_, args[0], args[1]);
    case Op::power:
      return power(pool_, args[0], args[1]);
    case Op::percent:
      return scale(pool_, args[0], Rational(1, 100));
    case Op::degrees:
      return scale(pool_, multiply(pool_, args[0], pool_.pi()), Rational(1, 180));
    case Op::factorial:
      return make_factorial(pool_, args[0]);
    case Op::double_factorial:
      return make_double_factorial(pool_, args[0]);
    case Op::binomial:
      return make_binomial(pool_, args[0], args[1]);
    case Op::log:
      return divide(pool_, make_ln(pool_, args[0]), make_ln(pool_, args[1]));
    case Op::mod:
      return make_mod(pool_, args[0], args[1]);
    default:
      return is_function_of_one(expr.op) ? function_of(pool_, expr.op, args[0]) : unsupported();
  }
}

NodeId Builder::several(const Expr& expr) {
  std::vector<NodeId> args = build_all(expr);
  if (expr.op == Op::call) return pool_.opaque(Op::call, expr.name, args);
  if (args.empty()) return unsupported();
  switch (expr.op) {
    case Op::gcd:
      return make_gcd(pool_, args);
    case Op::lcm:
      return make_lcm(pool_, args);
    case Op::min:
      return make_min(pool_, args);
    default:
      break;
  }
  for (NodeId& arg : args) arg = negate(pool_, arg);
  return negate(pool_, make_min(pool_, args));
}

NodeId Builder::root_of(const Expr& expr) {
  const NodeId radicand = build(expr.args[0]);
  const NodeId degree = build(expr.args[1]);
  const Node& node = pool_[degree];
  constexpr std::int64_t kMaxDegree = 1'000'000;
  if (node.kind == Kind::number && node.value.is_small(kMaxDegree) && node.value.sign() > 0) {
    return root(pool_, radicand, node.value.small());
  }
  return power(pool_, radicand, power(pool_, degree, Rational(-1)));
}

NodeId Builder::with_bound_variable(const Expr& expr) {
  if (expr.args[1].op != Op::symbol) return unsupported();
  if (expr.op == Op::sum || expr.op == Op::product) return series(expr);
  // The variable of an indefinite integral and of a derivative is not bound: both are functions of it.
  const bool is_free = expr.op == Op::derivative || (expr.op == Op::integral && expr.args.size() == 2);
  return opaque_with(expr, pool_.symbol(is_free ? expr.args[1].name : bound_name(bound_.size())));
}

NodeId Builder::opaque_with(const Expr& expr, NodeId variable) {
  std::vector<NodeId> args{variable};
  for (std::size_t i = 2; i < expr.args.size(); ++i) args.push_back(build(expr.args[i]));
  bound_.emplace_back(expr.args[1].name, variable);
  args.push_back(build(expr.args[0]));
  bound_.pop_back();
  return pool_.opaque(expr.op, expr.name, args);
}

NodeId Builder::series(const Expr& expr) {
  const NodeId low = build(expr.args[2]);
  const NodeId high = build(expr.args[3]);
  const auto is_integer = [&](NodeId id) {
    return pool_[id].kind == Kind::number && pool_[id].value.is_integer();
  };
  if (!is_integer(low) || !is_integer(high)) {
    return opaque_with(expr, pool_.symbol(bound_name(bound_.size())));
  }
  const Rational count = pool_[high].value - pool_[low].value + Rational(1);
  if (count.sign() <= 0) return pool_.number(expr.op == Op::sum ? 0 : 1);
  constexpr std::int64_t kMaxBound = std::int64_t{1} << 60;
  if (!count.is_small(kMaxTerms) || !pool_[low].value.is_small(kMaxBound)) {
    return pool_.stop(Pool::Stop::refused);
  }
  return finite_series(expr, pool_[low].value.small(), pool_[high].value.small());
}

NodeId Builder::finite_series(const Expr& expr, std::int64_t low, std::int64_t high) {
  // Rational terms first, without nodes; outer bound variables that are numbers take part.
  Bindings outer;
  for (const auto& [name, node] : bound_) {
    if (pool_[node].kind == Kind::number) outer.emplace_back(name, pool_[node].value);
  }
  if (const auto value = rational_series(expr, low, high, outer, budget_)) return pool_.number(*value);
  const bool adds = expr.op == Op::sum;
  SumBuilder sum(pool_);
  ProductBuilder product(pool_);
  bound_.emplace_back(expr.args[1].name, 0);
  for (std::int64_t i = low; i <= high && pool_.stopped() == Pool::Stop::none; ++i) {
    bound_.back().second = pool_.number(i);
    const NodeId term = build(expr.args[0]);
    adds ? sum.add(term) : product.multiply(term);
  }
  bound_.pop_back();
  if (pool_.stopped() != Pool::Stop::none) return pool_.undefined();
  return adds ? sum.finish() : product.finish();
}

NodeId Builder::based_number(const Expr& expr) {
  const NodeId base = build(expr.args[0]);
  const Node& node = pool_[base];
  if (node.kind != Kind::number || !node.value.is_small(36)) return pool_.undefined();
  const auto value = based_value(expr.name, node.value.small());
  return value ? pool_.number(*value) : pool_.undefined();
}

std::optional<Rational> based_value(const std::string& digits, std::int64_t base) {
  if (base < 2 || base > 36 || digits.empty() || digits.size() > 1'000) return std::nullopt;
  Rational value;
  for (const char c : digits) {
    const std::int64_t digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : base;
    if (digit >= base) return std::nullopt;
    value = value * Rational(base) + Rational(digit);
  }
  return value;
}

}  // namespace reckon::exact
