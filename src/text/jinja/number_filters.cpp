#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "arguments.h"
#include "filters.h"
#include "letters.h"
#include "operators.h"

namespace reckon::jinja {
namespace {

/// Digits with single "_" between them, without the "_"; nothing for other text.
std::optional<std::string> plain_digits(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
      continue;
    }
    const auto is_digit = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    const bool inside = i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (!inside) return std::nullopt;
  }
  return digits;
}

/// The text without white space around it and with the digits of all scripts as ASCII; what else is beyond
/// ASCII becomes "?", which no number contains.
std::string ascii_number(std::string_view given) {
  std::string text;
  for (const char32_t c : code_points(strip(given))) {
    const int digit = digit_value(c);
    text.push_back(digit >= 0 ? static_cast<char>('0' + digit) : (c < 0x80 ? static_cast<char>(c) : '?'));
  }
  return text;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'z' ? small - 'a' + 10 : 99;
}

/// int(text, base); nothing where Python raises ValueError.
std::optional<Integer> parse_integer(std::string_view given, Integer base) {
  const std::string ascii = ascii_number(given);
  std::string_view text = ascii;
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  bool was_prefixed = false;
  if (text.size() > 1 && text[0] == '0') {
    const char marker = static_cast<char>(text[1] | 0x20);
    const Integer implied = marker == 'x' ? 16 : (marker == 'o' ? 8 : (marker == 'b' ? 2 : 0));
    if (implied != 0 && (base == 0 || base == implied)) {
      base = implied;
      text.remove_prefix(2);
      was_prefixed = true;
      if (text.starts_with('_')) text.remove_prefix(1);
    }
  }
  const auto digits = plain_digits(text);
  if (!digits || digits->empty()) return std::nullopt;
  if (base == 0) {
    const bool zeros = std::all_of(digits->begin(), digits->end(), [](char c) { return c == '0'; });
    if (!was_prefixed && (*digits)[0] == '0' && !zeros) return std::nullopt;
    base = 10;
  }
  Integer value = 0;
  for (const char c : *digits) {
    const int digit = digit_of(c);
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_sub_overflow(value, digit, &value)) {
      throw Failure("an integer has more than 128 bits");
    }
  }
  if (negative) return value;
  if (__builtin_sub_overflow(Integer{0}, value, &value)) throw Failure("an integer has more than 128 bits");
  return value;
}

/// float(text); nothing where Python raises ValueError.
std::optional<double> parse_real(std::string_view given) {
  std::string word = lower(ascii_number(given));
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.erase(0, 1);
  if (word == "inf" || word == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
  if (word == "nan") return std::nan("");
  if (word.find_first_not_of("0123456789._e+-") != std::string::npos) return std::nullopt;
  const auto digits = plain_digits(word);
  if (!digits || digits->empty() || (*digits)[0] == '-' || (*digits)[0] == '+') return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (parsed.ptr != digits->data() + digits->size()) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(digits->c_str(), nullptr);
  return negative ? -value : value;
}

Value truncated(double number) {
  if (std::abs(number) >= 1.7e38) throw Failure("an integer has more than 128 bits");
  return integer(static_cast<Integer>(number));
}

Value filter_int(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("int", arguments, {"default", "base"});
  const Value otherwise = given.at(0) ? *given.at(0) : integer(0);
  if (input.is<Undefined>()) fail_undefined(input);
  if (const auto number = as_integer(input)) return integer(*number);
  if (const auto* number = input.get<double>()) {
    if (std::isinf(*number)) throw Failure("'int' does not take an infinite float");
    return std::isnan(*number) ? otherwise : truncated(*number);
  }
  if (!input.text()) return otherwise;
  budget.spend_text(input.text()->size());
  if (const auto number = parse_integer(*input.text(), given.number(1, 10))) return integer(*number);
  const auto number = parse_real(*input.text());
  return number && std::isfinite(*number) ? truncated(*number) : otherwise;
}

Value filter_float(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("float", arguments, {"default"});
  if (input.is<Undefined>()) fail_undefined(input);
  if (const auto number = as_real(input)) return real(*number);
  if (input.text()) {
    budget.spend_text(input.text()->size());
    if (const auto number = parse_real(*input.text())) return real(*number);
  }
  return given.at(0) ? *given.at(0) : real(0.0);
}

Value filter_abs(Budget&, const Value& input, const Arguments& arguments) {
  const Parameters given("abs", arguments, {});
  if (input.is<Undefined>()) fail_undefined(input);
  if (const auto number = as_integer(input)) return *number < 0 ? negate(integer(*number)) : integer(*number);
  if (const auto* number = input.get<double>()) return real(std::abs(*number));
  throw Failure("'abs' needs a number, not a value of type '" + type_name(input) + "'");
}

/// Python's round(number, digits): the nearest decimal, ties to even, of the exact binary value.
double rounded(double number, int digits) {
  if (!std::isfinite(number) || digits > 300) return number;
  if (digits < 0) {
    const double scale = std::pow(10.0, -digits);
    return std::isfinite(scale) ? std::nearbyint(number / scale) * scale : std::copysign(0.0, number);
  }
  std::array<char, 700> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed, digits);
  double result = 0;
  std::from_chars(buffer.data(), written.ptr, result);
  return result;
}

Value rounded(Integer number, int digits) {
  if (digits >= 0) return integer(number);
  Integer scale = 1;
  for (int i = 0; i < -digits; ++i) {
    if (i >= 38) return integer(0);
    scale *= 10;
  }
  const Integer rest = ((number % scale) + scale) % scale;
  const Integer low = number - rest;
  const bool up = rest * 2 > scale || (rest * 2 == scale && (low / scale) % 2 != 0);
  return integer(up ? low + scale : low);
}

Value filter_round(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("round", arguments, {"precision", "method"});
  const std::string method = given.text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor") {
    throw Failure("'round' has the methods common, ceil and floor, not '" + method + "'");
  }
  if (input.is<Undefined>()) fail_undefined(input);
  const Integer precision = std::clamp<Integer>(given.number(0, 0), -1000, 1000);
  const auto digits = static_cast<int>(precision);
  const auto whole = as_integer(input);
  const auto number = as_real(input);
  if (!number) throw Failure("'round' needs a number, not a value of type '" + type_name(input) + "'");
  if (method == "common") return whole ? rounded(*whole, digits) : real(rounded(*number, digits));
  const Value scale = apply(budget, Operator::power, integer(10), integer(precision));
  const double scaled = *as_real(apply(budget, Operator::multiply, input, scale));
  if (!std::isfinite(scaled)) throw Failure("'round' does not take such a large number");
  return real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / *as_real(scale));
}

}  // namespace

Filter find_number_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"abs", filter_abs}, {"float", filter_float}, {"int", filter_int}, {"round", filter_round}};
  const auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace reckon::jinja
