#include "compare_scalars.h"

#include <algorithm>

#include "certify/certifier.h"
#include "exact/arithmetic.h"
#include "exact/build.h"
#include "exact/decide.h"
#include "exact/expand.h"
#include "exact/fold.h"
#include "exact/functions.h"

namespace reckon {
namespace {

using exact::NodeId;
using exact::Pool;

/// A budget, a pool and what decides in it: all that one comparison needs.
struct Session {
  Session() { exact::free_caches_at_thread_exit(); }

  exact::Budget budget;
  Pool pool{budget};
  exact::Builder builder{pool, budget};
  exact::Decider decider{pool, certify_equal};

  NodeId build(const Expr& expr) { return builder.build(expr); }
  /// Where a value was not built: why.
  [[nodiscard]] Equality failure() const {
    if (builder.met_unsupported()) return Equality::undecided;
    switch (pool.stopped()) {
      case Pool::Stop::timeout:
        return Equality::timeout;
      case Pool::Stop::refused:
        return Equality::refused;
      default:
        return Equality::undecided;
    }
  }
};

bool same_tree(const Expr& a, const Expr& b, int depth = 0) {
  constexpr int kMaxDepth = 500;
  if (depth > kMaxDepth || a.op != b.op || a.args.size() != b.args.size() || a.name != b.name) return false;
  if (a.op == Op::number && (a.digits != b.digits || a.num_fraction_digits != b.num_fraction_digits ||
                             a.exponent10 != b.exponent10)) {
    return false;
  }
  return std::equal(a.args.begin(), a.args.end(), b.args.begin(),
                    [&](const Expr& x, const Expr& y) { return same_tree(x, y, depth + 1); });
}

/// Numbers written in a base, alone: the digits count, and the base.
Equality equal_based_numbers(const Expr& a, const Expr& b) {
  if (a.op != b.op || a.args.size() != 1 || b.args.size() != 1) return Equality::different;
  const auto digits = [](const std::string& text) {
    return text.substr(std::min(text.find_first_not_of('0'), text.size()));
  };
  if (digits(a.name) != digits(b.name)) return Equality::different;
  return equal_values(a.args[0], b.args[0]);
}

std::optional<Equality> equal_small(const Expr& a, const Expr& b) {
  const auto x = exact::small_fraction(a);
  const auto y = x ? exact::small_fraction(b) : std::nullopt;
  if (!y) return std::nullopt;
  std::int64_t left = 0;
  std::int64_t right = 0;
  if (__builtin_mul_overflow(x->numerator, y->denominator, &left) ||
      __builtin_mul_overflow(y->numerator, x->denominator, &right)) {
    return std::nullopt;
  }
  return left == right ? Equality::equal : Equality::different;
}

}  // namespace

Equality equal_values(const Expr& a, const Expr& b) {
  if (a.op == Op::based_number || b.op == Op::based_number) return equal_based_numbers(a, b);
  if (const auto known = equal_small(a, b)) return *known;
  Session session;
  const NodeId x = session.build(a);
  if (session.builder.met_unsupported()) return Equality::undecided;
  if (same_tree(a, b)) {
    const bool has_no_value = x == session.pool.undefined() && session.pool.stopped() == Pool::Stop::none;
    return has_no_value ? Equality::undecided : Equality::equal;
  }
  const NodeId y = session.build(b);
  if (session.builder.met_unsupported() || session.pool.stopped() != Pool::Stop::none)
    return session.failure();
  return session.decider.equal(x, y);
}

Equality proportional_values(const Expr& f, const Expr& g, Factor factor) {
  Session session;
  const NodeId x = session.build(f);
  const NodeId y = session.build(g);
  const auto has_no_value = [&](NodeId id) {
    return session.pool[id].kind == exact::Kind::undefined || session.pool[id].kind == exact::Kind::infinity;
  };
  if (has_no_value(x) || has_no_value(y)) return session.failure();
  return session.decider.proportional(x, y, factor);
}

std::optional<int> compare_constants(const Expr& a, const Expr& b) {
  Session session;
  const NodeId x = session.build(a);
  const NodeId y = session.build(b);
  const bool x_is_infinite = session.pool[x].kind == exact::Kind::infinity;
  const bool y_is_infinite = session.pool[y].kind == exact::Kind::infinity;
  if (x_is_infinite && y_is_infinite) {
    return session.pool[x].value.sign() == session.pool[y].value.sign() ? 0 : session.pool[x].value.sign();
  }
  if (x_is_infinite || y_is_infinite) {
    // Only against what is known to be real.
    if (!session.decider.sign(x_is_infinite ? y : x)) return std::nullopt;
    return x_is_infinite ? session.pool[x].value.sign() : -session.pool[y].value.sign();
  }
  return session.decider.sign(exact::subtract(session.pool, x, y));
}

Equality within(const Expr& a, const Expr& b, const Expr& tolerance) {
  Session session;
  Pool& pool = session.pool;
  const NodeId difference = exact::subtract(pool, session.build(a), session.build(b));
  const NodeId bound = session.build(tolerance);
  const auto above = session.decider.sign(exact::subtract(pool, bound, difference));
  const auto below = session.decider.sign(exact::add(pool, bound, difference));
  if ((above && *above < 0) || (below && *below < 0)) return Equality::different;
  return above && below ? Equality::equal : session.failure();
}

std::optional<std::string> rational_value(const Expr& a) {
  Session session;
  const NodeId x = session.build(a);
  const exact::Node& node = session.pool[x];
  if (node.kind == exact::Kind::number) return node.value.text();
  if (node.kind == exact::Kind::undefined || !node.is_constant) return std::nullopt;
  const auto fraction = exact::together(session.pool, x);
  if (!fraction || !exact::is_nonzero_denominator(session.pool, fraction->denominator)) return std::nullopt;
  const exact::Node& quotient =
      session.pool[exact::divide(session.pool, fraction->numerator, fraction->denominator)];
  if (quotient.kind != exact::Kind::number) return std::nullopt;
  return quotient.value.text();
}

}  // namespace reckon
