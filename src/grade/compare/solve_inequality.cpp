#include "solve_inequality.h"

#include <algorithm>

#include "answer_parts.h"
#include "compare_scalars.h"
#include "expr_build.h"
#include "rational_function.h"

namespace reckon {
namespace {

Expr infinity(int sign) {
  Expr expr = make_node(Op::infinity, {});
  return sign < 0 ? make_node(Op::negate, {std::move(expr)}) : expr;
}

/// A place where the sign of f may change.
struct Break {
  Expr value;
  long multiplicity = 1;
  bool is_pole = false;
};

bool holds(Relation relation, int sign) {
  switch (relation) {
    case Relation::less:
      return sign < 0;
    case Relation::less_equal:
      return sign <= 0;
    case Relation::greater:
      return sign > 0;
    case Relation::greater_equal:
      return sign >= 0;
    case Relation::equal:
      return sign == 0;
    default:
      return sign != 0;  // not_equal
  }
}

/// The sign chart of f from right to left. \param breaks  falling; \param sign  that of f for large x
std::vector<RealInterval> read_chart(const std::vector<Break>& breaks, int sign, Relation relation) {
  std::vector<RealInterval> pieces;
  Expr high = infinity(1);
  for (const Break& at : breaks) {
    if (holds(relation, sign)) pieces.push_back({at.value, high, false, false});
    if (!at.is_pole && holds(relation, 0)) pieces.push_back({at.value, at.value, true, true});
    if (at.multiplicity % 2 != 0) sign = -sign;
    high = at.value;
  }
  if (holds(relation, sign)) pieces.push_back({infinity(-1), high, false, false});
  return pieces;
}

/// \return false where two could not be ordered
bool sort_falling(std::vector<Break>& breaks) {
  bool is_ordered = true;
  // Insertion: an order that is not known must not reach std::sort.
  for (std::size_t i = 1; i < breaks.size(); ++i) {
    for (std::size_t j = i; j > 0; --j) {
      const auto order = compare_constants(breaks[j - 1].value, breaks[j].value);
      is_ordered = is_ordered && order.has_value();
      if (!order || *order >= 0) break;
      std::swap(breaks[j - 1], breaks[j]);
    }
  }
  return is_ordered;
}

std::optional<std::vector<RealInterval>> solve_rational(const Expr& f, const std::string& variable,
                                                        Relation relation) {
  RationalFunction function;
  if (!function.read(f, variable)) return std::nullopt;
  function.reduce();
  if (function.is_zero()) {
    if (!holds(relation, 0)) return std::vector<RealInterval>{};
    return std::vector<RealInterval>{{infinity(-1), infinity(1), false, false}};
  }
  const auto zeros = function.zeros();
  const auto poles = function.poles();
  if (!zeros || !poles) return std::nullopt;
  std::vector<Break> breaks;
  for (const PolynomialRoot& root : *zeros) breaks.push_back({root.value, root.multiplicity, false});
  for (const PolynomialRoot& root : *poles) breaks.push_back({root.value, root.multiplicity, true});
  if (!sort_falling(breaks)) return std::nullopt;
  return read_chart(breaks, function.sign_at_infinity(), relation);
}

/// m x + c with real constants that need not be rational: sqrt(2) x < 4.
std::optional<std::vector<RealInterval>> solve_linear(const Expr& f, const std::string& variable,
                                                      Relation relation) {
  const Expr c = substitute(f, variable, make_integer(0));
  const Expr m = make_difference(substitute(f, variable, make_integer(1)), c);
  const auto slope = compare_constants(m, make_integer(0));
  if (!slope || *slope == 0) return std::nullopt;
  const Expr x = make_node(Op::symbol, {}, variable);
  const Expr line = make_node(Op::add, {make_node(Op::multiply, {m, x}), c});
  if (equal_values(f, line) != Equality::equal) return std::nullopt;
  const Expr root = make_node(Op::negate, {make_node(Op::divide, {c, m})});
  return read_chart({{root, 1, false}}, *slope, relation);
}

}  // namespace

std::optional<Solution> solve_inequality(const Expr& left, Relation relation, const Expr& right) {
  if (is_equality(relation)) relation = Relation::equal;
  if (!is_order(relation) && relation != Relation::equal && relation != Relation::not_equal)
    return std::nullopt;
  if (left.op > Op::quantity || right.op > Op::quantity) return std::nullopt;  // sides that are no scalars
  const Expr f = make_difference(left, right);
  const std::vector<std::string> variables = free_variables(f);
  if (variables.size() != 1) return std::nullopt;
  auto pieces = solve_rational(f, variables[0], relation);
  if (!pieces) pieces = solve_linear(f, variables[0], relation);
  if (!pieces) return std::nullopt;
  return Solution{variables[0], std::move(*pieces)};
}

}  // namespace reckon
