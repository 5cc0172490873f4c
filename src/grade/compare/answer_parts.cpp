#include "answer_parts.h"

#include <algorithm>

#include "compare_scalars.h"
#include "real_set.h"

namespace reckon {
namespace {

bool has_sign_choice(const Expr& expr) {
  return expr.op == Op::plus_minus || expr.op == Op::minus_plus ||
         std::any_of(expr.args.begin(), expr.args.end(), has_sign_choice);
}

/// \param sign  that of plus_minus: true for +.
Expr with_signs(const Expr& expr, bool sign) {
  if (expr.op == Op::plus_minus || expr.op == Op::minus_plus) {
    Expr inside = with_signs(expr.args.at(0), sign);
    const bool is_plus = (expr.op == Op::plus_minus) == sign;
    return is_plus ? inside : make_node(Op::negate, {std::move(inside)});
  }
  Expr result = expr;
  for (Expr& arg : result.args) arg = with_signs(arg, sign);
  return result;
}

bool contains(const Expr& expr, const Expr& part) {
  return same_tree(expr, part) || std::any_of(expr.args.begin(), expr.args.end(),
                                              [&](const Expr& arg) { return contains(arg, part); });
}

/// Whether it depends on a variable: f(-2) + f(0) does not, f(x) does.
bool has_variables(const Expr& expr) {
  return expr.op == Op::symbol || expr.op == Op::text ||
         std::any_of(expr.args.begin(), expr.args.end(), has_variables);
}

bool is_infinite(const Expr& expr) {
  return expr.op == Op::infinity || (expr.op == Op::negate && is_infinite(expr.args.at(0)));
}

/// Whether an operation takes numbers: not a sign, a bound of a sum, an end of an interval, or a unit.
bool calculates(Op op) {
  switch (op) {
    case Op::add:
    case Op::multiply:
    case Op::divide:
    case Op::power:
    case Op::root:
    case Op::factorial:
    case Op::double_factorial:
    case Op::binomial:
    case Op::mod:
      return true;
    default:
      return op >= Op::absolute && op <= Op::min;
  }
}

bool all_names(const Expr& expr) {
  return !expr.args.empty() && std::all_of(expr.args.begin(), expr.args.end(), is_name);
}

/// Whether statements joined by and / or list values (x = 1 or x = 2) rather than restrict one (x > 1 and x <
/// 3).
bool lists_values(const Expr& expr) {
  return std::all_of(expr.args.begin(), expr.args.end(), [](const Expr& arg) {
    return !is_statement(arg) || as_assignment(arg) ||
           ((arg.op == Op::any_of || arg.op == Op::all_of) && lists_values(arg));
  });
}

/// (a, b) may be an open interval.
bool is_set_like(const Expr& expr) {
  return is_set_expression(expr) || (expr.op == Op::tuple && expr.args.size() == 2);
}

}  // namespace

bool is_statement(const Expr& expr) {
  return expr.op == Op::relation || expr.op == Op::all_of || expr.op == Op::any_of || expr.op == Op::not_of;
}

bool is_order(Relation relation) {
  return relation == Relation::less || relation == Relation::less_equal || relation == Relation::greater ||
         relation == Relation::greater_equal;
}

bool is_equality(Relation relation) {
  return relation == Relation::equal || relation == Relation::approximately ||
         relation == Relation::identical;
}

std::string without_value(const Expr& expr) {
  if (expr.op == Op::divide && !has_variables(expr.args.at(1)) && rational_value(expr.args[1]) == "0") {
    return "divides by zero";
  }
  if (calculates(expr.op) && std::any_of(expr.args.begin(), expr.args.end(), is_infinite)) {
    return "calculates with infinity";
  }
  for (const Expr& arg : expr.args) {
    if (std::string reason = without_value(arg); !reason.empty()) return reason;
  }
  return {};
}

bool has_names(const Expr& expr) {
  return expr.op == Op::symbol || expr.op == Op::call || expr.op == Op::text ||
         std::any_of(expr.args.begin(), expr.args.end(), has_names);
}

bool is_name(const Expr& expr) {
  switch (expr.op) {
    case Op::symbol:
    case Op::text:
    case Op::call:
      return true;
    case Op::absolute:
    case Op::tuple:
    case Op::ratio:
    case Op::divide:
      return all_names(expr);
    case Op::multiply:  // P(A), a probability, is read as a product
      return expr.args.size() == 2 && expr.args[0].op == Op::symbol && expr.args[0].name == "P" &&
             expr.args[1].op == Op::symbol;
    default:
      return false;
  }
}

std::optional<Assignment> as_assignment(const Expr& expr) {
  if (expr.op != Op::relation || expr.args.size() < 2) return std::nullopt;
  const Expr& first = expr.args.front();
  const Expr& last = expr.args.back();
  if (expr.args.size() == 2 && expr.relations[0] == Relation::element) {
    if (!is_name(first) || !is_set_like(last)) return std::nullopt;
    return Assignment{first, last, std::nullopt};
  }
  if (!std::all_of(expr.relations.begin(), expr.relations.end(), is_equality)) return std::nullopt;
  Assignment result;
  if (is_name(first) && !(expr.args.size() == 2 && contains(last, first))) {
    result.name = first;
  } else if (expr.args.size() == 2 && is_name(last) && !has_names(first)) {
    return Assignment{last, first, std::nullopt};  // 5 = x
  } else if (has_variables(first)) {
    return std::nullopt;
  }
  result.value = last;
  const std::size_t links = expr.relations.size();
  if (links >= 2 && expr.relations.back() == Relation::approximately) {
    result.value = expr.args[links - 1];
    result.rounded = last;
  }
  return result;
}

std::vector<Expr> sign_readings(const Expr& expr) {
  if (!has_sign_choice(expr)) return {expr};
  return {with_signs(expr, true), with_signs(expr, false)};
}

bool is_collection(const Expr& expr) {
  if (expr.op == Op::list || expr.op == Op::set || expr.op == Op::empty_set) return true;
  if (expr.op == Op::any_of || expr.op == Op::all_of) return lists_values(expr);
  return has_sign_choice(expr);
}

std::vector<Expr> members_of(const Expr& expr) {
  if (expr.op == Op::empty_set) return {};
  const bool opens = expr.op == Op::list || expr.op == Op::set ||
                     ((expr.op == Op::any_of || expr.op == Op::all_of) && lists_values(expr));
  if (!opens) return sign_readings(expr);
  std::vector<Expr> members;
  for (const Expr& arg : expr.args) {
    // A set within a set is one member; a list within a list is written without brackets of its own.
    const bool is_inner_set = arg.op == Op::set && expr.op != Op::any_of && expr.op != Op::all_of;
    for (Expr& member : is_inner_set ? std::vector<Expr>{arg} : members_of(arg)) {
      members.push_back(std::move(member));
    }
  }
  return members;
}

std::vector<Comparison> comparisons_of(const Expr& expr) {
  std::vector<Comparison> pairs;
  for (std::size_t i = 0; i + 1 < expr.args.size(); ++i) {
    pairs.push_back({expr.args[i], expr.relations[i], expr.args[i + 1]});
  }
  return pairs;
}

}  // namespace reckon
