#include <algorithm>
#include <map>

#include "arithmetic.h"
#include "decide.h"
#include "expand.h"
#include "functions.h"
#include "points.h"
#include "reckon/base/philox.h"
#include "substitute.h"

namespace reckon::exact {
namespace {

constexpr std::uint32_t kStreamName = 0x70726F70u;

void collect_variables(const Pool& pool, NodeId id, Replacements& variables) {
  std::vector<bool> seen(pool.size(), false);
  seen[id] = true;
  for (NodeId at = id + 1; at-- > 0;) {
    if (!seen[at]) continue;
    const Node& node = pool[at];
    if (node.kind == Kind::symbol || node.kind == Kind::opaque) {
      variables.emplace(at, 0);
      continue;
    }
    for (const Part& part : node.parts) seen[part.node] = true;
  }
}

/// The left side of f = 0 without denominators that have variables in them.
NodeId without_denominators(Pool& pool, NodeId f) {
  const auto fraction = together(pool, f);
  if (!fraction) return f;
  const Node& numerator = pool[fraction->numerator];
  if (numerator.kind != Kind::sum) return fraction->numerator;
  std::map<NodeId, Rational> lowest;
  for (const Part& term : numerator.parts) {
    std::vector<Part> factors{{term.node, 1}};
    if (pool[term.node].kind == Kind::product) factors = pool[term.node].parts;
    for (const Part& factor : factors) {
      if (pool[factor.node].is_constant || factor.factor.sign() > 0) continue;
      Rational& exponent = lowest[factor.node];
      exponent = std::min(exponent, factor.factor);
    }
  }
  SumBuilder sum(pool);
  const auto add_term = [&](NodeId node, const Rational& coefficient) {
    ProductBuilder product(pool);
    product.multiply(node);
    for (const auto& [base, exponent] : lowest) product.multiply(power(pool, base, -exponent));
    sum.add(product.finish(), coefficient);
  };
  for (const Part& term : numerator.parts) add_term(term.node, term.factor);
  add_term(pool.number(1), numerator.value);
  return sum.finish();
}

}  // namespace

Equality Decider::proportional(NodeId f, NodeId g, Factor factor) {
  const Equality direct = proportional_as_is(f, g, factor);
  // A denominator may be negative: an inequality does not survive its clearing.
  if (direct != Equality::different || factor == Factor::positive) return direct;
  const NodeId a = without_denominators(pool_, f);
  const NodeId b = without_denominators(pool_, g);
  if (a == f && b == g) return direct;
  if (pool_[a].kind == Kind::undefined || pool_[b].kind == Kind::undefined) return open();
  return proportional_as_is(a, b, factor);
}

Equality Decider::proportional_as_is(NodeId f, NodeId g, Factor factor) {
  const NodeId zero = pool_.number(0);
  const Equality f_is_zero = equal(f, zero);
  const Equality g_is_zero = equal(g, zero);
  if (f_is_zero == Equality::equal && g_is_zero == Equality::equal) return Equality::equal;
  if (f_is_zero == Equality::equal || g_is_zero == Equality::equal) {
    return f_is_zero == Equality::different || g_is_zero == Equality::different ? Equality::different
                                                                                : open();
  }
  if (f_is_zero != Equality::different) return f_is_zero;
  if (g_is_zero != Equality::different) return g_is_zero;
  Replacements point;
  collect_variables(pool_, f, point);
  collect_variables(pool_, g, point);
  RandomStream random(point_seed(), kStreamName);
  constexpr int kAttempts = 4;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::vector<NodeId> order;
    for (const auto& [node, value] : point) order.push_back(node);
    std::sort(order.begin(), order.end());  // the same numbers for the same variables, whatever the map
    for (const NodeId node : order) {
      point[node] = pool_.number(Rational(1 + static_cast<std::int64_t>(random.below(999)), 100));
    }
    const NodeId f0 = substitute(pool_, f, point);
    const NodeId g0 = substitute(pool_, g, point);
    if (equal(f0, zero) != Equality::different || equal(g0, zero) != Equality::different) continue;
    // f(x) g(x0) = g(x) f(x0) is f = c g with c = f(x0) / g(x0).
    const Equality result = equal(multiply(pool_, f, g0), multiply(pool_, g, f0));
    if (result != Equality::equal || factor == Factor::nonzero) return result;
    const auto sign_of_factor = sign(multiply(pool_, f0, g0));
    if (!sign_of_factor) return open();
    return *sign_of_factor > 0 ? Equality::equal : Equality::different;
  }
  return open();
}

}  // namespace reckon::exact
