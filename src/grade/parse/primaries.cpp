#include "parser.h"
#include "units.h"

namespace reckon {

Parser::Factor Parser::parse_primary() {
  switch (peek().kind) {
    case TokenKind::number:
      return parse_number();
    case TokenKind::letter:
      return {parse_letter()};
    case TokenKind::name:
      return {make_symbol(std::string(take().text))};
    case TokenKind::fraction:
      return parse_fraction();
    case TokenKind::open:
      return {parse_bracket()};
    default:
      return parse_other_primary();
  }
}

Parser::Factor Parser::parse_other_primary() {
  switch (peek().kind) {
    case TokenKind::root:
      return {parse_root()};
    case TokenKind::function:
      return {parse_function()};
    case TokenKind::bar:
      return {parse_bar()};
    case TokenKind::close:
      if (at_close(bracket::kSquare)) return {parse_reversed_interval()};
      break;
    case TokenKind::infinity:
      ++next_;
      return {make(Op::infinity)};
    case TokenKind::empty_set:
      ++next_;
      return {make(Op::empty_set)};
    case TokenKind::number_set: {
      Expr set = make(Op::number_set);
      set.name = take().text;
      return {std::move(set)};
    }
    case TokenKind::binomial: {
      ++next_;
      Expr n = parse_argument(true);
      return {make(Op::binomial, std::move(n), parse_argument(true))};
    }
    case TokenKind::sum:
      return {parse_sum_sign()};
    case TokenKind::integral:
      return {parse_integral()};
    case TokenKind::limit:
      return {parse_limit()};
    case TokenKind::accent:
      return {parse_accent()};
    case TokenKind::variable:
      return {parse_variable()};
    case TokenKind::shape:
      return {parse_shape()};
    case TokenKind::begin:
      return {parse_environment()};
    case TokenKind::box:
      ++next_;
      return {parse_argument(false)};
    case TokenKind::dots:
      ++next_;
      return {make_symbol("...")};
    case TokenKind::money:
      return {parse_money()};
    case TokenKind::underscore:
      return {parse_prescript()};
    case TokenKind::word:
      if (at_word(WordClass::number)) return {parse_number_words()};
      break;
    default:
      break;
  }
  return {unexpected("a value")};
}

/// \$10, and \$-3.
Expr Parser::parse_money() {
  const Level level(*this);
  std::string unit(take().text);
  const bool minus = accept(TokenKind::minus);
  Expr amount = parse_primary().expr;
  if (minus) amount = make(Op::negate, std::move(amount));
  Expr money = make(Op::quantity, std::move(amount));
  money.name = std::move(unit);
  return money;
}

Expr Parser::parse_letter() {
  if (at_differential()) {
    take_differential();
    return make_integer(1);
  }
  const std::string_view name = take().text;
  if (name == "pi") return make(Op::pi);
  if (name == "e") return make(Op::euler);
  if (name == "i") return make(Op::imaginary);
  return make_symbol(std::string(name));
}

/// \angle ABC and \triangle ABC are names.
Expr Parser::parse_shape() {
  std::string name(take().text);
  if (at(TokenKind::number) || at(TokenKind::name) || at(TokenKind::letter)) {
    name += ' ';
    name += take().text;
    while (at(TokenKind::letter) && !peek().blank_before) name += take().text;
    return make_symbol(std::move(name));
  }
  if (!at_open(bracket::kGroup)) return unexpected("the name of an angle");
  return make_symbol(name + " " + subscript_text());
}

/// A bar, hat or arrow over a name is part of the name: \overline{AB} is bar{AB}; over a value the bar is its
/// conjugate.
Expr Parser::parse_accent() {
  const std::string accent(take().text);
  Expr below = parse_argument(false);
  if (!ok()) return {};
  const std::string start = accent + "{";
  switch (below.op) {
    case Op::symbol:
      return make_symbol(start + below.name + "}");
    case Op::imaginary:
      return make_symbol(start + "i}");
    case Op::euler:
      return make_symbol(start + "e}");
    case Op::multiply: {
      std::string names;
      for (const Expr& factor : below.args) {
        if (factor.op != Op::symbol) break;
        names += factor.name;
      }
      if (below.args.back().op == Op::symbol && !names.empty() && below.args[0].op == Op::symbol) {
        bool all = true;
        for (const Expr& factor : below.args) all = all && factor.op == Op::symbol;
        if (all) return make_symbol(start + names + "}");
      }
      break;
    }
    default:
      break;
  }
  if (accent != "bar") return fail("\\" + accent + " over what has no name");
  return make(Op::conjugate, std::move(below));
}

/// \variable{value1} is the name value_{1}.
Expr Parser::parse_variable() {
  std::string_view name = take().text;
  if (name == "e" || name == "i" || name == "pi") return make_symbol(std::string(name));
  std::size_t stem = name.find('_');
  std::string_view subscript;
  if (stem != std::string_view::npos) {
    subscript = name.substr(stem + 1);
  } else {
    stem = name.find_last_not_of("0123456789") + 1;
    subscript = name.substr(stem);
  }
  std::string result(name.substr(0, stem));
  if (!subscript.empty()) result += "_{" + std::string(subscript) + "}";
  return make_symbol(std::move(result));
}

/// {}_5C_2 is a binomial coefficient; nothing else begins with a subscript.
Expr Parser::parse_prescript() {
  ++next_;
  const std::string n = subscript_text();
  if (!ok() || !at_letter("C") || !at(TokenKind::underscore, 1)) return unexpected("a value");
  next_ += 2;
  const std::string k = subscript_text();
  if (!ok() || (n + k).find_first_not_of("0123456789") != std::string::npos) return unexpected("a value");
  return make(Op::binomial, number_of(n), number_of(k));
}

}  // namespace reckon
