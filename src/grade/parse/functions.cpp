#include "parser.h"

namespace reckon {
namespace {

bool is_trigonometric(Op op) {
  return op >= Op::sin && op <= Op::arcsch;
}

bool is_minus_one(const Expr& expr) {
  return expr.op == Op::negate && is_plain_integer(expr.args[0]) && expr.args[0].digits == "1";
}

}  // namespace

/// A function with its powers and base before the argument: \sin^2 x, \sin^{-1} x, \log_2 8.
Expr Parser::parse_function() {
  const Token function = take();
  const Op op = static_cast<Op>(function.code);
  if (takes_several(op) || op == Op::call) return parse_function_of_several(function);
  Expr base;
  Expr exponent;
  bool has_base = false;
  bool has_exponent = false;
  while (at(TokenKind::caret) || at(TokenKind::underscore)) {
    const bool power = at(TokenKind::caret);
    if (power ? has_exponent : has_base) return unexpected("the argument of a function");
    ++next_;
    (power ? has_exponent : has_base) = true;
    if (power) {
      exponent = parse_exponent();
    } else {
      if (op != Op::log10) return fail("a subscript of \\" + std::string(function.text));
      base = parse_argument(false);
    }
  }
  Expr argument = parse_function_argument(op);
  if (!ok()) return {};
  Op applied = op;
  if (has_exponent && is_minus_one(exponent)) {
    if (const auto inverse = inverse_function(op)) {
      applied = *inverse;
      has_exponent = false;
    }
  }
  Expr value =
      has_base ? make(Op::log, std::move(argument), std::move(base)) : make(applied, std::move(argument));
  return has_exponent ? make(Op::power, std::move(value), std::move(exponent)) : value;
}

/// \gcd(a, b), \max\{a, b\}: here a comma never groups digits. Functions without a node of their own are
/// calls.
Expr Parser::parse_function_of_several(const Token& function) {
  const Op op = static_cast<Op>(function.code);
  std::string name(op == Op::call ? function.text : "");
  const bool group = at_open(bracket::kGroup) && at(TokenKind::open, 1);
  if (group) ++next_;
  if (!at_open(bracket::kRound) && !at_open(bracket::kSet) && !at_open(bracket::kSquare) &&
      !at_open(bracket::kGroup)) {
    if (op != Op::call) return unexpected("the arguments of a function");
    Expr call = make(op, parse_open_argument(op));
    call.name = std::move(name);
    return call;
  }
  char open = 0;
  char close = 0;
  Members members = parse_bracket_members(open, close);
  if (group && ok() && !accept_close(bracket::kGroup)) return unexpected("}");
  if (!ok()) return {};
  if (op == Op::mod && members.members.size() != 2) return fail("mod of other than two values");
  Expr result = make(op, std::move(members.members));
  result.name = std::move(name);
  return result;
}

Expr Parser::parse_function_argument(Op op) {
  const bool round = at_open(bracket::kRound) || at_open(bracket::kSet) || at_open(bracket::kSquare);
  if (!round) return parse_open_argument(op);
  char open = 0;
  char close = 0;
  Members members = parse_bracket_members(open, close);
  if (!ok()) return {};
  if (members.members.size() != 1) return fail("a function of one value before a list");
  return std::move(members.members[0]);
}

/// An argument without brackets goes on over what multiplies without a sign: \sin 2x \cos y, \log xy. It ends
/// before a bracket, a fraction or a root, unless there were only numbers: \ln 2\sqrt3, \sin 2(x + y).
Expr Parser::parse_open_argument(Op op) {
  const Level level(*this);
  std::vector<TokenKind> signs = take_signs();
  std::vector<Expr> factors;
  bool numbers_only = at(TokenKind::number);
  const bool group = at_open(bracket::kGroup);
  factors.push_back(parse_factor().expr);
  while (ok() && !group && !at_differential() && continues_argument(numbers_only, is_trigonometric(op))) {
    numbers_only = false;
    factors.push_back(parse_factor().expr);
  }
  Expr argument = make_product(std::move(factors));
  for (std::size_t i = 0; i < signs.size(); ++i) {
    if (signs[i] == TokenKind::minus) argument = make(Op::negate, std::move(argument));
    if (signs[i] == TokenKind::plus_minus || signs[i] == TokenKind::minus_plus)
      return unexpected("an argument");
  }
  return without_bracket(std::move(argument));
}

bool Parser::continues_argument(bool numbers_only, bool trigonometric) const {
  switch (peek().kind) {
    case TokenKind::letter:
    case TokenKind::name:
    case TokenKind::variable:
      return starts_factor();
    case TokenKind::fraction:
    case TokenKind::root:
      return numbers_only;
    case TokenKind::open:
      return numbers_only && trigonometric && at_open(bracket::kRound) && !peek().blank_before;
    default:
      return false;
  }
}

}  // namespace reckon
