#include "lexer.h"

#include <algorithm>

#include "expr.h"
#include "lexer_state.h"

namespace reckon {
namespace {

constexpr std::uint8_t code(Relation relation) {
  return static_cast<std::uint8_t>(relation);
}

/// Where the stops, commas and closing markup at the end of the text begin. An ellipsis is no full stop.
std::size_t start_of_tail(std::string_view text) {
  std::size_t tail = text.size();
  while (tail > 0) {
    const char c = text[tail - 1];
    const char before = tail > 1 ? text[tail - 2] : '\0';
    if (c == '.' && before == '.') break;
    if (before == '\\' && (c == ')' || c == ']')) {
      tail -= 2;
    } else if (before != '\\' && std::string_view(" .,;$}*").find(c) != std::string_view::npos) {
      --tail;
    } else {
      break;
    }
  }
  return tail;
}

/// Whether there is just one dollar sign that is no \$: then it delimits nothing and is money.
bool single_dollar(std::string_view text) {
  int num_dollars = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '$') {
      ++num_dollars;
    }
  }
  return num_dollars == 1;
}

}  // namespace

Lexer::Lexer(std::string_view text, const ParseLimits& limits, Tokens& result)
    : text_(text),
      limits_(limits),
      result_(result),
      tail_(start_of_tail(text)),
      doubled_(text.find("\\\\begin{") != std::string_view::npos),
      money_left_(single_dollar(text)) {
  result_.tokens.reserve(std::min(text.size(), limits.max_tokens) + 1);
}

std::size_t Lexer::after_blanks(std::size_t at) const {
  while (char_at(at) == ' ') ++at;
  return at;
}

bool Lexer::value_before() const {
  if (result_.tokens.empty()) return false;
  switch (result_.tokens.back().kind) {
    case TokenKind::number:
    case TokenKind::letter:
    case TokenKind::name:
    case TokenKind::close:
    case TokenKind::percent:
    case TokenKind::circle:
    case TokenKind::infinity:
    case TokenKind::exclamation:
      return true;
    case TokenKind::word: {
      const auto word_class = static_cast<WordClass>(result_.tokens.back().code);
      return word_class == WordClass::number || word_class == WordClass::hundred ||
             word_class == WordClass::magnitude || word_class == WordClass::square ||
             word_class == WordClass::per || word_class == WordClass::unit;
    }
    default:
      return false;
  }
}

void Lexer::emit(TokenKind kind, std::string_view text, std::uint8_t code) {
  if (result_.tokens.size() >= limits_.max_tokens) {
    result_.refused = true;
    result_.reason = "more than " + std::to_string(limits_.max_tokens) + " tokens";
    return;
  }
  result_.tokens.push_back({kind, code, blank_, in_text(), text});
  blank_ = false;
  side_ = Side::none;
}

void Lexer::emit_here(TokenKind kind, std::size_t num_bytes, std::uint8_t code) {
  emit(kind, text_.substr(at_, num_bytes), code);
  at_ += num_bytes;
}

void Lexer::emit_bracket(TokenKind natural, char code, std::size_t num_bytes) {
  emit_here(natural, num_bytes, static_cast<std::uint8_t>(code));
}

void Lexer::emit_bar(char code, std::size_t num_bytes) {
  const TokenKind kind = side_ == Side::left    ? TokenKind::open
                         : side_ == Side::right ? TokenKind::close
                                                : TokenKind::bar;
  emit_here(kind, num_bytes, static_cast<std::uint8_t>(code));
}

void Lexer::run() {
  while (!done()) read_one();
  if (result_.refused) return;
  if (text_depth_ > 0) emit(TokenKind::other, "\\text{");  // never closed
  result_.tokens.push_back({TokenKind::end, 0, true, false, {}});
}

void Lexer::read_one() {
  const char c = peek();
  if (c == ' ' || c == '~' || c == '"' || c == '`') {
    blank_ = true;
    ++at_;
  } else if (is_digit(c)) {
    read_number();
  } else if (is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80) {
    read_letters();
  } else if (c == '\\') {
    read_backslash();
  } else {
    read_sign(c);
  }
}

void Lexer::read_sign(char c) {
  switch (c) {
    case '.':
      return read_dot();
    case '$':
      return read_dollar();
    case '{':
      return open_brace();
    case '}':
      return close_brace();
    case '*':
      return read_star();
    case '=':
    case '<':
    case '>':
    case '!':
    case ':':
    case '-':
      return read_relation_sign(c);
    case ',':
      if (at_end_of_sentence()) {
        blank_ = true;
        ++at_;
      } else if (here(",\\!") && is_digit(char_at(after_blanks(at_ + 3)))) {
        emit_here(TokenKind::group_comma, 3);
      } else {
        emit_here(TokenKind::comma, 1);
      }
      return;
    case '(':
    case '[':
      return emit_bracket(TokenKind::open, c, 1);
    case ')':
      return emit_bracket(TokenKind::close, bracket::kRound, 1);
    case ']':
      return emit_bracket(TokenKind::close, bracket::kSquare, 1);
    case '|':
      return emit_bar(bracket::kBar, 1);
    case '\'':
      if (in_text()) {
        ++at_;
        return;
      }
      return emit_here(TokenKind::prime, 1);
    default: {
      constexpr std::string_view kSigns = "+/^_;&%";
      constexpr TokenKind kKinds[] = {TokenKind::plus,       TokenKind::slash,     TokenKind::caret,
                                      TokenKind::underscore, TokenKind::semicolon, TokenKind::ampersand,
                                      TokenKind::percent};
      const std::size_t at = kSigns.find(c);
      return emit_here(at == std::string_view::npos ? TokenKind::other : kKinds[at], 1);
    }
  }
}

void Lexer::read_relation_sign(char c) {
  struct Sign {
    std::string_view text;
    TokenKind kind;
    Relation relation;
  };
  constexpr Sign kSigns[] = {{"<=>", TokenKind::relation, Relation::equivalent},
                             {"!=", TokenKind::relation, Relation::not_equal},
                             {"<=", TokenKind::relation, Relation::less_equal},
                             {">=", TokenKind::relation, Relation::greater_equal},
                             {"=<", TokenKind::relation, Relation::less_equal},
                             {"=>", TokenKind::relation, Relation::implies},
                             {"==", TokenKind::relation, Relation::equal},
                             {":=", TokenKind::relation, Relation::equal},
                             {"->", TokenKind::relation, Relation::maps_to},
                             {"=", TokenKind::relation, Relation::equal},
                             {"<", TokenKind::relation, Relation::less},
                             {">", TokenKind::relation, Relation::greater},
                             {"!", TokenKind::exclamation, Relation::equal},
                             {":", TokenKind::colon, Relation::equal},
                             {"-", TokenKind::minus, Relation::equal}};
  if (side_ != Side::none && (c == '<' || c == '>')) {
    return emit_bracket(side_ == Side::left ? TokenKind::open : TokenKind::close, bracket::kAngle, 1);
  }
  for (const Sign& sign : kSigns) {
    if (here(sign.text)) return emit_here(sign.kind, sign.text.size(), code(sign.relation));
  }
}

void Lexer::read_dot() {
  if (side_ != Side::none) {
    return emit_bracket(side_ == Side::left ? TokenKind::open : TokenKind::close, bracket::kNull, 1);
  }
  if (is_digit(peek(1))) return read_number();
  if (here("...")) return emit_here(TokenKind::dots, 3);
  if (at_end_of_sentence()) {
    blank_ = true;
    ++at_;
    return;
  }
  emit_here(TokenKind::point, 1);
}

void Lexer::read_star() {
  if (!here("**")) return emit_here(TokenKind::times, 1);
  if (result_.tokens.empty() || at_end_of_sentence()) {  // **5**: bold of Markdown
    at_ += 2;
    return;
  }
  emit_here(TokenKind::caret, 2);
}

void Lexer::read_dollar() {
  if (text_depth_ > 0) {
    dollar_in_text_ = !dollar_in_text_;
  } else if (money_left_ && (is_digit(peek(1)) || (peek(1) == '.' && is_digit(peek(2))))) {
    money_left_ = false;
    return emit(TokenKind::money, "dollar"), void(++at_);
  }
  blank_ = true;
  ++at_;
}

void Lexer::open_brace() {
  if (side_ == Side::left) return emit_bracket(TokenKind::open, bracket::kSet, 1);
  const std::size_t comma = after_blanks(at_ + 1);
  const std::size_t close = after_blanks(comma + 1);
  if (char_at(comma) == ',' && char_at(close) == '}') {
    return emit_here(TokenKind::group_comma, close + 1 - at_);
  }
  braces_.push_back(false);
  emit_bracket(TokenKind::open, bracket::kGroup, 1);
}

void Lexer::close_brace() {
  if (side_ == Side::right) return emit_bracket(TokenKind::close, bracket::kSet, 1);
  const bool text = !braces_.empty() && braces_.back();
  if (!braces_.empty()) braces_.pop_back();
  if (!text) return emit_bracket(TokenKind::close, bracket::kGroup, 1);
  dollar_in_text_ = false;
  --text_depth_;
  ++at_;
}

void Lexer::read_number() {
  const std::size_t start = at_;
  while (is_digit(peek())) ++at_;
  if (peek() == '.') {
    const char next = peek(1);
    if (is_digit(next)) {
      ++at_;
      while (is_digit(peek())) ++at_;
    } else if (!at_end_of_sentence() && next != '\0' &&
               std::string_view(" .$}").find(next) == std::string_view::npos) {
      ++at_;  // 3.\overline{3}
    }
  }
  read_exponent();
  emit(TokenKind::number, text_.substr(start, at_ - start));
}

/// Behind the digits: e5, E-5. In 2e-3 the letter is Euler's number unless the mantissa is one that a formula
/// would not have as a factor (1, or with a point) or the exponent has two digits, as computers write them.
void Lexer::read_exponent() {
  if (peek() != 'e' && peek() != 'E') return;
  const bool sign = peek(1) == '-' || peek(1) == '+';
  std::size_t end = at_ + (sign ? 2 : 1);
  const std::size_t first = end;
  while (is_digit(char_at(end))) ++end;
  if (end == first || is_ascii_letter(char_at(end)) || char_at(end) == '_') return;
  if (sign && peek() == 'e') {
    std::size_t start = at_;
    while (start > 0 && (is_digit(text_[start - 1]) || text_[start - 1] == '.')) --start;
    const std::string_view mantissa = text_.substr(start, at_ - start);
    if (mantissa != "1" && mantissa.find('.') == std::string_view::npos && end - first < 2) return;
  }
  at_ = end;
}

Tokens tokenize(std::string_view text, const ParseLimits& limits) {
  Tokens result;
  Lexer(text, limits, result).run();
  return result;
}

}  // namespace reckon
