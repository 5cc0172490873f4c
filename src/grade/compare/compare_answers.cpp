#include "compare_answers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "answer_parts.h"
#include "compare_statements.h"
#include "compare_values.h"
#include "match_members.h"
#include "matrix_fold.h"
#include "real_set.h"

namespace reckon {

Equality both(Equality a, Equality b) {
  if (a == Equality::different || b == Equality::different) return Equality::different;
  return a == Equality::equal ? b : a;
}

namespace {

/// Two trees side by side. Each call takes off one layer: names, collections, brackets, at last values.
class Comparer {
 public:
  explicit Comparer(const GradeOptions& options) : options_(options) {}

  Equality answers(const Expr& gold, const Expr& pred) const {
    if (same_tree(gold, pred)) return Equality::equal;
    if (pred.op == Op::sequence && pred.args.size() == 1 && gold.op != Op::sequence) {
      return answers(gold, pred.args[0]);  // [a + b]
    }
    const auto named_gold = as_assignment(gold);
    const auto named_pred = as_assignment(pred);
    if (named_gold && is_point(*named_gold) && is_collection(pred)) {
      return collections(coordinates(*named_gold), pred);
    }
    if (named_pred && is_point(*named_pred) && is_collection(gold)) {
      return collections(gold, coordinates(*named_pred));
    }
    if (named_gold && named_pred) return assignments(gold, *named_gold, pred, *named_pred);
    if (named_gold) {
      if (is_restriction(pred)) return statements(gold, *named_gold, pred);
      return answers(value_of(*named_gold, pred), pred);
    }
    if (named_pred && !is_restriction(gold)) {
      return answers(gold, value_of(*named_pred, gold));
    }
    return unnamed(gold, pred);
  }

 private:
  /// (x, y) = (1, 2)
  static bool is_point(const Assignment& assignment) {
    return assignment.name && assignment.name->op == Op::tuple && assignment.value.op == Op::tuple &&
           assignment.name->args.size() == assignment.value.args.size();
  }
  /// x = 1, y = 2
  static Expr coordinates(const Assignment& point) {
    Expr list = make_node(Op::list, {});
    for (std::size_t i = 0; i < point.value.args.size(); ++i) {
      Expr coordinate = make_node(Op::relation, {point.name->args[i], point.value.args[i]});
      coordinate.relations = {Relation::equal};
      list.args.push_back(std::move(coordinate));
    }
    return list;
  }

  /// A value that was rounded at the end, x = 1/3 \approx 0.33, stands for its exact part, but beside a
  /// decimal.
  static const Expr& value_of(const Assignment& assignment, const Expr& other) {
    return assignment.rounded && is_decimal(other) ? *assignment.rounded : assignment.value;
  }

  /// Statements that are no list of values: inequalities, equations.
  static bool is_restriction(const Expr& expr) { return is_statement(expr) && !is_collection(expr); }

  /// x \\in [-2, 7] is a gold that is a set.
  Equality statements(const Expr& gold, const Assignment& parts, const Expr& pred) const {
    if (is_set_expression(parts.value) && !options_.inequality_for_interval) return Equality::different;
    return statements(gold, pred);
  }

  Equality assignments(const Expr& gold, const Assignment& gold_parts, const Expr& pred,
                       const Assignment& pred_parts) const {
    const bool names_agree =
        !gold_parts.name || !pred_parts.name || same_name(*gold_parts.name, *pred_parts.name);
    if (names_agree) {
      const Expr& value = gold_parts.value;
      const Equality equality = answers(value, value_of(pred_parts, value));
      if (equality != Equality::different) return equality;
    }
    return statements(gold, pred);
  }

  bool same_name(const Expr& a, const Expr& b) const {
    if (same_tree(a, b)) return true;
    return a.op == b.op && a.op != Op::symbol && a.op != Op::text && a.op != Op::tuple &&
           equal_values(a, b) == Equality::equal;
  }

  Equality unnamed(const Expr& gold, const Expr& pred) const {
    if (gold.op == Op::empty_set && says_nothing(pred)) return Equality::equal;
    // An inequality without solutions may be answered by the empty set, which has members to compare.
    if (is_restriction(gold) && is_set_expression(pred)) return statements(gold, pred);
    if (is_value(gold) && pred.op == Op::set) return Equality::different;
    if (is_collection(gold) || is_collection(pred)) {
      const Equality by_members = collections(gold, pred);
      if (by_members == Equality::equal || !is_set_expression(gold) || !is_set_expression(pred))
        return by_members;
      const Equality as_sets = sets(gold, pred);  // {1, 2} and {1} \cup {2}
      return as_sets == Equality::undecided ? by_members : as_sets;
    }
    if (is_statement(gold)) return statements(gold, pred);
    if (gold.op == Op::tuple || gold.op == Op::interval || gold.op == Op::sequence)
      return brackets(gold, pred);
    if (is_set_expression(gold)) return sets(gold, pred);
    if (is_statement(pred)) return Equality::different;
    if (gold.op == Op::matrix || pred.op == Op::matrix || has_matrix(gold)) return matrices(gold, pred);
    if (gold.op == Op::cases) return cases(gold, pred);
    return is_value(pred) ? compare_values(gold, pred) : Equality::different;
  }

  /// A scalar, a ratio or words: no collection, set, point or statement.
  static bool is_value(const Expr& expr) {
    return expr.op <= Op::quantity || expr.op == Op::ratio || expr.op == Op::text;
  }

  static bool says_nothing(const Expr& expr) {
    constexpr std::array<std::string_view, 6> kWords = {
        "no solution", "no solutions", "no real solution", "no real solutions", "none", "empty set"};
    return expr.op == Op::text && std::find(kWords.begin(), kWords.end(), expr.name) != kWords.end();
  }

  Equality collections(const Expr& gold, const Expr& pred) const {
    if (options_.tuple_as_set && (gold.op == Op::tuple || pred.op == Op::tuple)) {
      return in_order(gold.args, pred.args);
    }
    if (gold.op == Op::tuple && gold.args.size() > 1) return Equality::different;
    const std::vector<Expr> golds = without_repeats(members_of(gold));
    const std::vector<Expr> preds = without_repeats(members_of(pred));
    // A collection never equals one value that it holds among others: no stuffing.
    if (options_.ordered_lists && gold.op == Op::list) return in_order(golds, preds);
    return match_members(golds.size(), preds.size(),
                         [&](std::size_t i, std::size_t j) { return answers(golds[i], preds[j]); });
  }

  std::vector<Expr> without_repeats(std::vector<Expr> members) const {
    std::vector<Expr> kept;
    for (Expr& member : members) {
      const bool is_repeat = std::any_of(kept.begin(), kept.end(), [&](const Expr& other) {
        return same_tree(member, other) ||
               (!is_decimal(member) && !is_decimal(other) && answers(other, member) == Equality::equal);
      });
      if (!is_repeat) kept.push_back(std::move(member));
    }
    return kept;
  }

  Equality in_order(const std::vector<Expr>& golds, const std::vector<Expr>& preds) const {
    if (golds.size() != preds.size()) return Equality::different;
    Equality result = Equality::equal;
    for (std::size_t i = 0; i < golds.size() && result != Equality::different; ++i) {
      result = both(result, answers(golds[i], preds[i]));
    }
    return result;
  }

  /// Points, vectors and intervals. (a, b) is read as what the other side is.
  Equality brackets(const Expr& gold, const Expr& pred) const {
    if (gold.op == Op::sequence) {
      if (gold.args.size() == 1 && pred.op != Op::sequence) return answers(gold.args[0], pred);  // [a + b]
      return pred.op == Op::sequence || pred.op == Op::tuple || is_closed(pred)
                 ? in_order(gold.args, pred.args)
                 : Equality::different;
    }
    if (gold.op == Op::tuple) {
      if (pred.op == Op::tuple || is_vector(pred)) return in_order(gold.args, pred.args);
      if (gold.args.size() == 2 && is_set_expression(pred)) return sets(gold, pred);
      return Equality::different;
    }
    if (pred.op == Op::interval &&
        (gold.low_closed != pred.low_closed || gold.high_closed != pred.high_closed)) {
      return Equality::different;
    }
    const bool is_open = !gold.low_closed && !gold.high_closed;
    if (pred.op == Op::interval || (pred.op == Op::tuple && is_open)) return in_order(gold.args, pred.args);
    return sets(gold, pred);
  }

  static bool is_closed(const Expr& expr) {
    return expr.op == Op::interval && expr.low_closed && expr.high_closed;
  }
  static bool is_vector(const Expr& expr) {
    return expr.op == Op::matrix &&
           (expr.num_columns == 1 || static_cast<std::size_t>(expr.num_columns) == expr.args.size());
  }

  Equality sets(const Expr& gold, const Expr& pred) const {
    if (is_statement(pred) && !options_.inequality_for_interval) return Equality::different;
    if (!is_set_expression(pred) && !is_statement(pred) && pred.op != Op::tuple) return Equality::different;
    const Equality equality = compare_real_sets(gold, pred);
    if (equality == Equality::equal) return equality;
    if (gold.op != pred.op)
      return equality == Equality::undecided && !is_statement(pred) ? Equality::different : equality;
    // Endpoints with variables, sets of points: member by member.
    switch (gold.op) {
      case Op::set_union:
      case Op::intersection:
        return match_members(gold.args.size(), pred.args.size(), [&](std::size_t i, std::size_t j) {
          return answers(gold.args[i], pred.args[j]);
        });
      case Op::set_difference:
      case Op::set_builder:
        return in_order(gold.args, pred.args);
      default:
        return equality;
    }
  }

  Equality matrices(const Expr& gold, const Expr& pred) const {
    const Expr a = fold_matrices(gold);
    const Expr b = fold_matrices(pred);
    if (a.op != Op::matrix || (b.op != Op::matrix && b.op != Op::tuple)) return Equality::different;
    const bool vectors = is_vector(a) && (is_vector(b) || b.op == Op::tuple);
    if (!vectors && a.num_columns != b.num_columns) return Equality::different;
    return in_order(a.args, b.args);
  }

  /// A piecewise definition: the same values under the same conditions, in any order.
  Equality cases(const Expr& gold, const Expr& pred) const {
    if (pred.op != Op::cases || gold.args.size() != pred.args.size()) return Equality::different;
    return match_members(gold.args.size() / 2, pred.args.size() / 2, [&](std::size_t i, std::size_t j) {
      return both(answers(gold.args[2 * i], pred.args[2 * j]),
                  answers(gold.args[2 * i + 1], pred.args[2 * j + 1]));
    });
  }

  Equality statements(const Expr& gold, const Expr& pred) const {
    if (is_statement(pred)) {
      return compare_statements(gold, pred, [this](const Expr& a, const Expr& b) { return answers(a, b); });
    }
    // The gold is an inequality, and its solutions are given as a set.
    if (!is_set_expression(pred) && pred.op != Op::tuple && pred.op != Op::interval)
      return Equality::different;
    return compare_real_sets(gold, pred);
  }

  const GradeOptions& options_;
};

}  // namespace

Equality compare_answers(const Expr& gold, const Expr& pred, const GradeOptions& options) {
  return Comparer(options).answers(gold, pred);
}

}  // namespace reckon
