#include <algorithm>

#include "characters.h"
#include "parser.h"

namespace reckon {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}
std::string_view integer_part(std::string_view text) {
  return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
}

std::string without_leading_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

/// a - b for decimal digits with a >= b.
std::string difference(std::string a, std::string_view b) {
  int borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int digit = a[a.size() - 1 - i] - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    borrow = digit < 0 ? 1 : 0;
    a[a.size() - 1 - i] = static_cast<char>('0' + digit + 10 * borrow);
  }
  return without_leading_zeros(a);
}

int digit_value(char c) {
  return is_digit(c) ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/// The base that a subscript names: 5, three, sixteen; 0 where it is none.
int base_named(std::string_view text) {
  if (all_digits(text) && text.size() <= 2) {
    int base = 0;
    for (const char c : text) base = base * 10 + (c - '0');
    return base >= 2 && base <= 36 ? base : 0;
  }
  const auto word = find_word(fold_case(text));
  return word && word->word_class == WordClass::number && word->value >= 2 && word->value <= 36 ? word->value
                                                                                                : 0;
}

}  // namespace

/// The literal as it is written, without grouping: digits, a point, an exponent.
Expr Parser::number_of(std::string_view written) {
  Expr number;
  const std::size_t exponent = written.find_first_of("eE");
  const std::string_view mantissa = written.substr(0, exponent);
  const std::size_t point = mantissa.find('.');
  number.has_point = point != std::string_view::npos;
  if (mantissa.size() > limits_.max_digits) {
    return refuse("a number of more than " + std::to_string(limits_.max_digits) + " digits");
  }
  if (number.has_point) {
    const std::string_view fraction = mantissa.substr(point + 1);
    number.num_fraction_digits = static_cast<std::int32_t>(fraction.size());
    std::string digits(mantissa.substr(0, point));
    digits += fraction;
    number.digits = without_leading_zeros(digits);
  } else {
    number.digits = without_leading_zeros(mantissa);
  }
  if (exponent == std::string_view::npos) return number;
  std::string_view digits = written.substr(exponent + 1);
  const bool negative = digits[0] == '-';
  if (!is_digit(digits[0])) digits.remove_prefix(1);
  constexpr std::size_t kMostDigits =
      15;  // fits 64 bits; whether the power can be computed is the comparer's
  if (digits.size() > kMostDigits) return refuse("an exponent of more than 15 digits");
  for (const char c : digits) number.exponent10 = number.exponent10 * 10 + (c - '0');
  if (negative) number.exponent10 = -number.exponent10;
  return number;
}

/// Where a number in groups of three ends, as an index of tokens; next_ + 1 where the number here has no
/// groups. The separators of a number are all commas, or all blanks. Inside of brackets a comma separates
/// members, unless a group begins with 0, which no member does: (1,000).
std::size_t Parser::group_end() const {
  const Token& first = peek();
  std::size_t end = next_ + 1;
  if (!all_digits(first.text) || first.text.size() > 3 || first.text[0] == '0') return end;
  const auto separator = [&](std::size_t i) {
    return i + 1 < tokens_.size() && tokens_[i + 1].kind == TokenKind::number && !tokens_[i].blank_before &&
           tokens_[i].kind == TokenKind::comma && !tokens_[i + 1].blank_before;
  };
  const auto hard = [&](std::size_t i) {
    return i + 1 < tokens_.size() && tokens_[i + 1].kind == TokenKind::number &&
           tokens_[i].kind == TokenKind::group_comma;
  };
  const auto blank = [&](std::size_t i) {
    return i < tokens_.size() && tokens_[i].kind == TokenKind::number && tokens_[i].blank_before;
  };
  bool leading_zero = false;
  const bool commas = separator(end);
  const bool blanks = blank(end);
  while (commas ? separator(end) : blanks ? blank(end) : hard(end)) {
    if (!blanks) ++end;
    const std::string_view group = tokens_[end].text;
    if (!all_digits(tokens_[end - (blanks ? 1 : 2)].text)) return next_ + 1;  // 1.5,000
    if (integer_part(group).size() != 3) return next_ + 1;
    leading_zero = leading_zero || group[0] == '0';
    ++end;
  }
  if (commas && num_list_brackets_ > 0 && !leading_zero) return next_ + 1;
  return end;
}

/// Takes the tokens of one number and returns it without grouping; `joined` holds it where there are groups.
std::string_view Parser::take_groups(std::string& joined) {
  const std::size_t end = group_end();
  const Token first = take();
  if (end > next_) {
    joined = first.text;
    for (; next_ < end; ++next_) {
      if (tokens_[next_].kind == TokenKind::number) joined += tokens_[next_].text;
    }
    return joined;
  }
  const bool pair =
      at(TokenKind::comma) && !peek().blank_before && at(TokenKind::number, 1) && !peek(1).blank_before;
  const bool more = at(TokenKind::comma, 2) && at(TokenKind::number, 3) && !peek(2).blank_before;
  const bool after_comma = next_ >= 2 && tokens_[next_ - 2].kind == TokenKind::comma && !first.blank_before;
  if (comma_ == Comma::is_decimal_point && pair && !more && !after_comma && num_list_brackets_ == 0 &&
      all_digits(first.text) && all_digits(peek(1).text)) {
    ++next_;
    joined = first.text;
    joined += '.';
    joined += take().text;
    return joined;
  }
  return first.text;
}

Parser::Factor Parser::parse_number() {
  std::string joined;
  const std::string_view written = take_groups(joined);
  if (at(TokenKind::accent) && !peek().blank_before && written.find('.') != std::string_view::npos) {
    return {parse_repeating(written)};
  }
  Expr based;
  if (parse_high_base(written, based)) return {std::move(based)};
  Expr number = number_of(written);
  if (at_word(WordClass::base) && at(TokenKind::number, 1)) {
    ++next_;
    return {based_number(number.digits)};
  }
  const bool integer = is_plain_integer(number);
  parse_magnitude(number);
  return {std::move(number), integer ? Shape::integer : Shape::number};
}

/// 0.1\overline{6}: digits without point up to the end of the first period, less those before it,
/// over 9...90...0.
Expr Parser::parse_repeating(std::string_view written) {
  ++next_;
  const bool braces = at_open(bracket::kGroup);
  if (braces) ++next_;
  if (!at(TokenKind::number) || !all_digits(peek().text)) return unexpected("the digits that repeat");
  const std::string_view period = take().text;
  if (braces && !accept_close(bracket::kGroup)) return unexpected("}");
  const std::size_t point = written.find('.');
  std::string before(written.substr(0, point));
  before += written.substr(point + 1);
  std::string through = before;
  through += period;
  if (through.size() > limits_.max_digits) {
    return refuse("a number of more than " + std::to_string(limits_.max_digits) + " digits");
  }
  Expr numerator;
  numerator.digits = difference(through, before);
  Expr denominator;
  denominator.digits = std::string(period.size(), '9') + std::string(written.size() - point - 1, '0');
  return make(Op::divide, std::move(numerator), std::move(denominator));
}

/// 1A_{16}, 2B3_{12}: digits and capitals without blanks before a base of 11 or more.
bool Parser::parse_high_base(std::string_view written, Expr& result) {
  if (!all_digits(written)) return false;
  std::size_t end = 0;
  std::string digits(written);
  bool letters = false;
  for (;; ++end) {
    const Token& token = peek(end);
    const bool capitals =
        (token.kind == TokenKind::letter || token.kind == TokenKind::name) &&
        std::all_of(token.text.begin(), token.text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (token.blank_before || (!capitals && !(token.kind == TokenKind::number && all_digits(token.text))))
      break;
    letters = letters || capitals;
    digits += token.text;
  }
  if (!letters || !at(TokenKind::underscore, end)) return false;
  const std::size_t inside = end + (at_open(bracket::kGroup, end + 1) ? 2 : 1);
  const int base = at(TokenKind::number, inside) ? base_named(peek(inside).text) : 0;
  if (base < 11) return false;
  next_ += end + 1;
  result = based_number(std::move(digits));
  return true;
}

/// The number of those digits whose base is next: 5, {5}, {three}, \text{two}.
Expr Parser::based_number(std::string digits) {
  const std::string named = subscript_text();
  if (!ok()) return {};
  const int base = base_named(named);
  if (base == 0) return fail("\"" + named + "\" where the base of a number should be (need 2 to 36)");
  if (std::any_of(digits.begin(), digits.end(), [base](char c) { return digit_value(c) >= base; })) {
    return fail("digits of " + digits + " that base " + std::to_string(base) + " does not have");
  }
  Expr number = make(Op::based_number, make_integer(static_cast<std::uint64_t>(base)));
  number.name = std::move(digits);
  return number;
}

/// million and the like behind a literal move its point.
void Parser::parse_magnitude(Expr& number) {
  while (at_word(WordClass::magnitude) || at_word(WordClass::hundred)) {
    number.exponent10 += find_word(fold_case(take().text))->value;
  }
}

/// Numbers in words: twenty-one, three hundred five, two million.
Expr Parser::parse_number_words() {
  constexpr std::uint64_t kMost = 1'000'000'000'000'000;
  std::uint64_t total = 0;
  std::uint64_t part = 0;
  while (ok()) {
    const bool hyphen =
        at(TokenKind::minus) && !peek().blank_before && at_word(WordClass::number, 1) && part % 10 == 0;
    if (hyphen) ++next_;
    if (!at(TokenKind::word)) break;
    const auto word = find_word(fold_case(peek().text));
    if (!word) break;
    const auto value = static_cast<std::uint64_t>(word->value);
    if (word->word_class == WordClass::number) {
      const bool fits =
          part == 0 || (part % 100 == 0 && part > 0) || (part % 10 == 0 && part % 100 >= 20 && value < 10);
      if (!fits || (value == 0 && part + total > 0)) return fail("number words side by side");
      part += value;
    } else if (word->word_class == WordClass::hundred) {
      if (part == 0 || part > 99) return fail("hundred behind no number");
      part *= 100;
    } else if (word->word_class == WordClass::magnitude) {
      std::uint64_t scale = 1;
      for (int i = 0; i < word->value; ++i) scale *= 10;
      if (part == 0 || (total > 0 && total < scale * 1000 && total % (scale * 1000) != 0))
        return fail("number words out of order");
      total += part * scale;
      part = 0;
      if (total > kMost) return refuse("a number in words over 10^15");
    } else {
      break;
    }
    ++next_;
  }
  return make_integer(total + part);
}

}  // namespace reckon
