#include "lexer.h"

#include <algorithm>
#include <charconv>

#include "letters.h"
#include "string_literal.h"

namespace reckon::jinja {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit_of(char c, int base) {
  if (base == 16) return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  return c >= '0' && c < '0' + base;
}

/// As jinja2 reads a file: one kind of line end, and the last one dropped.
std::string normalize_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      text.push_back('\n');
    } else {
      text.push_back(source[i]);
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (read_text()) {
    }
    emit(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw SyntaxError(line_, message); }
  void emit(TokenKind kind, std::string_view text) {
    tokens_.push_back({kind, line_, std::string(text), {}});
  }
  [[nodiscard]] bool sees(std::string_view text) const {
    return source_.compare(at_, text.size(), text) == 0;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  /// Moves past some bytes and counts the lines.
  void skip(std::size_t num_bytes) {
    const auto first = source_.begin() + static_cast<std::ptrdiff_t>(at_);
    line_ += static_cast<int>(std::count(first, first + static_cast<std::ptrdiff_t>(num_bytes), '\n'));
    if (num_bytes > 0) line_starting_ = source_[at_ + num_bytes - 1] == '\n';
    at_ += num_bytes;
  }
  [[nodiscard]] std::size_t num_spaces(std::size_t from) const {
    const std::string_view rest = std::string_view(source_).substr(from);
    return rest.size() - strip(rest, Side::left).size();
  }

  bool read_text();
  bool read_raw();
  void read_comment();
  void read_tag(TokenKind end_kind, std::string_view closing, bool is_statement);
  bool read_tag_end(TokenKind end_kind, std::string_view closing, bool is_statement);
  void read_token();
  bool read_number();
  void read_integer(std::string_view digits, int base);
  void read_string();
  void read_operator();
  void emit_text(std::string_view text, char sign, bool is_output);

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::string brackets_;  ///< the closing brackets that are expected
  std::vector<Token> tokens_;
};

/// The text before a tag: "-" takes all white space before the tag, and a tag that stands alone on its line
/// takes the blanks before it, but for outputs and where it has a "+".
void Lexer::emit_text(std::string_view text, char sign, bool is_output) {
  if (sign == '-') {
    text = strip(text, Side::right);
  } else if (sign != '+' && !is_output) {
    const std::size_t newline = text.rfind('\n');
    const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
    const bool blank = strip(text.substr(line_start)).empty();
    if ((line_start > 0 || line_starting_) && blank) text = text.substr(0, line_start);
  }
  if (!text.empty()) emit(TokenKind::text, text);
}

/// The text up to the next tag, and the tag. False at the end.
bool Lexer::read_text() {
  std::size_t open = at_;
  while (true) {
    open = source_.find('{', open);
    if (open == std::string::npos || open + 1 == source_.size()) {
      if (at_ < source_.size()) emit(TokenKind::text, std::string_view(source_).substr(at_));
      return false;
    }
    const char next = source_[open + 1];
    if (next == '{' || next == '%' || next == '#') break;
    ++open;
  }
  const char kind = source_[open + 1];
  const char after = open + 2 < source_.size() ? source_[open + 2] : '\0';
  const char sign = after == '-' || after == '+' ? after : '\0';
  emit_text(std::string_view(source_).substr(at_, open - at_), sign, kind == '{');
  skip(open - at_);
  if (kind == '%' && read_raw()) return true;
  if (kind == '{') emit(TokenKind::output_begin, "{{");
  if (kind == '%') emit(TokenKind::statement_begin, "{%");
  skip(sign == '\0' ? 2 : 3);
  if (kind == '{') {
    read_tag(TokenKind::output_end, "}}", false);
  } else if (kind == '%') {
    read_tag(TokenKind::statement_end, "%}", true);
  } else {
    read_comment();
  }
  return true;
}

/// {% raw %} ... {% endraw %}: its contents are text.
bool Lexer::read_raw() {
  // \return the byte after the word, 0 where another stands there
  const auto word_after = [&](std::size_t from, std::string_view word) -> std::size_t {
    from += 2;
    if (from < source_.size() && (source_[from] == '-' || source_[from] == '+')) ++from;
    from += num_spaces(std::min(from, source_.size()));
    if (source_.compare(std::min(from, source_.size()), word.size(), word) != 0) return 0;
    from += word.size();
    return from + num_spaces(from);
  };
  std::size_t start = word_after(at_, "raw");
  if (start == 0) return false;
  if (source_.compare(start, 2, "%}") == 0) {
    start += 2;
  } else if (source_.compare(start, 3, "-%}") == 0) {
    start += 3;
    start += num_spaces(start);
  } else {
    return false;
  }
  skip(start - at_);
  for (std::size_t open = source_.find("{%", at_); open != std::string::npos;
       open = source_.find("{%", open + 1)) {
    std::size_t end = word_after(open, "endraw");
    if (end == 0) continue;
    const bool has_sign = source_[end] == '-' || source_[end] == '+';
    const char closing_sign = has_sign ? source_[end] : '\0';
    if (source_.compare(end + (has_sign ? 1 : 0), 2, "%}") != 0) continue;
    end += has_sign ? 3 : 2;
    if (closing_sign == '-') end += num_spaces(end);
    if (closing_sign == '\0' && end < source_.size() && source_[end] == '\n') ++end;
    const char sign = source_[open + 2];
    emit_text(std::string_view(source_).substr(at_, open - at_), sign, false);
    skip(end - at_);
    return true;
  }
  fail("the raw block is not closed (need {% endraw %})");
}

void Lexer::read_comment() {
  const std::size_t close = source_.find("#}", at_);
  if (close == std::string::npos) fail("the comment is not closed (need #})");
  // "+#}" and "-#}": a sign may stand where the comment has a character before its end.
  const char sign = close > at_ ? source_[close - 1] : '\0';
  skip(close + 2 - at_);
  if (sign == '-') {
    skip(num_spaces(at_));
  } else if (sign != '+' && peek() == '\n') {
    skip(1);
  }
}

void Lexer::read_tag(TokenKind end_kind, std::string_view closing, bool is_statement) {
  brackets_.clear();
  while (at_ < source_.size()) {
    if (brackets_.empty() && read_tag_end(end_kind, closing, is_statement)) return;
    const std::size_t spaces = num_spaces(at_);
    if (spaces > 0) {
      skip(spaces);
    } else {
      read_token();
    }
  }
}

bool Lexer::read_tag_end(TokenKind end_kind, std::string_view closing, bool is_statement) {
  const char sign = peek();
  const bool signed_end =
      (sign == '-' || (sign == '+' && is_statement)) && source_.compare(at_ + 1, 2, closing) == 0;
  if (!signed_end && !sees(closing)) return false;
  emit(end_kind, closing);
  skip(signed_end ? 3 : 2);
  if (signed_end && sign == '-') {
    skip(num_spaces(at_));
  } else if (!signed_end && is_statement && peek() == '\n') {
    skip(1);
  }
  return true;
}

void Lexer::read_token() {
  const char c = peek();
  if (is_digit(c)) {
    read_number();
  } else if (is_name_character(c)) {
    std::size_t length = 1;
    while (is_name_character(peek(length))) ++length;
    emit(TokenKind::name, std::string_view(source_).substr(at_, length));
    skip(length);
  } else if (c == '\'' || c == '"') {
    read_string();
  } else {
    read_operator();
  }
}

/// \return the length of digits of a base, "_" between them allowed; 0 where there are none.
std::size_t digits_at(std::string_view text, int base) {
  std::size_t length = 0;
  while (length < text.size()) {
    if (is_digit_of(text[length], base)) {
      ++length;
    } else if (length > 0 && text[length] == '_' && length + 1 < text.size() &&
               is_digit_of(text[length + 1], base)) {
      length += 2;
    } else {
      break;
    }
  }
  return length;
}

std::string without_underscores(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  return digits;
}

bool Lexer::read_number() {
  const std::string_view rest = std::string_view(source_).substr(at_);
  std::size_t length = digits_at(rest, 10);
  bool is_real = false;
  if (at_ == 0 || source_[at_ - 1] != '.') {
    if (length + 1 < rest.size() && rest[length] == '.' && is_digit(rest[length + 1])) {
      length += 1 + digits_at(rest.substr(length + 1), 10);
      is_real = true;
    }
    if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
      std::size_t exponent = length + 1;
      if (exponent < rest.size() && (rest[exponent] == '+' || rest[exponent] == '-')) ++exponent;
      const std::size_t num_digits = exponent < rest.size() ? digits_at(rest.substr(exponent), 10) : 0;
      if (num_digits > 0) {
        length = exponent + num_digits;
        is_real = true;
      }
    }
  }
  if (is_real) {
    const std::string digits = without_underscores(rest.substr(0, length));
    double value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc()) fail("the number " + digits + " does not fit a float");
    tokens_.push_back({TokenKind::number, line_, digits, real(value)});
    skip(length);
    return true;
  }
  const char marker = rest.size() > 1 ? static_cast<char>(rest[1] | 0x20) : '\0';
  const int base =
      rest[0] != '0' ? 10 : (marker == 'x' ? 16 : (marker == 'o' ? 8 : (marker == 'b' ? 2 : 10)));
  if (base != 10) {
    // "0x_1f": an underscore may follow the marker.
    const std::size_t skipped = rest.size() > 2 && rest[2] == '_' ? 3 : 2;
    const std::size_t num_digits = digits_at(rest.substr(std::min(skipped, rest.size())), base);
    if (num_digits > 0) {
      read_integer(rest.substr(skipped, num_digits), base);
      skip(skipped + num_digits);
      return true;
    }
  }
  if (rest[0] == '0') {  // no leading zeros: "01" is two numbers
    length = 1;
    while (length < rest.size() &&
           (rest[length] == '0' || (rest[length] == '_' && rest.substr(length, 2) == "_0")))
      ++length;
  }
  read_integer(rest.substr(0, length), 10);
  skip(length);
  return true;
}

void Lexer::read_integer(std::string_view digits, int base) {
  Integer value = 0;
  for (const char c : digits) {
    if (c == '_') continue;
    const int digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) {
      fail("the number " + std::string(digits) + " has more than 128 bits");
    }
  }
  tokens_.push_back({TokenKind::number, line_, std::string(digits), integer(value)});
}

void Lexer::read_string() {
  const char quote = peek();
  std::size_t length = 1;
  while (at_ + length < source_.size() && peek(length) != quote) length += peek(length) == '\\' ? 2 : 1;
  if (at_ + length >= source_.size()) fail("the string is not closed");
  const std::string_view body = std::string_view(source_).substr(at_ + 1, length - 1);
  try {
    emit(TokenKind::string, resolve_escapes(body));
  } catch (const Failure& failure) {
    fail(failure.what());
  }
  skip(length + 1);
}

void Lexer::read_operator() {
  static constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
  static constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
  const auto* two =
      std::find_if(std::begin(kTwo), std::end(kTwo), [&](std::string_view op) { return sees(op); });
  if (two != std::end(kTwo)) {
    emit(TokenKind::op, *two);
    skip(2);
    return;
  }
  const char c = peek();
  if (kOne.find(c) == std::string_view::npos || c == '\0') {
    const Utf8Character character = *utf8_character_at(source_, at_);
    fail("unexpected character '" + source_.substr(at_, character.num_bytes) + "' (" +
         code_point_name(character.code_point) + ")");
  }
  if (c == '(') brackets_.push_back(')');
  if (c == '[') brackets_.push_back(']');
  if (c == '{') brackets_.push_back('}');
  if (c == ')' || c == ']' || c == '}') {
    if (brackets_.empty()) fail(std::string("unexpected '") + c + "'");
    if (brackets_.back() != c)
      fail(std::string("unexpected '") + c + "', expected '" + brackets_.back() + "'");
    brackets_.pop_back();
  }
  emit(TokenKind::op, std::string_view(&c, 1));
  skip(1);
}

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  for (std::size_t at = 0; at < source.size();) {
    const auto character = utf8_character_at(source, at);
    if (!character) {
      const auto line =
          1 + std::count(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      throw SyntaxError(static_cast<int>(line),
                        "byte " + std::to_string(at) + " is not UTF-8 (need UTF-8 text)");
    }
    at += character->num_bytes;
  }
  return Lexer(normalize_newlines(source)).run();
}

}  // namespace reckon::jinja
