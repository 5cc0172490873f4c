#include "characters.h"
#include "parser.h"
#include "units.h"

namespace reckon {
namespace {

/// The canonical name of the unit that the token names; empty where it is none.
std::string_view unit_of(const Token& token) {
  if (const auto unit = find_unit(token.text, token.in_text)) return *unit;
  const std::string folded = fold_case(token.text);
  if (folded == token.text) return {};
  const auto unit = find_unit(folded, token.in_text);
  return unit ? *unit : std::string_view{};
}

}  // namespace

/// \text{m} is a unit behind a number or a bracket, or with a blank before it; e and i are numbers.
bool Parser::at_unit_letter() const {
  const Token& token = peek();
  if (token.kind != TokenKind::letter || !token.in_text || next_ == 0 || token.text == "e" ||
      token.text == "i")
    return false;
  const TokenKind before = tokens_[next_ - 1].kind;
  const bool value = before == TokenKind::number || before == TokenKind::close ||
                     before == TokenKind::percent || before == TokenKind::infinity;
  return (value || token.blank_before) && find_unit(token.text, true).has_value();
}

bool Parser::at_unit() const {
  if (at_unit_letter()) return true;
  const Token& token = peek();
  if (token.kind != TokenKind::word) return false;
  switch (static_cast<WordClass>(token.code)) {
    case WordClass::unit:
    case WordClass::percent:
    case WordClass::square:
    case WordClass::per:
    case WordClass::magnitude:
      return true;
    case WordClass::plain:
      return token.in_text;
    default:
      return false;
  }
}

/// Wraps the value in the unit that is next: percent and degrees have nodes of their own.
void Parser::parse_unit(Expr& value) {
  if (at_word(WordClass::magnitude)) {  // x million
    Expr scale = make_integer(1);
    parse_magnitude(scale);
    value = make(Op::multiply, std::move(value), std::move(scale));
    if (!at_unit()) return;
  }
  if (at_word(WordClass::percent)) {
    ++next_;
    value = make(Op::percent, std::move(value));
    return;
  }
  std::string name;
  if (value.op == Op::quantity && at_word(WordClass::per)) {  // \$5 per hour
    name = std::move(value.name);
    Expr inner = std::move(value.args[0]);
    value = std::move(inner);
  } else {
    name = parse_unit_factor(true);
  }
  while (ok()) {
    const bool letter = at(TokenKind::letter, 1) && find_unit(peek(1).text, true).has_value();
    const bool slash = at(TokenKind::slash) && (at(TokenKind::word, 1) || letter);
    const bool times = at(TokenKind::times) && (at(TokenKind::word, 1) || letter) && peek(1).in_text;
    if (!slash && !times && !at_word(WordClass::per)) break;
    ++next_;
    name += times ? "*" : "/";
    name += parse_unit_factor(false);
  }
  if (name == "degree") {
    value = make(Op::degrees, std::move(value));
    return;
  }
  if (name.starts_with("degree ")) name = name.substr(7);
  value = make(Op::quantity, std::move(value));
  value.name = std::move(name);
}

/// One unit with its power: cm^2, square feet, meters squared; of words in \text{} that are no known unit,
/// all.
std::string Parser::parse_unit_factor(bool first) {
  int power = 1;
  if (at_word(WordClass::square)) power = find_word(fold_case(take().text))->value;
  const Token token = peek();
  if (token.kind != TokenKind::word && token.kind != TokenKind::letter) {
    unexpected("a unit");
    return {};
  }
  std::string name(first ? unit_of(token) : find_unit(token.text, true).value_or(unit_of(token)));
  const bool known = !name.empty();
  if (!known && (!first || !at_word(WordClass::plain) || !token.in_text)) {
    unexpected("a unit");
    return {};
  }
  ++next_;
  if (!known) {
    name = fold_case(token.text);
    while (at(TokenKind::word) && peek().in_text && (at_word(WordClass::plain) || at_word(WordClass::unit))) {
      name += " " + fold_case(take().text);
    }
    return name;
  }
  if (name == "degree" && (at_word(WordClass::unit) || at(TokenKind::letter))) {
    const std::string scale(peek().text == "C"   ? "celsius"
                            : peek().text == "F" ? "fahrenheit"
                                                 : unit_of(peek()));
    if (!scale.empty()) ++next_;
    return scale.empty() ? name : "degree " + scale;
  }
  if (at_word(WordClass::power)) power = find_word(fold_case(take().text))->value;
  const std::string written = parse_unit_power();
  if (!written.empty()) return name + "^" + written;
  return power == 1 ? name : name + "^" + std::to_string(power);
}

/// ^2 or ^{-1} behind a unit.
std::string Parser::parse_unit_power() {
  if (!at(TokenKind::caret)) return {};
  std::size_t i = 1;
  const bool braces = at_open(bracket::kGroup, i);
  if (braces) ++i;
  std::string power;
  if (at(TokenKind::minus, i)) {
    power = "-";
    ++i;
  }
  if (!at(TokenKind::number, i) || peek(i).text.size() != 1) {
    unexpected("the power of a unit");
    return {};
  }
  power += peek(i).text;
  ++i;
  if (braces && !at_close(bracket::kGroup, i)) {
    unexpected("}");
    return {};
  }
  next_ += i + (braces ? 1 : 0);
  return power;
}

/// Whether words begin here that are no number and no value: they are text up to the next separator.
bool Parser::at_text() const {
  if (!at(TokenKind::word)) return false;
  switch (static_cast<WordClass>(peek().code)) {
    case WordClass::plain:
    case WordClass::statement:
    case WordClass::unit:
    case WordClass::square:
    case WordClass::percent:
    case WordClass::condition:
      return !(peek().in_text && at_open(bracket::kRound, 1) && !peek(1).blank_before);
    default:
      return false;
  }
}

Expr Parser::parse_text() {
  const std::size_t start = next_;
  const auto is_word = [](const Token& token) {
    const auto word_class = static_cast<WordClass>(token.code);
    return (token.kind == TokenKind::word && word_class != WordClass::conjunction &&
            word_class != WordClass::disjunction) ||
           (token.in_text && (token.kind == TokenKind::letter || token.kind == TokenKind::name)) ||
           token.kind == TokenKind::minus;
  };
  while (ok() && is_word(peek())) ++next_;
  switch (peek().kind) {
    case TokenKind::end:
    case TokenKind::close:
    case TokenKind::comma:
    case TokenKind::semicolon:
    case TokenKind::word:
    case TokenKind::relation:
    case TokenKind::row_break:
    case TokenKind::ampersand:
    case TokenKind::finish:
      return make_text(folded_text(&tokens_[start], &tokens_[next_]));
    default:
      return unexpected("the end of the words");
  }
}

}  // namespace reckon
