#include "pool.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace reckon::exact {
namespace {

std::size_t mix(std::size_t seed, std::size_t value) {
  return (seed ^ value) * 0x9E3779B97F4A7C15u + (seed >> 29);
}

std::size_t hash_of(const Node& node) {
  std::size_t hash = mix(static_cast<std::size_t>(node.kind), static_cast<std::size_t>(node.op));
  hash = mix(hash, node.value.hash());
  if (!node.name.empty()) hash = mix(hash, std::hash<std::string>{}(node.name));
  for (const Part& part : node.parts) hash = mix(mix(hash, part.node), part.factor.hash());
  return hash;
}

bool same(const Node& a, const Node& b) {
  return a.kind == b.kind && a.op == b.op && a.value == b.value && a.name == b.name && a.parts == b.parts;
}

bool is_definite(Op op) {
  return op != Op::call;
}

/// Whether a function of real arguments is real, for every argument.
bool is_real_function(Op op) {
  switch (op) {
    case Op::exp:
    case Op::sin:
    case Op::cos:
    case Op::arctan:
    case Op::absolute:
    case Op::floor:
    case Op::sign:
    case Op::conjugate:
    case Op::real_part:
    case Op::imaginary_part:
    case Op::min:
      return true;
    default:
      return false;
  }
}

void derive_degree(Node& node, const Pool& pool) {
  for (const Part& part : node.parts) {
    const double degree = pool[part.node].degree;
    if (node.kind == Kind::product) {
      node.degree += degree * std::abs(fmpq_get_d(part.factor.get()));
    } else {
      node.degree += degree;  // of a sum's common denominator, at most
    }
  }
}

void derive(Node& node, const Pool& pool) {
  const auto all = [&](auto&& predicate) {
    return std::all_of(node.parts.begin(), node.parts.end(),
                       [&](const Part& part) { return predicate(pool[part.node], part.factor); });
  };
  const auto any = [&](auto&& predicate) {
    return std::any_of(node.parts.begin(), node.parts.end(),
                       [&](const Part& part) { return predicate(pool[part.node]); });
  };
  const bool is_leaf = node.kind == Kind::symbol || node.kind == Kind::opaque;
  node.is_constant = !is_leaf && all([](const Node& n, const Rational&) { return n.is_constant; });
  node.has_opaque = node.kind == Kind::opaque || any([](const Node& n) { return n.has_opaque; });
  node.has_definite = (node.kind == Kind::opaque && is_definite(node.op)) ||
                      any([](const Node& n) { return n.has_definite; });
  node.needs_complex = any([](const Node& n) { return n.needs_complex; });
  switch (node.kind) {
    case Kind::number:
      node.is_real = node.is_rational = true;
      node.is_positive = node.value.sign() > 0;
      break;
    case Kind::pi:
      node.is_real = node.is_positive = true;
      break;
    case Kind::symbol:
    case Kind::opaque:
      node.is_rational = true;
      node.degree = 1;
      break;
    case Kind::sum:
      node.is_real = all([](const Node& n, const Rational&) { return n.is_real; });
      node.is_rational = all([](const Node& n, const Rational&) { return n.is_rational; });
      node.is_positive = node.value.sign() >= 0 &&
                         all([](const Node& n, const Rational& c) { return n.is_positive && c.sign() > 0; });
      derive_degree(node, pool);
      break;
    case Kind::product:
      node.is_positive = all([](const Node& n, const Rational&) { return n.is_positive; });
      node.is_real = all(
          [](const Node& n, const Rational& e) { return n.is_positive || (n.is_real && e.is_integer()); });
      node.is_rational =
          all([](const Node& n, const Rational& e) { return n.is_rational && e.is_integer(); });
      derive_degree(node, pool);
      break;
    case Kind::power:
      node.is_positive = pool[node.parts[0].node].is_positive && pool[node.parts[1].node].is_real;
      node.is_real = node.is_positive;
      break;
    case Kind::function:
      node.is_real =
          is_real_function(node.op) && all([](const Node& n, const Rational&) { return n.is_real; });
      node.is_positive = node.op == Op::exp && node.is_real;
      if (node.op == Op::ln) node.is_real = pool[node.parts[0].node].is_positive;
      if (node.op == Op::ln && pool[node.parts[0].node].kind == Kind::number) {
        node.is_positive = pool[node.parts[0].node].value > Rational(1);
      }
      if (node.op == Op::conjugate || node.op == Op::real_part || node.op == Op::imaginary_part) {
        node.needs_complex = node.needs_complex || !node.is_constant;
      }
      break;
    default:
      break;
  }
}

}  // namespace

Pool::Pool(Budget& budget) : budget_(budget) {
  intern({.kind = Kind::undefined});
  intern({.kind = Kind::pi});
  intern({.kind = Kind::imaginary});
}

NodeId Pool::intern(Node node) {
  if (!nodes_.empty()) {
    for (const Part& part : node.parts) {
      if (part.node == undefined()) return undefined();
    }
  }
  const std::size_t hash = hash_of(node);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (same(nodes_[it->second], node)) return it->second;
  }
  if (!spend() || nodes_.size() >= kMaxNodes) return stop(Stop::timeout);
  total_bits_ += node.value.bits();
  for (const Part& part : node.parts) total_bits_ += part.factor.bits();
  if (total_bits_ > kMaxTotalBits) return stop(Stop::refused);
  derive(node, *this);
  const auto id = static_cast<NodeId>(nodes_.size());
  nodes_.push_back(std::move(node));
  by_hash_.emplace(hash, id);
  return id;
}

NodeId Pool::number(const Rational& value) {
  return intern({.kind = Kind::number, .value = value});
}

NodeId Pool::symbol(const std::string& name) {
  return intern({.kind = Kind::symbol, .name = name});
}

NodeId Pool::function(Op op, const std::vector<NodeId>& args) {
  Node node{.kind = Kind::function, .op = op};
  for (const NodeId arg : args) node.parts.push_back({arg, 1});
  return intern(std::move(node));
}

NodeId Pool::opaque(Op op, const std::string& name, const std::vector<NodeId>& args) {
  Node node{.kind = Kind::opaque, .op = op, .name = name};
  for (const NodeId arg : args) node.parts.push_back({arg, 1});
  return intern(std::move(node));
}

NodeId Pool::infinity(int sign) {
  return intern({.kind = Kind::infinity, .value = sign});
}

NodeId Pool::stop(Stop why) {
  if (stopped_ == Stop::none) stopped_ = why;
  return undefined();
}

bool Pool::spend(std::uint64_t steps) {
  if (budget_.spend(steps)) return true;
  stop(Stop::timeout);
  return false;
}

bool Pool::fits(double bits) {
  // Products and divisors of large numbers take longer than a step.
  constexpr double kBitsAStep = 64;
  spend(static_cast<std::uint64_t>(std::min(bits, kMaxBits) / kBitsAStep));
  if (bits <= kMaxBits) return true;
  met_large_ = true;
  return false;
}

}  // namespace reckon::exact
