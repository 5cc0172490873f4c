#include <algorithm>

#include "characters.h"
#include "parser.h"

namespace reckon {

Expr make(Op op, std::vector<Expr>&& args) {
  Expr expr;
  expr.op = op;
  expr.args = std::move(args);
  return expr;
}

Expr make(Op op, Expr&& arg) {
  Expr expr;
  expr.op = op;
  expr.args.push_back(std::move(arg));
  return expr;
}

Expr make(Op op, Expr&& first, Expr&& second) {
  Expr expr;
  expr.op = op;
  expr.args.reserve(2);
  expr.args.push_back(std::move(first));
  expr.args.push_back(std::move(second));
  return expr;
}

Expr make_symbol(std::string name) {
  Expr expr;
  expr.op = Op::symbol;
  expr.name = std::move(name);
  return expr;
}

Expr make_text(std::string name) {
  Expr expr;
  expr.op = Op::text;
  expr.name = std::move(name);
  return expr;
}

Expr make_integer(std::uint64_t value) {
  Expr expr;
  expr.digits = std::to_string(value);
  return expr;
}

Expr without_bracket(Expr&& expr) {
  if ((expr.op != Op::set && expr.op != Op::sequence) || expr.args.size() != 1) return std::move(expr);
  Expr inner = std::move(expr.args[0]);
  return inner;
}

Expr make_product(std::vector<Expr>&& factors) {
  if (factors.size() == 1) return std::move(factors[0]);
  for (Expr& factor : factors) factor = without_bracket(std::move(factor));
  return make(Op::multiply, std::move(factors));
}

bool is_set_like(const Expr& expr) {
  switch (expr.op) {
    case Op::interval:
    case Op::set:
    case Op::tuple:
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

bool is_plain_integer(const Expr& expr) {
  return expr.op == Op::number && !expr.has_point && expr.exponent10 == 0;
}

void rename_imaginary(Expr& expr) {
  if (expr.op == Op::imaginary) {
    expr = make_symbol("i");
    return;
  }
  for (Expr& arg : expr.args) rename_imaginary(arg);
}

int height(const Expr& expr, int limit) {
  int highest = 0;
  if (limit < 0) return 1;
  for (const Expr& arg : expr.args) highest = std::max(highest, height(arg, limit - 1));
  return highest + 1;
}

std::string folded_text(const Token* first, const Token* last) {
  std::string joined;
  for (const Token* token = first; token != last; ++token) {
    if (token->blank_before && !joined.empty()) joined.push_back(' ');
    joined += token->text;
  }
  std::string folded = fold_case(joined);
  while (!folded.empty() && (folded.back() == '.' || folded.back() == ' ')) folded.pop_back();
  return folded;
}

}  // namespace reckon
