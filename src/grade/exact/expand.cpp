#include "expand.h"

#include <algorithm>
#include <utility>

#include "arithmetic.h"
#include "balls.h"
#include "functions.h"

namespace reckon::exact {
namespace {

class Expander {
 public:
  Expander(Pool& pool, const ExpandLimits& limits) : pool_(pool), limits_(limits) {}

  std::optional<Fraction> together(NodeId id) {
    if (++depth_ > kMaxDepth) return std::nullopt;
    const Node& node = pool_[id];
    std::optional<Fraction> result;
    if (node.kind == Kind::sum) {
      result = sum(node);
    } else if (node.kind == Kind::product) {
      result = product(node);
    } else if (node.kind != Kind::undefined && node.kind != Kind::infinity) {
      result = Fraction{id, pool_.number(1)};
    }
    --depth_;
    return result;
  }

 private:
  static constexpr int kMaxDepth = 40;

  std::optional<Fraction> sum(const Node& node) {
    Fraction total{pool_.number(node.value), pool_.number(1)};
    for (const Part& part : node.parts) {
      auto term = together(part.node);
      if (!term) return std::nullopt;
      term->numerator = scale(pool_, term->numerator, part.factor);
      if (term->denominator == total.denominator) {
        total.numerator = add(pool_, total.numerator, term->numerator);
      } else {
        const auto a = times(total.numerator, term->denominator);
        const auto b = times(term->numerator, total.denominator);
        const auto denominator = times(total.denominator, term->denominator);
        if (!a || !b || !denominator) return std::nullopt;
        total = {add(pool_, *a, *b), *denominator};
      }
      if (num_terms(total.numerator) > limits_.max_terms) return std::nullopt;
    }
    return total;
  }

  std::optional<Fraction> product(const Node& node) {
    Fraction total{pool_.number(1), pool_.number(1)};
    for (const Part& part : node.parts) {
      const auto factor = power_of(part);
      if (!factor) return std::nullopt;
      const auto numerator = times(total.numerator, factor->numerator);
      const auto denominator = times(total.denominator, factor->denominator);
      if (!numerator || !denominator) return std::nullopt;
      total = {*numerator, *denominator};
    }
    return total;
  }

  /// A sum's power: the whole part of the exponent is multiplied out, the rest stays an atom.
  std::optional<Fraction> power_of(const Part& part) {
    const bool is_sum = pool_[part.node].kind == Kind::sum;
    const bool is_sine = pool_[part.node].kind == Kind::function && pool_[part.node].op == Op::sin;
    const Rational whole = part.factor.floor();
    if ((!is_sum && !is_sine) || whole.is_zero()) {
      return Fraction{power(pool_, part.node, part.factor), pool_.number(1)};
    }
    if (!whole.is_small(200)) return std::nullopt;
    const auto base = is_sum ? together(part.node) : Fraction{part.node, pool_.number(1)};
    if (!base) return std::nullopt;
    const std::int64_t count = whole.small();
    const NodeId up = count > 0 ? base->numerator : base->denominator;
    const NodeId down = count > 0 ? base->denominator : base->numerator;
    Fraction result{pool_.number(1), pool_.number(1)};
    for (std::int64_t i = 0; i < std::abs(count); ++i) {
      const auto numerator = times(result.numerator, up);
      const auto denominator = times(result.denominator, down);
      if (!numerator || !denominator) return std::nullopt;
      result = {*numerator, *denominator};
    }
    const Rational rest = part.factor - whole;
    if (rest.is_zero()) return result;
    const auto numerator = times(result.numerator, power(pool_, part.node, rest));
    if (!numerator) return std::nullopt;
    return Fraction{*numerator, result.denominator};
  }

  [[nodiscard]] std::size_t num_terms(NodeId id) const {
    return pool_[id].kind == Kind::sum ? pool_[id].parts.size() + 1 : 1;
  }

  [[nodiscard]] std::vector<Part> terms_of(NodeId id) {
    const Node& node = pool_[id];
    if (node.kind != Kind::sum) return {{id, 1}};
    std::vector<Part> terms = node.parts;
    if (!node.value.is_zero()) terms.push_back({pool_.number(1), node.value});
    return terms;
  }

  /// The product of two polynomials, multiplied out.
  std::optional<NodeId> times(NodeId a, NodeId b) {
    const bool is_one = pool_[a].kind == Kind::number && pool_[a].value.is_one();
    if (is_one) return b;
    const auto x = terms_of(a);
    const auto y = terms_of(b);
    num_products_ += x.size() * y.size();
    if (num_products_ > limits_.max_products) return std::nullopt;
    SumBuilder sum(pool_);
    for (const Part& p : x) {
      for (const Part& q : y) {
        NodeId monomial = multiply(pool_, p.node, q.node);
        if (needs_work(monomial)) {
          const auto again = flatten(monomial);
          if (!again) return std::nullopt;
          monomial = *again;
        }
        sum.add(monomial, p.factor * q.factor);
      }
    }
    const NodeId result = sum.finish();
    if (num_terms(result) > limits_.max_terms || result == pool_.undefined()) return std::nullopt;
    return result;
  }

  /// Whether a product of atoms has become something to multiply out: a surd's radicand, or sin^2.
  [[nodiscard]] bool needs_work(NodeId id) const {
    const Node& node = pool_[id];
    if (node.kind == Kind::sum) return needs_work_sum(node);
    if (node.kind != Kind::product) return false;
    return std::any_of(node.parts.begin(), node.parts.end(), [&](const Part& part) {
      const Node& base = pool_[part.node];
      if (base.kind == Kind::sum) return part.factor >= Rational(1) || part.factor.sign() < 0;
      return base.kind == Kind::function && base.op == Op::sin && part.factor >= Rational(2);
    });
  }
  [[nodiscard]] bool needs_work_sum(const Node& node) const {
    return std::any_of(node.parts.begin(), node.parts.end(),
                       [&](const Part& part) { return needs_work(part.node); });
  }

  std::optional<NodeId> flatten(NodeId id) {
    if (++depth_ > kMaxDepth) return std::nullopt;
    std::optional<NodeId> result;
    const Node& node = pool_[id];
    if (node.kind == Kind::sum) {
      const auto fraction = sum(node);
      if (fraction && is_one(fraction->denominator)) result = fraction->numerator;
    } else {
      result = pool_.number(1);
      for (const Part& part : node.parts) {
        const auto factor = flatten_power(part);
        result = factor && result ? times(*result, *factor) : std::nullopt;
      }
    }
    --depth_;
    return result;
  }

  std::optional<NodeId> flatten_power(const Part& part) {
    const Node& base = pool_[part.node];
    if (base.kind == Kind::function && base.op == Op::sin && part.factor >= Rational(2)) {
      const NodeId cosine = make_cos(pool_, base.parts[0].node);
      const NodeId square = subtract(pool_, pool_.number(1), power(pool_, cosine, Rational(2)));
      const auto rest = flatten_if_needed(power(pool_, part.node, part.factor - Rational(2)));
      return rest ? times(*rest, square) : std::nullopt;
    }
    const auto fraction = power_of(part);
    if (!fraction || !is_one(fraction->denominator)) return std::nullopt;
    return fraction->numerator;
  }
  std::optional<NodeId> flatten_if_needed(NodeId id) { return needs_work(id) ? flatten(id) : id; }
  [[nodiscard]] bool is_one(NodeId id) const {
    return pool_[id].kind == Kind::number && pool_[id].value.is_one();
  }

  Pool& pool_;
  ExpandLimits limits_;
  std::size_t num_products_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<Fraction> together(Pool& pool, NodeId node, const ExpandLimits& limits) {
  auto result = Expander(pool, limits).together(node);
  if (!result || result->numerator == pool.undefined() || result->denominator == pool.undefined()) {
    return std::nullopt;
  }
  return result;
}

bool is_nonzero_denominator(Pool& pool, NodeId denominator) {
  const Node& node = pool[denominator];
  if (node.kind == Kind::number) return !node.value.is_zero();
  // In variables: multiplied out and not 0. Its zeros are single points, at which nothing is asked.
  if (!node.is_constant) return true;
  const auto ball = evaluate_constant(pool, denominator, 128);
  return ball && acb_contains_zero(ball->get()) == 0;
}

bool expands_to_zero(Pool& pool, NodeId node) {
  const auto fraction = together(pool, node);
  if (!fraction) return false;
  const Node& numerator = pool[fraction->numerator];
  return numerator.kind == Kind::number && numerator.value.is_zero() &&
         is_nonzero_denominator(pool, fraction->denominator);
}

}  // namespace reckon::exact
