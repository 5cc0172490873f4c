#include <array>

#include "parse_answer.h"

namespace reckon {
namespace {

// In the order of Op and Relation.
constexpr std::array<std::string_view, 91> kOpNames = {"number",
                                                       "symbol",
                                                       "pi",
                                                       "euler",
                                                       "imaginary",
                                                       "infinity",
                                                       "add",
                                                       "multiply",
                                                       "negate",
                                                       "divide",
                                                       "power",
                                                       "root",
                                                       "plus_minus",
                                                       "minus_plus",
                                                       "factorial",
                                                       "double_factorial",
                                                       "binomial",
                                                       "percent",
                                                       "degrees",
                                                       "absolute",
                                                       "floor",
                                                       "ceil",
                                                       "sign",
                                                       "exp",
                                                       "ln",
                                                       "log10",
                                                       "sin",
                                                       "cos",
                                                       "tan",
                                                       "cot",
                                                       "sec",
                                                       "csc",
                                                       "arcsin",
                                                       "arccos",
                                                       "arctan",
                                                       "arccot",
                                                       "arcsec",
                                                       "arccsc",
                                                       "sinh",
                                                       "cosh",
                                                       "tanh",
                                                       "coth",
                                                       "sech",
                                                       "csch",
                                                       "arsinh",
                                                       "arcosh",
                                                       "artanh",
                                                       "arcoth",
                                                       "arsech",
                                                       "arcsch",
                                                       "conjugate",
                                                       "real_part",
                                                       "imaginary_part",
                                                       "log",
                                                       "gcd",
                                                       "lcm",
                                                       "min",
                                                       "max",
                                                       "mod",
                                                       "sum",
                                                       "product",
                                                       "integral",
                                                       "limit",
                                                       "derivative",
                                                       "call",
                                                       "based_number",
                                                       "quantity",
                                                       "list",
                                                       "tuple",
                                                       "interval",
                                                       "sequence",
                                                       "set",
                                                       "empty_set",
                                                       "number_set",
                                                       "set_builder",
                                                       "set_union",
                                                       "intersection",
                                                       "set_difference",
                                                       "matrix",
                                                       "relation",
                                                       "all_of",
                                                       "any_of",
                                                       "not_of",
                                                       "ratio",
                                                       "text",
                                                       "cases"};
constexpr std::array<std::string_view, 22> kRelationNames = {
    "equal",         "not_equal", "less",           "less_equal", "greater",       "greater_equal",
    "approximately", "congruent", "identical",      "element",    "not_element",   "subset",
    "subset_equal",  "superset",  "superset_equal", "parallel",   "perpendicular", "similar",
    "proportional",  "implies",   "equivalent",     "maps_to"};
static_assert(kOpNames[static_cast<std::size_t>(Op::arcsch)] == "arcsch");
static_assert(kOpNames[static_cast<std::size_t>(Op::cases)] == "cases");
static_assert(kRelationNames[static_cast<std::size_t>(Relation::maps_to)] == "maps_to");

std::string number_text(const Expr& number) {
  std::string digits = number.digits;
  const auto num_fraction = static_cast<std::size_t>(number.num_fraction_digits);
  if (digits.size() <= num_fraction) digits.insert(0, num_fraction + 1 - digits.size(), '0');
  if (number.has_point) digits.insert(digits.size() - num_fraction, 1, '.');
  if (number.exponent10 != 0) digits += "e" + std::to_string(number.exponent10);
  return digits;
}

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

/// What stands between the name of the node and its arguments.
std::string details(const Expr& expr) {
  switch (expr.op) {
    case Op::number:
      return " " + number_text(expr);
    case Op::text:
    case Op::quantity:
    case Op::call:
    case Op::based_number:
      return " " + quoted(expr.name);
    case Op::interval:
      return std::string(expr.low_closed ? " closed" : " open") + (expr.high_closed ? " closed" : " open");
    case Op::matrix:
      return " " + std::to_string(expr.num_columns);
    case Op::number_set:
      return " " + expr.name;
    default:
      return (expr.clock ? " clock" : "") + (expr.name.empty() ? "" : " " + quoted(expr.name));
  }
}

}  // namespace

std::string to_text(const Expr& expr) {
  const std::string_view op = kOpNames[static_cast<std::size_t>(expr.op)];
  if (expr.op == Op::symbol) {
    return expr.name.find(' ') == std::string::npos ? expr.name : quoted(expr.name);
  }
  const bool constant = expr.op == Op::pi || expr.op == Op::euler || expr.op == Op::imaginary ||
                        expr.op == Op::infinity || expr.op == Op::empty_set;
  if (constant) return std::string(op);
  std::string text = "(" + std::string(op) + details(expr);
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    if (expr.op == Op::relation && i > 0) {
      text += " ";
      text += kRelationNames[static_cast<std::size_t>(expr.relations[i - 1])];
    }
    text += " " + to_text(expr.args[i]);
  }
  return text + ")";
}

}  // namespace reckon
