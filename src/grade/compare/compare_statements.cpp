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

/// a = b (mod n): the same modulus, and sides that leave the same remainder.
Equality compare_congruences(const Comparison& gold, const Comparison& pred, const CompareSides& compare) {
  if (gold.right.op != Op::mod || pred.right.op != Op::mod) {
    return both(compare(gold.left, pred.left), compare(gold.right, pred.right));
  }
  const Equality moduli = equal_values(gold.right.args.at(1), pred.right.args.at(1));
  return both(both(moduli, compare(gold.left, pred.left)), equal_values(gold.right, pred.right));
}

Equality compare_pairs(const Comparison& gold, const Comparison& pred, const CompareSides& compare) {
  if (gold.relation != pred.relation) return Equality::different;
  if (gold.relation == Relation::congruent) return compare_congruences(gold, pred, compare);
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

/// x, -x or another name alone.
bool is_bare(const Expr& side) {
  return is_name(side) || (side.op == Op::negate && is_name(side.args.at(0)));
}

/// Whether every comparison says of a name what it is or where it lies: x = 5, -2 < x < 7, -x > -1.
bool is_solved(const Expr& expr) {
  if (expr.op != Op::relation) {
    return !expr.args.empty() && std::all_of(expr.args.begin(), expr.args.end(), is_solved);
  }
  const auto pairs = comparisons_of(expr);
  return std::all_of(pairs.begin(), pairs.end(), [](const Comparison& pair) {
    return (is_bare(pair.left) && !has_names(pair.right)) || (is_bare(pair.right) && !has_names(pair.left));
  });
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
  // Who is asked to solve does not get paid for the problem said back.
  if (is_solved(gold) && !is_solved(pred)) return Equality::different;
  const Equality joined = compare_joined(gold, pred, compare);
  if (joined == Equality::equal) return joined;
  const Equality solved = compare_solutions(gold, pred);
  return solved == Equality::undecided ? joined : solved;
}

}  // namespace reckon
