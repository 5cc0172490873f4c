#include "expr_build.h"

#include <algorithm>

namespace reckon {

Expr make_node(Op op, std::vector<Expr> args, std::string name) {
  Expr expr;
  expr.op = op;
  expr.args = std::move(args);
  expr.name = std::move(name);
  return expr;
}

Expr make_integer(std::int64_t value) {
  Expr expr;
  expr.op = Op::number;
  expr.digits = std::to_string(value);
  if (value >= 0) return expr;
  expr.digits.erase(0, 1);
  return make_node(Op::negate, {std::move(expr)});
}

Expr make_difference(const Expr& a, const Expr& b) {
  return make_node(Op::add, {a, make_node(Op::negate, {b})});
}

bool same_tree(const Expr& a, const Expr& b) {
  return a.op == b.op && a.name == b.name && a.digits == b.digits &&
         a.num_fraction_digits == b.num_fraction_digits && a.exponent10 == b.exponent10 &&
         a.low_closed == b.low_closed && a.high_closed == b.high_closed && a.clock == b.clock &&
         a.num_columns == b.num_columns && a.relations == b.relations &&
         std::equal(a.args.begin(), a.args.end(), b.args.begin(), b.args.end(), same_tree);
}

Expr substitute(const Expr& expr, const std::string& name, const Expr& value) {
  if (expr.op == Op::symbol && expr.name == name) return value;
  Expr result = expr;
  for (Expr& arg : result.args) arg = substitute(arg, name, value);
  return result;
}

}  // namespace reckon
