#include <algorithm>

#include "parser.h"

namespace reckon {
namespace {

/// Letters that name functions wherever a bracket follows them.
bool names_function(std::string_view name) {
  while (name.ends_with('\'')) name.remove_suffix(1);
  name = name.substr(0, name.find('_'));
  return name.size() == 1 && std::string_view("fghFG").find(name[0]) != std::string_view::npos;
}

bool is_minus_one(const Expr& expr) {
  return expr.op == Op::negate && is_plain_integer(expr.args[0]) && expr.args[0].digits == "1";
}

/// e^{I\pi}: beside pi in an exponent of e, a capital I is the imaginary unit.
void read_capital_imaginary(Expr& expr) {
  if (expr.op == Op::symbol && expr.name == "I") {
    expr = make(Op::imaginary);
    return;
  }
  for (Expr& arg : expr.args) read_capital_imaginary(arg);
}

bool contains(const Expr& expr, Op op) {
  return expr.op == op ||
         std::any_of(expr.args.begin(), expr.args.end(), [op](const Expr& arg) { return contains(arg, op); });
}

/// The name under which a constant is a variable: e_1, i_1, \pi_1.
std::string constant_name(Op op) {
  return op == Op::euler ? "e" : op == Op::imaginary ? "i" : op == Op::pi ? "pi" : "";
}

}  // namespace

/// n!, the double factorial n!!, and more: x!!! is ((x!)!)!.
Expr Parser::parse_factorials(Expr&& operand) {
  int num_signs = 0;
  for (; at(TokenKind::exclamation); ++next_) ++num_signs;
  if (num_signs > limits_.max_depth) {
    return refuse("more than " + std::to_string(limits_.max_depth) + " signs behind a value");
  }
  if (num_signs == 2) return make(Op::double_factorial, std::move(operand));
  Expr expr = std::move(operand);
  for (int i = 0; i < num_signs; ++i) expr = make(Op::factorial, std::move(expr));
  return expr;
}

/// A primary with what stands behind it: powers, subscripts, factorials, percent and degree signs, arguments.
Parser::Factor Parser::parse_factor() {
  const std::size_t start = next_;
  Factor factor = parse_primary();
  int num_behind = 0;
  bool subscripted = false;
  while (ok()) {
    Expr& expr = factor.expr;
    switch (peek().kind) {
      case TokenKind::caret:
        expr = parse_power(std::move(expr));
        break;
      case TokenKind::underscore:
        if (std::exchange(subscripted, true)) return {fail("a second subscript"), Shape::other};
        expr = parse_subscript(std::move(expr), start);
        break;
      case TokenKind::exclamation:
        expr = parse_factorials(without_bracket(std::move(expr)));
        break;
      case TokenKind::percent:
        ++next_;
        expr = make(Op::percent, std::move(expr));
        break;
      case TokenKind::circle:
        ++next_;
        expr = parse_degrees(std::move(expr));
        break;
      case TokenKind::money:
        ++next_;
        expr = make(Op::quantity, std::move(expr));
        expr.name = tokens_[next_ - 1].text;
        break;
      case TokenKind::prime:
        if (expr.op != Op::symbol) return {unexpected("a symbol"), Shape::other};
        ++next_;
        expr.name += '\'';
        break;
      default:
        if (!at_call(expr)) return factor;
        expr = parse_call(std::move(expr));
    }
    factor.shape = Shape::other;
    if (++num_behind > limits_.max_depth) {
      return {refuse("more than " + std::to_string(limits_.max_depth) + " signs behind a value"),
              Shape::other};
    }
  }
  return factor;
}

/// ^ and what it does: degrees, a prime, a star, the side of a limit, or a power.
Expr Parser::parse_power(Expr&& base) {
  ++next_;
  const bool braces = at_open(bracket::kGroup);
  const std::size_t inside = braces ? 1 : 0;
  const TokenKind kind = peek(inside).kind;
  const bool alone = !braces || at_close(bracket::kGroup, 2);
  const std::size_t num_tokens = braces ? 3 : 1;
  if (alone && (kind == TokenKind::circle || at_letter("o", inside))) {
    next_ += num_tokens;
    return parse_degrees(std::move(base));
  }
  const bool sign = kind == TokenKind::plus || kind == TokenKind::minus || kind == TokenKind::times;
  const bool lone_sign = alone && sign &&
                         (braces || peek(1).kind == TokenKind::end || peek(1).kind == TokenKind::close ||
                          kind == TokenKind::times);
  if (lone_sign) {
    const std::string text(peek(inside).text);
    next_ += num_tokens;
    if (side_ != nullptr && kind != TokenKind::times) {
      side_->name = text;
      return std::move(base);
    }
    if (base.op != Op::symbol && base.op != Op::number_set)
      return fail("a sign as the power of what has no name");
    base.name += "^{" + (kind == TokenKind::times ? "*" : text) + "}";
    return std::move(base);
  }
  if (alone && kind == TokenKind::prime && base.op == Op::symbol) {
    next_ += num_tokens;
    base.name += '\'';
    return std::move(base);
  }
  Expr exponent = parse_exponent();
  if (base.op == Op::euler && contains(exponent, Op::pi)) read_capital_imaginary(exponent);
  return make(Op::power, without_bracket(std::move(base)), std::move(exponent));
}

/// An angle, or a temperature: 90^\circ C.
Expr Parser::parse_degrees(Expr&& value) {
  const bool celsius = at_letter("C");
  const bool alone = !at(TokenKind::underscore, 1) && !at(TokenKind::caret, 1) && !at(TokenKind::open, 1);
  if ((!celsius && !at_letter("F")) || !alone) return make(Op::degrees, std::move(value));
  ++next_;
  Expr temperature = make(Op::quantity, std::move(value));
  temperature.name = celsius ? "celsius" : "fahrenheit";
  return temperature;
}

/// The exponent: a group, a number in all its digits (10^300), or one factor; x^-1 without braces, too.
Expr Parser::parse_exponent() {
  if (at_open(bracket::kGroup)) {
    Expr exponent = parse_bracket();
    const Level level(*this);
    if (ok() && at(TokenKind::caret)) exponent = parse_power(std::move(exponent));
    return without_bracket(std::move(exponent));
  }
  const Level level(*this);
  if (accept(TokenKind::minus)) return make(Op::negate, parse_exponent());
  accept(TokenKind::plus);
  Factor base = at(TokenKind::number) ? Factor{number_of(take().text)} : parse_primary();
  if (ok() && at(TokenKind::caret)) base.expr = parse_power(std::move(base.expr));
  return without_bracket(std::move(base.expr));
}

/// The subscript as part of a name: its tokens without blanks, so that x_i, x_{i} and x_{ i } are one.
std::string Parser::subscript_text() {
  if (!at_open(bracket::kGroup)) {
    const Token token = peek();
    const bool name = token.kind == TokenKind::letter || token.kind == TokenKind::number ||
                      token.kind == TokenKind::name || token.kind == TokenKind::word ||
                      token.kind == TokenKind::infinity;
    if (!name) {
      unexpected("a subscript");
      return {};
    }
    ++next_;
    return std::string(token.text);
  }
  std::string text;
  int depth = 0;
  do {
    const Token token = take();
    if (token.kind == TokenKind::end) {
      unexpected("}");
      return {};
    }
    depth += token.kind == TokenKind::open ? 1 : token.kind == TokenKind::close ? -1 : 0;
    text += token.text;
  } while (depth > 0);
  text = text.substr(1, text.size() - 2);
  if (text.empty()) fail("an empty subscript");
  return text;
}

Expr Parser::parse_subscript(Expr&& base, std::size_t start) {
  ++next_;
  Expr* named = &base;
  if (base.op == Op::power) named = &base.args[0];
  if (const std::string name = constant_name(named->op); !name.empty()) *named = make_symbol(name);
  const bool literal = is_plain_integer(base) && (next_ == start + 2 || parenthesis_end_ == next_ - 1);
  if (literal) return based_number(base.digits);
  if (named->op == Op::number_set) {
    named->name += "_{" + subscript_text() + "}";
    return std::move(base);
  }
  if (named->op != Op::symbol) return fail("a subscript of what has no name");
  const std::string subscript = subscript_text();
  // C_5^2 with whole numbers is a binomial coefficient.
  const bool choose = named->name == "C" && !subscript.empty() &&
                      subscript.find_first_not_of("0123456789") == std::string::npos;
  const std::size_t digits = at(TokenKind::caret) ? (at_open(bracket::kGroup, 1) ? 2 : 1) : 0;
  if (choose && base.op == Op::power && is_plain_integer(base.args[1])) {
    return make(Op::binomial, number_of(subscript), std::move(base.args[1]));
  }
  if (choose && digits > 0 && at(TokenKind::number, digits) &&
      (digits == 1 || at_close(bracket::kGroup, 3))) {
    next_ += digits;
    Expr below = number_of(take().text);
    if (digits == 2) ++next_;
    return make(Op::binomial, number_of(subscript), std::move(below));
  }
  named->name += "_{" + subscript + "}";
  return std::move(base);
}

/// Whether the name before is applied to the bracket here: f(x), any name before a list, P(A, B), a capital
/// before a statement, P(X = 1). But a(b + c) and h(2 + h) are products.
bool Parser::at_call(const Expr& callee) const {
  const std::size_t ahead = at_open(bracket::kGroup) ? 1 : 0;  // f{\left(x \right)}
  if (!at_open(bracket::kRound, ahead) || at(TokenKind::modulo, ahead + 1)) return false;
  const Expr& symbol = callee.op == Op::power ? callee.args[0] : callee;
  if (symbol.op != Op::symbol) return false;
  const bool function = names_function(symbol.name);
  if (callee.op == Op::power && !function) return false;
  const bool event = symbol.name[0] >= 'A' && symbol.name[0] <= 'Z';
  int depth = 0;
  for (std::size_t i = next_ + ahead; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    depth += token.kind == TokenKind::open ? 1 : token.kind == TokenKind::close ? -1 : 0;
    if (depth == 0) return function;
    const bool statement = token.kind == TokenKind::relation || token.kind == TokenKind::cap ||
                           token.kind == TokenKind::cup || token.kind == TokenKind::mid;
    if (depth == 1 && (token.kind == TokenKind::comma || (event && statement))) return true;
    if (function && token.kind == TokenKind::letter && token.text == symbol.name) return false;
  }
  return false;
}

Expr Parser::parse_call(Expr&& callee) {
  const bool power = callee.op == Op::power;
  const std::string name = power ? callee.args[0].name : callee.name;
  const bool group = at_open(bracket::kGroup);
  if (group) ++next_;
  char open = 0;
  char close = 0;
  Members members = parse_bracket_members(open, close);
  if (group && ok() && !accept_close(bracket::kGroup)) return unexpected("}");
  if (!ok()) return {};
  if (close != bracket::kRound) return fail("a half-open interval behind a name");
  auto& all = members.members;
  if (all.size() == 2 && name == "C" && is_plain_integer(all[0]) && is_plain_integer(all[1])) {
    return make(Op::binomial, std::move(all[0]), std::move(all[1]));
  }
  Expr result = make(Op::call, std::move(all));
  result.name = name;
  if (!power) return result;
  if (is_minus_one(callee.args[1])) {
    result.name += "^{-1}";
    return result;
  }
  return make(Op::power, std::move(result), std::move(callee.args[1]));
}

}  // namespace reckon
