#include "decide.h"

#include <algorithm>

#include "arithmetic.h"
#include "balls.h"
#include "expand.h"
#include "functions.h"
#include "sampling.h"
#include "substitute.h"

namespace reckon::exact {
namespace {

/// Opaque nodes inside, the deepest first.
std::vector<NodeId> opaque_nodes(const Pool& pool, NodeId a, NodeId b) {
  std::vector<bool> seen(pool.size(), false);
  seen[a] = seen[b] = true;
  std::vector<NodeId> found;
  for (std::size_t at = pool.size(); at-- > 0;) {
    if (!seen[at]) continue;
    const auto id = static_cast<NodeId>(at);
    if (pool[id].kind == Kind::opaque) found.push_back(id);
    for (const Part& part : pool[id].parts) seen[part.node] = true;
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace

Equality Decider::open() const {
  if (pool_.stopped() == Pool::Stop::timeout) return Equality::timeout;
  if (pool_.stopped() == Pool::Stop::refused || pool_.met_large()) return Equality::refused;
  return Equality::undecided;
}

Equality Decider::equal(NodeId a, NodeId b) {
  if (++depth_ > kMaxDepth) {
    --depth_;
    return Equality::undecided;
  }
  const Equality result = compare(a, b);
  --depth_;
  return result;
}

Equality Decider::compare(NodeId a, NodeId b) {
  const auto is = [&](NodeId id, Kind kind) { return pool_[id].kind == kind; };
  if (pool_.stopped() != Pool::Stop::none || is(a, Kind::undefined) || is(b, Kind::undefined)) return open();
  if (is(a, Kind::infinity) || is(b, Kind::infinity)) return without_value(a, b);
  if (a == b) return Equality::equal;
  const NodeId difference = subtract(pool_, a, b);
  if (is(difference, Kind::undefined)) return open();
  if (is(difference, Kind::number)) return Equality::different;
  if (pool_[difference].has_opaque) {
    if (const auto merged = merge_opaque(a, b)) return *merged;
  }
  const Equality result =
      pool_[difference].is_constant ? constants(a, b, difference) : in_variables(a, b, difference);
  // An integral that is not worked out may have any value.
  if (result == Equality::different && pool_[difference].has_definite) return Equality::undecided;
  return result;
}

Equality Decider::without_value(NodeId a, NodeId b) {
  return a == b ? Equality::equal : Equality::different;
}

Equality Decider::constants(NodeId, NodeId, NodeId difference) {
  const Rational zero;
  for (const long precision : {64, 256, 1024, 4096}) {
    const auto ball = evaluate_constant(pool_, difference, precision);
    if (!ball) break;
    if (acb_contains_zero(ball->get()) == 0) return Equality::different;
    if (precision == 64 && expands_to_zero(pool_, difference)) return Equality::equal;
  }
  if (pool_.stopped() != Pool::Stop::none) return open();
  if (pool_[difference].is_rational) {
    // Too large to be computed; modulo primes a difference can still be shown.
    return zero_modulo_primes(pool_, difference) == Outcome::nonzero ? Equality::different
                                                                     : Equality::refused;
  }
  return certified(difference);
}

Equality Decider::certified(NodeId difference) {
  const auto tree = certify_ == nullptr ? std::nullopt : constant_tree(pool_, difference);
  if (!tree) return open();
  Expr zero;
  zero.digits = "0";
  const Equality result = certify_(*tree, zero);
  return result == Equality::undecided ? open() : result;
}

Equality Decider::in_variables(NodeId a, NodeId b, NodeId difference) {
  const Node& node = pool_[difference];
  const bool is_rational = node.is_rational;
  if (!is_rational) {
    // A wrong answer differs at once; only then is it worth multiplying out.
    const Outcome outcome = zero_at_points(pool_, a, b);
    if (outcome == Outcome::nonzero) return Equality::different;
    if (outcome == Outcome::zero) return Equality::equal;
    return expands_to_zero(pool_, difference) ? Equality::equal : open();
  }
  const auto fraction =
      node.degree <= 40 ? together(pool_, difference, {.max_terms = 60, .max_products = 500}) : std::nullopt;
  if (fraction) {
    const Node& numerator = pool_[fraction->numerator];
    const Node& denominator = pool_[fraction->denominator];
    const bool is_zero = numerator.kind == Kind::number && numerator.value.is_zero();
    if (denominator.kind == Kind::number && denominator.value.is_zero()) return Equality::undecided;
    return is_zero ? Equality::equal : Equality::different;
  }
  switch (zero_modulo_primes(pool_, difference)) {
    case Outcome::zero:
      return Equality::equal;
    case Outcome::nonzero:
      return Equality::different;
    case Outcome::refused:
      return Equality::refused;
    default:
      return open();
  }
}

bool Decider::same_parts(NodeId a, NodeId b) {
  const Node& x = pool_[a];
  const Node& y = pool_[b];
  if (x.op != y.op || x.name != y.name || x.parts.size() != y.parts.size()) return false;
  for (std::size_t i = 0; i < x.parts.size(); ++i) {
    if (equal(x.parts[i].node, y.parts[i].node) != Equality::equal) return false;
  }
  return true;
}

/// f(sin^2 x + cos^2 x) and f(1) are one: writes both sides with one of each kind, and compares again.
std::optional<Equality> Decider::merge_opaque(NodeId a, NodeId b) {
  constexpr std::size_t kMaxOpaque = 8;
  const std::vector<NodeId> nodes = opaque_nodes(pool_, a, b);
  if (nodes.size() > kMaxOpaque) return std::nullopt;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t j = i + 1; j < nodes.size(); ++j) {
      if (!same_parts(nodes[i], nodes[j])) continue;
      const Replacements replacements{{nodes[j], nodes[i]}};
      return equal(substitute(pool_, a, replacements), substitute(pool_, b, replacements));
    }
  }
  return std::nullopt;
}

std::optional<int> Decider::sign(NodeId x) {
  if (pool_[x].kind == Kind::infinity) return pool_[x].value.sign();
  if (const auto known = sign_of(pool_, x)) return known;
  if (pool_[x].kind == Kind::undefined || !pool_[x].is_constant) return std::nullopt;
  const Equality is_zero = equal(x, pool_.number(0));
  if (is_zero == Equality::equal) return 0;
  if (is_zero != Equality::different) return std::nullopt;
  const auto ball = evaluate_constant(pool_, x, 4096);
  if (!ball || arb_is_zero(ball->imag()) == 0) return std::nullopt;
  if (arb_is_positive(ball->real()) != 0) return 1;
  if (arb_is_negative(ball->real()) != 0) return -1;
  return std::nullopt;
}

}  // namespace reckon::exact
