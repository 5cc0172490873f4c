#include "real_set.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "answer_parts.h"
#include "compare_answers.h"
#include "compare_values.h"
#include "solve_inequality.h"

namespace reckon {
namespace {

int infinity_sign(const Expr& expr) {
  if (expr.op == Op::infinity) return 1;
  if (expr.op == Op::negate) return -infinity_sign(expr.args.at(0));
  if (expr.op == Op::add && expr.args.size() == 1) return infinity_sign(expr.args[0]);  // +\infty
  return 0;
}

/// What cannot be ordered or read; never leaves this file.
struct NoSuchSet {};

int order(const Expr& a, const Expr& b) {
  const int a_sign = infinity_sign(a);
  const int b_sign = infinity_sign(b);
  if (a_sign != 0 || b_sign != 0) return a_sign == b_sign ? 0 : (a_sign < b_sign ? -1 : 1);
  const auto known = compare_constants(a, b);
  if (!known) throw NoSuchSet{};
  return *known;
}

using Pieces = std::vector<RealInterval>;

bool is_empty(const RealInterval& piece) {
  const int ends = order(piece.low, piece.high);
  return ends > 0 || (ends == 0 && !(piece.low_closed && piece.high_closed));
}

RealInterval whole_line() {
  RealInterval line;
  line.high = make_node(Op::infinity, {});
  line.low = make_node(Op::negate, {line.high});
  return line;
}

/// Whether a begins before b.
bool begins_before(const RealInterval& a, const RealInterval& b) {
  const int lows = order(a.low, b.low);
  return lows != 0 ? lows < 0 : a.low_closed && !b.low_closed;
}

/// Sorted, without empty pieces, those that touch made one.
Pieces normal(Pieces pieces) {
  pieces.erase(std::remove_if(pieces.begin(), pieces.end(), is_empty), pieces.end());
  std::sort(pieces.begin(), pieces.end(), begins_before);
  Pieces joined;
  for (RealInterval& piece : pieces) {
    if (!joined.empty()) {
      RealInterval& last = joined.back();
      const int gap = order(last.high, piece.low);
      if (gap > 0 || (gap == 0 && (last.high_closed || piece.low_closed))) {
        const int highs = order(last.high, piece.high);
        if (highs < 0) last.high = piece.high;
        last.high_closed =
            highs < 0 ? piece.high_closed : last.high_closed || (highs == 0 && piece.high_closed);
        continue;
      }
    }
    joined.push_back(std::move(piece));
  }
  return joined;
}

RealInterval overlap(const RealInterval& a, const RealInterval& b) {
  RealInterval result;
  const int lows = order(a.low, b.low);
  result.low = lows >= 0 ? a.low : b.low;
  result.low_closed = lows == 0 ? a.low_closed && b.low_closed : (lows > 0 ? a.low_closed : b.low_closed);
  const int highs = order(a.high, b.high);
  result.high = highs <= 0 ? a.high : b.high;
  result.high_closed =
      highs == 0 ? a.high_closed && b.high_closed : (highs < 0 ? a.high_closed : b.high_closed);
  return result;
}

Pieces intersected(const Pieces& a, const Pieces& b) {
  Pieces result;
  for (const RealInterval& left : a) {
    for (const RealInterval& right : b) result.push_back(overlap(left, right));
  }
  return normal(std::move(result));
}

/// \param pieces  normal
Pieces complement(const Pieces& pieces) {
  Pieces gaps;
  RealInterval gap = whole_line();
  for (const RealInterval& piece : pieces) {
    gap.high = piece.low;
    gap.high_closed = !piece.low_closed && infinity_sign(piece.low) == 0;
    gaps.push_back(gap);
    gap.low = piece.high;
    gap.low_closed = !piece.high_closed && infinity_sign(piece.high) == 0;
  }
  gap.high = whole_line().high;
  gap.high_closed = false;
  gaps.push_back(gap);
  return normal(std::move(gaps));
}

RealInterval point(const Expr& value) {
  return {value, value, true, true};
}

class Reader {
 public:
  /// The variable of the statements seen so far; empty before the first.
  [[nodiscard]] const std::string& variable() const { return variable_; }

  Pieces read(const Expr& expr) {
    switch (expr.op) {
      case Op::interval:
      case Op::tuple:
        return read_interval(expr);
      case Op::set:
      case Op::list:
      case Op::empty_set:
        return read_points(expr);
      case Op::number_set:
        if (expr.name != "R") throw NoSuchSet{};
        return {whole_line()};
      case Op::set_union:
      case Op::any_of:
        return read_union(expr.args);
      case Op::intersection:
      case Op::all_of:
        return read_intersection(expr.args);
      case Op::set_difference:
        return intersected(read(expr.args.at(0)), complement(read(expr.args.at(1))));
      case Op::not_of:
        return complement(read(expr.args.at(0)));
      case Op::set_builder:
        return read(expr.args.at(1));
      case Op::relation:
        return read_chain(expr);
      default:
        throw NoSuchSet{};
    }
  }

 private:
  static Pieces read_interval(const Expr& expr) {
    if (expr.args.size() != 2) throw NoSuchSet{};
    RealInterval piece{expr.args[0], expr.args[1], expr.low_closed, expr.high_closed};
    // Not a point (5, 3) taken for an empty interval, nor one that holds infinity.
    const bool holds_infinity = (piece.low_closed && infinity_sign(piece.low) != 0) ||
                                (piece.high_closed && infinity_sign(piece.high) != 0);
    if (holds_infinity || is_empty(piece)) throw NoSuchSet{};
    return {std::move(piece)};
  }

  static Pieces read_points(const Expr& expr) {
    Pieces points;
    for (const Expr& member : members_of(expr)) points.push_back(point(member));
    return normal(std::move(points));
  }

  Pieces read_union(const std::vector<Expr>& parts) {
    Pieces all;
    for (const Expr& part : parts) {
      for (RealInterval& piece : read(part)) all.push_back(std::move(piece));
    }
    return normal(std::move(all));
  }

  Pieces read_intersection(const std::vector<Expr>& parts) {
    Pieces common{whole_line()};
    for (const Expr& part : parts) common = intersected(common, read(part));
    return common;
  }

  Pieces read_chain(const Expr& expr) {
    Pieces common{whole_line()};
    for (const Comparison& pair : comparisons_of(expr)) common = intersected(common, read_pair(pair));
    return common;
  }

  Pieces read_pair(const Comparison& pair) {
    if (pair.relation == Relation::element || pair.relation == Relation::not_element) {
      if (pair.left.op != Op::symbol) throw NoSuchSet{};
      use_variable(pair.left.name);
      const Pieces set = read(pair.right);
      return pair.relation == Relation::element ? set : complement(set);
    }
    const auto solved = solve_inequality(pair.left, pair.relation, pair.right);
    if (!solved) throw NoSuchSet{};
    use_variable(solved->variable);
    return normal(solved->pieces);
  }

  void use_variable(const std::string& name) {
    if (!variable_.empty() && variable_ != name) throw NoSuchSet{};
    variable_ = name;
  }

  std::string variable_;
};

Equality compare_ends(const Expr& gold, const Expr& pred) {
  const int sign = infinity_sign(gold);
  if (sign != 0 || infinity_sign(pred) != 0) {
    return sign == infinity_sign(pred) ? Equality::equal : Equality::different;
  }
  return compare_values(gold, pred);
}

Equality compare_pieces(const Pieces& gold, const Pieces& pred) {
  if (gold.size() != pred.size()) return Equality::different;
  Equality result = Equality::equal;
  for (std::size_t i = 0; i < gold.size() && result != Equality::different; ++i) {
    if (gold[i].low_closed != pred[i].low_closed || gold[i].high_closed != pred[i].high_closed) {
      return Equality::different;
    }
    result =
        both(result, both(compare_ends(gold[i].low, pred[i].low), compare_ends(gold[i].high, pred[i].high)));
  }
  return result;
}

}  // namespace

bool is_set_expression(const Expr& expr) {
  switch (expr.op) {
    case Op::interval:
    case Op::set:
    case Op::empty_set:
    case Op::number_set:
    case Op::set_builder:
    case Op::set_union:
    case Op::intersection:
    case Op::set_difference:
      return true;
    default:
      return false;
  }
}

Equality compare_real_sets(const Expr& gold, const Expr& pred) {
  try {
    Reader gold_reader;
    Reader pred_reader;
    const Pieces golds = gold_reader.read(gold);
    const Pieces preds = pred_reader.read(pred);
    if (!gold_reader.variable().empty() && !pred_reader.variable().empty() &&
        gold_reader.variable() != pred_reader.variable()) {
      return Equality::different;
    }
    return compare_pieces(golds, preds);
  } catch (const NoSuchSet&) {
    return Equality::undecided;
  }
}

Equality compare_solutions(const Expr& gold, const Expr& pred) {
  if (!is_statement(gold) || !is_statement(pred)) return Equality::undecided;
  return compare_real_sets(gold, pred);
}

}  // namespace reckon
