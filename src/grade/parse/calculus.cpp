#include "parser.h"

namespace reckon {

/// \sum_{k=1}^{n} and \prod, whose body is the term behind.
Expr Parser::parse_sum_sign() {
  const Level level(*this);
  const Token sign = take();
  Expr variable;
  Expr low;
  Expr high;
  bool has_low = false;
  bool has_high = false;
  while ((at(TokenKind::underscore) && !has_low) || (at(TokenKind::caret) && !has_high)) {
    if (take().kind == TokenKind::caret) {
      high = parse_argument(false);
      has_high = true;
      continue;
    }
    Expr start = parse_argument(false);
    const bool equation = start.op == Op::relation && start.args.size() == 2 &&
                          start.relations[0] == Relation::equal && start.args[0].name.size() > 0;
    const bool imaginary = start.op == Op::relation && start.args[0].op == Op::imaginary;
    if (ok() && !equation && !imaginary) return fail("bounds of a sum that are no k = a");
    if (!ok()) return {};
    variable = imaginary ? make_symbol("i") : std::move(start.args[0]);
    low = std::move(start.args[1]);
    has_low = true;
  }
  if (!has_low || !has_high) return fail("a sum without bounds");
  Expr body = parse_term({});
  if (!ok()) return {};
  // The index i of a sum is no imaginary unit.
  std::vector<Expr> args;
  args.push_back(std::move(body));
  args.push_back(std::move(variable));
  args.push_back(std::move(low));
  args.push_back(std::move(high));
  if (args[1].name == "i") rename_imaginary(args[0]);
  return make(static_cast<Op>(sign.code), std::move(args));
}

Parser::Bounds Parser::parse_bounds() {
  Bounds bounds;
  while ((at(TokenKind::underscore) && !bounds.has_low) || (at(TokenKind::caret) && !bounds.has_high)) {
    const bool low = take().kind == TokenKind::underscore;
    const bool empty = at_open(bracket::kGroup) && at_close(bracket::kGroup, 1);
    if (empty) {
      next_ += 2;
      continue;
    }
    const bool minus = accept(TokenKind::minus);
    Expr bound = parse_argument(false);
    if (minus) bound = make(Op::negate, std::move(bound));
    (low ? bounds.low : bounds.high) = std::move(bound);
    (low ? bounds.has_low : bounds.has_high) = true;
  }
  return bounds;
}

/// \int f dx: the integrand ends with its differential, which may stand in a numerator or in brackets.
/// Without one the variable is x.
Expr Parser::parse_integral() {
  const Level level(*this);
  ++next_;
  Bounds bounds = parse_bounds();
  if (!ok()) return {};
  Differential differential;
  Differential* const outer = std::exchange(differential_, &differential);
  Expr body = without_bracket(parse_sum());
  differential_ = outer;
  if (!ok()) return {};
  if (bounds.has_low != bounds.has_high) return fail("an integral with one bound");
  std::vector<Expr> args;
  args.push_back(std::move(body));
  args.push_back(make_symbol(differential.found ? differential.variable : "x"));
  if (bounds.has_low) {
    args.push_back(std::move(bounds.low));
    args.push_back(std::move(bounds.high));
  }
  return make(Op::integral, std::move(args));
}

/// d and a letter, in an integrand.
bool Parser::at_differential() const {
  return differential_ != nullptr && !differential_->found && at_letter("d") && at(TokenKind::letter, 1);
}

void Parser::take_differential() {
  ++next_;
  differential_->found = true;
  differential_->variable = take().text;
}

/// \lim_{x \to a^+} f
Expr Parser::parse_limit() {
  const Level level(*this);
  ++next_;
  if (!accept(TokenKind::underscore) || !at_open(bracket::kGroup) || !at(TokenKind::letter, 1) ||
      !at(TokenKind::relation, 2) || peek(2).code != static_cast<std::uint8_t>(Relation::maps_to)) {
    return fail("a limit without x \\to a");
  }
  ++next_;
  Expr variable = make_symbol(std::string(take().text));
  ++next_;
  Side side;
  Side* const outer = std::exchange(side_, &side);
  Expr target = parse_sum();
  side_ = outer;
  if (!accept_close(bracket::kGroup)) return unexpected("}");
  std::vector<Expr> args;
  args.push_back(parse_term({}));
  args.push_back(std::move(variable));
  args.push_back(std::move(target));
  Expr limit = make(Op::limit, std::move(args));
  limit.name = std::move(side.name);
  return limit;
}

/// Behind \frac: {d}{dx} or {dy}{dx}, with d or \partial.
bool Parser::at_derivative() const {
  const auto at_d = [this](std::size_t ahead) {
    return at_letter("d", ahead) || at(TokenKind::partial, ahead);
  };
  if (!at_open(bracket::kGroup) || !at_d(1)) return false;
  std::size_t i = at(TokenKind::letter, 2) ? 3 : 2;
  return at_close(bracket::kGroup, i) && at_open(bracket::kGroup, i + 1) && at_d(i + 2) &&
         at(TokenKind::letter, i + 3) && at_close(bracket::kGroup, i + 4);
}

Expr Parser::parse_derivative() {
  const Level level(*this);
  const bool named = at(TokenKind::letter, 2);
  Expr body;
  if (named) body = make_symbol(std::string(peek(2).text));
  next_ += named ? 6 : 5;
  Expr variable = make_symbol(std::string(take().text));
  ++next_;
  if (!named) body = parse_term({});
  return make(Op::derivative, std::move(body), std::move(variable));
}

}  // namespace reckon
