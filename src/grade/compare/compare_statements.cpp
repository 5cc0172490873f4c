#include "compare_statements.h"

#include <algorithm>

#include "answer_parts.h"
#include "compare_answers.h"
#include "match_members.h"
#include "real_set.h"

namespace reckon {
namespace {

using CompareSides = std::function<Equality(const Expr&, const Expr&)>;

bool is_scalar(const Expr& expr) {
  return expr.op <= Op::quantity;
}

/// Greater-than is written as less-than with its sides exchanged; superset as subset.
Comparison turned_up(Comparison pair) {
  const auto turn = [&](Relation relation) {
    std::swap(pair.left, pair.right);
    pair.relation = relation;
  };
  switch (pair.relation) {
    case Relation::greater:
      turn(Relation::less);
      break;
    case Relation::greater_equal:
      turn(Relation::less_equal);
      break;
    case Relation::superset:
      turn(Relation::subset);
      break;
    case Relation::superset_equal:
      turn(Relation::subset_equal);
      break;
    case Relation::approximately:
    case Relation::identical:
      pair.relation = Relation::equal;
      break;
    default:
      break;
  }
  return pair;
}

bool is_symmetric(Relation relation) {
  switch (relation) {
    case Relation::equal:
    case Relation::not_equal:
    case Relation::congruent:
    case Relation::parallel:
    case Relation::perpendicular:
    case Relation::similar:
    case Relation::equivalent:
      return true;
    default:
      return false;
  }
}

Equality compare_pairs(const Comparison& gold, const Comparison& pred, const CompareSides& compare) {
  if (gold.relation != pred.relation) return Equality::different;
  Equality sides = both(compare(gold.left, pred.left), compare(gold.right, pred.right));
  if (sides == Equality::equal) return sides;
  if (is_symmetric(gold.relation)) {
    const Equality crossed = both(compare(gold.left, pred.right), compare(gold.right, pred.left));
    if (crossed == Equality::equal) return crossed;
  }
  const bool scalar =
      is_scalar(gold.left) && is_scalar(gold.right) && is_scalar(pred.left) && is_scalar(pred.right);
  const bool is_sign =
      gold.relation == Relation::equal || gold.relation == Relation::not_equal || is_order(gold.relation);
  if (!scalar || !is_sign) return sides;
  return proportional_values(make_difference(gold.left, gold.right), make_difference(pred.left, pred.right),
                             is_order(gold.relation) ? Factor::positive : Factor::nonzero);
}

std::vector<Comparison> turned_chain(const Expr& expr) {
  std::vector<Comparison> pairs = comparisons_of(expr);
  std::transform(pairs.begin(), pairs.end(), pairs.begin(), turned_up);
  return pairs;
}

/// The statements that `and` joins: those of all_of, and the pairs of a chain.
std::vector<Comparison> conjunction(const Expr& expr) {
  if (expr.op == Op::relation) return turned_chain(expr);
  std::vector<Comparison> pairs;
  for (const Expr& arg : expr.args) {
    for (Comparison& pair : conjunction(arg)) pairs.push_back(std::move(pair));
  }
  return pairs;
}

bool is_conjunction(const Expr& expr) {
  return expr.op == Op::relation ||
         (expr.op == Op::all_of && std::all_of(expr.args.begin(), expr.args.end(), is_conjunction));
}

Equality compare_joined(const Expr& gold, const Expr& pred, const CompareSides& compare) {
  if (is_conjunction(gold) && is_conjunction(pred)) {
    const auto golds = conjunction(gold);
    const auto preds = conjunction(pred);
    return match_members(golds.size(), preds.size(), [&](std::size_t i, std::size_t j) {
      return compare_pairs(golds[i], preds[j], compare);
    });
  }
  if (gold.op != pred.op) return Equality::different;
  return match_members(gold.args.size(), pred.args.size(),
                       [&](std::size_t i, std::size_t j) { return compare(gold.args[i], pred.args[j]); });
}

}  // namespace

Equality compare_statements(const Expr& gold, const Expr& pred, const CompareSides& compare) {
  const Equality joined = compare_joined(gold, pred, compare);
  if (joined == Equality::equal) return joined;
  const Equality solved = compare_solutions(gold, pred);
  return solved == Equality::undecided ? joined : solved;
}

}  // namespace reckon
