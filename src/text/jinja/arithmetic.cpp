#include <cmath>

#include "format.h"
#include "operators.h"

namespace reckon::jinja {
namespace {

const char* symbol(Operator op) {
  static constexpr const char* kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<int>(op)];
}

[[noreturn]] void fail_operands(Operator op, const Value& a, const Value& b) {
  throw Failure(std::string("'") + symbol(op) + "' does not take values of type '" + type_name(a) +
                "' and '" + type_name(b) + "'");
}
[[noreturn]] void fail_overflow() {
  throw Failure("an integer has more than 128 bits");
}
[[noreturn]] void fail_zero() {
  throw Failure("division by zero");
}

Integer power(Integer base, Integer exponent) {
  Integer result = 1;
  if (base == 1 || base == 0 || base == -1) {
    if (exponent == 0) return 1;
    return base == -1 && exponent % 2 == 0 ? 1 : base;
  }
  for (; exponent > 0; --exponent) {  // ends by overflow after 127 rounds
    if (__builtin_mul_overflow(result, base, &result)) fail_overflow();
  }
  return result;
}

Integer floor_quotient(Integer a, Integer b) {
  if (b == 0) fail_zero();
  if (b == -1) {
    Integer result = 0;
    if (__builtin_sub_overflow(result, a, &result)) fail_overflow();
    return result;
  }
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// a % b with the sign of b.
Integer floor_remainder(Integer a, Integer b) {
  if (b == 0) fail_zero();
  if (b == -1) return 0;
  const Integer remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

double floor_remainder(double a, double b) {
  if (b == 0) fail_zero();
  double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  if ((remainder < 0) != (b < 0)) remainder += b;
  return remainder;
}

double floor_quotient(double a, double b) {
  if (b == 0) fail_zero();
  // From the remainder, so that quotient * b + remainder is a.
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

double power(double base, double exponent) {
  if (base == 0 && exponent < 0) throw Failure("0 cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    throw Failure("complex numbers are not supported (need a base that is not negative)");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    throw Failure("the result of ** is too large for a float");
  }
  return result;
}

Value apply_integers(Operator op, Integer a, Integer b) {
  Integer result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::add:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Operator::subtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Operator::multiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Operator::divide:
      if (b == 0) fail_zero();
      return real(static_cast<double>(a) / static_cast<double>(b));
    case Operator::floor_divide:
      return integer(floor_quotient(a, b));
    case Operator::modulo:
      return integer(floor_remainder(a, b));
    case Operator::power:
      if (b < 0) return real(power(static_cast<double>(a), static_cast<double>(b)));
      return integer(power(a, b));
  }
  if (overflow) fail_overflow();
  return integer(result);
}

Value apply_reals(Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return real(a + b);
    case Operator::subtract:
      return real(a - b);
    case Operator::multiply:
      return real(a * b);
    case Operator::divide:
      if (b == 0) fail_zero();
      return real(a / b);
    case Operator::floor_divide:
      return real(floor_quotient(a, b));
    case Operator::modulo:
      return real(floor_remainder(a, b));
    case Operator::power:
      return real(power(a, b));
  }
  return none();
}

std::string escape_html(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      case '"':
        escaped += "&#34;";
        break;
      default:
        escaped.push_back(c);
    }
  }
  return escaped;
}

Value join_texts(Budget& budget, const String& a, const String& b) {
  budget.spend_text(a.utf8.size() + b.utf8.size());
  if (a.markup == b.markup) return string(a.utf8 + b.utf8, a.markup);
  // What the filter `safe` gave out escapes what is added to it.
  return a.markup ? string(a.utf8 + escape_html(b.utf8), true) : string(escape_html(a.utf8) + b.utf8, true);
}

Value join_items(Budget& budget, const Value& a, const Value& b) {
  budget.spend(a.items()->size() + b.items()->size());
  Values values = *a.items();
  values.insert(values.end(), b.items()->begin(), b.items()->end());
  return a.as<const List>() ? list(budget, std::move(values)) : tuple(budget, std::move(values));
}

/// A text, list or tuple several times.
Value repeat(Budget& budget, const Value& value, Integer count) {
  const Integer times = std::max<Integer>(count, 0);
  const std::size_t size = value.text() ? value.text()->size() : value.items()->size();
  Integer total = 0;
  if (__builtin_mul_overflow(times, static_cast<Integer>(size), &total) || total > (Integer{1} << 40)) {
    total = Integer{1} << 40;  // beyond every limit
  }
  if (value.text()) {
    budget.spend_text(static_cast<std::size_t>(total));
    std::string text;
    text.reserve(static_cast<std::size_t>(total));
    for (Integer i = 0; i < times && size > 0; ++i) text += *value.text();
    return string(std::move(text), value.as<const String>()->markup);
  }
  budget.spend(static_cast<std::size_t>(total));
  Values values;
  for (Integer i = 0; i < times && size > 0; ++i) {
    values.insert(values.end(), value.items()->begin(), value.items()->end());
  }
  return value.as<const List>() ? list(budget, std::move(values)) : tuple(budget, std::move(values));
}

bool is_sequence(const Value& value) {
  return value.text() || value.items();
}

}  // namespace

Value apply(Budget& budget, Operator op, const Value& a, const Value& b) {
  if (op == Operator::modulo && a.text()) return format_printf(budget, *a.as<const String>(), b);
  if (a.is<Undefined>()) fail_undefined(a);
  if (b.is<Undefined>()) fail_undefined(b);
  const auto left = as_integer(a);
  const auto right = as_integer(b);
  if (left && right) return apply_integers(op, *left, *right);
  if (as_real(a) && as_real(b)) return apply_reals(op, *as_real(a), *as_real(b));
  if (op == Operator::add) {
    if (a.text() && b.text()) return join_texts(budget, *a.as<const String>(), *b.as<const String>());
    if (a.items() && a.data.index() == b.data.index()) return join_items(budget, a, b);
  }
  if (op == Operator::multiply) {
    if (is_sequence(a) && right) return repeat(budget, a, *right);
    if (is_sequence(b) && left) return repeat(budget, b, *left);
  }
  fail_operands(op, a, b);
}

Value negate(const Value& value) {
  if (value.is<Undefined>()) fail_undefined(value);
  if (const auto number = as_integer(value)) return apply_integers(Operator::subtract, 0, *number);
  if (const auto* number = value.get<double>()) return real(-*number);
  throw Failure("unary '-' does not take a value of type '" + type_name(value) + "'");
}

Value plus(const Value& value) {
  if (value.is<Undefined>()) fail_undefined(value);
  if (const auto number = as_integer(value)) return integer(*number);
  if (value.is<double>()) return value;
  throw Failure("unary '+' does not take a value of type '" + type_name(value) + "'");
}

}  // namespace reckon::jinja
