#include "format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "letters.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

/// One conversion: %[(key)][flags][width][.precision]type
struct Conversion {
  std::string flags;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = 's';
  [[nodiscard]] bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

class PrintfFormatter {
 public:
  PrintfFormatter(Budget& budget, std::string_view format, const Value& values)
      : budget_(budget), format_(format), values_(values), tuple_(values.as<const Tuple>()) {}

  std::string run() {
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) read_conversion();
      budget_.spend();
      budget_.check_text(out_.size());
    }
    const bool all_used = tuple_ ? used_ == tuple_->values.size() : used_ > 0 || is_mapping();
    if (!all_used) throw Failure("'%' of a str has more values than its format has conversions");
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_mapping() const {
    return values_.as<const Dict>() || values_.as<const List>() || values_.as<const Range>() ||
           values_.is<Undefined>();
  }
  [[nodiscard]] char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  std::size_t read_number() {
    std::size_t number = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      number =
          std::min<std::size_t>(number * 10 + static_cast<std::size_t>(peek() - '0'), std::size_t{1} << 40);
    }
    return number;
  }

  void read_conversion() {
    std::optional<std::string> key;
    if (peek() == '(') {
      const std::size_t close = format_.find(')', at_);
      if (close == std::string_view::npos) throw Failure("a key in a format of '%' is not closed");
      key = std::string(format_.substr(at_ + 1, close - at_ - 1));
      at_ = close + 1;
    }
    Conversion conversion;
    while (at_ < format_.size() && std::string_view("#0- +").find(peek()) != std::string_view::npos) {
      conversion.flags.push_back(format_[at_++]);
    }
    conversion.width = read_number();
    if (peek() == '.') {
      ++at_;
      conversion.precision = read_number();
    }
    if (at_ == format_.size()) throw Failure("a format of '%' ends inside a conversion");
    conversion.type = format_[at_++];
    budget_.spend_text(conversion.width + conversion.precision.value_or(0));
    if (conversion.type == '%') {
      out_.push_back('%');
    } else {
      out_ += convert(conversion, key ? keyed_value(*key) : next_value());
    }
  }

  Value keyed_value(const std::string& key) {
    const auto* dict = values_.as<const Dict>();
    if (!dict) throw Failure("a format with %(" + key + ") needs a dict");
    const Value* value = dict->find(key);
    if (!value) throw Failure("the dict of a format has no key '" + key + "'");
    ++used_;
    return *value;
  }

  Value next_value() {
    const std::size_t index = used_++;
    if (!tuple_ && index == 0) return values_;
    if (!tuple_ || index >= tuple_->values.size()) throw Failure("'%' of a str has too few values");
    return tuple_->values[index];
  }

  std::string convert(const Conversion& conversion, const Value& value) {
    switch (conversion.type) {
      case 's':
        return padded(conversion, cut(conversion, to_text(budget_, value)));
      case 'r':
        return padded(conversion, cut(conversion, to_repr(budget_, value)));
      case 'c':
        return padded(conversion, character(value));
      case 'd':
      case 'i':
      case 'u':
        return number(conversion, whole_number(conversion, value), 10);
      case 'x':
      case 'X':
        return number(conversion, strict_integer(conversion, value), 16);
      case 'o':
        return number(conversion, strict_integer(conversion, value), 8);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return real_number(conversion, value);
      default:
        throw Failure(std::string("the conversion '%") + conversion.type + "' is not supported");
    }
  }

  static std::string cut(const Conversion& conversion, const std::string& text) {
    return conversion.precision ? text.substr(0, byte_offset(text, *conversion.precision)) : text;
  }

  static std::string padded(const Conversion& conversion, const std::string& text) {
    const std::size_t length = num_code_points(text);
    const std::string blanks(conversion.width > length ? conversion.width - length : 0, ' ');
    return conversion.has('-') ? text + blanks : blanks + text;
  }

  [[noreturn]] static void fail_type(const Conversion& conversion, const Value& value) {
    throw Failure(std::string("'%") + conversion.type + "' does not take a value of type '" +
                  type_name(value) + "'");
  }

  static std::string character(const Value& value) {
    if (const auto* text = value.text(); text && num_code_points(*text) == 1) return *text;
    const auto code = as_integer(value);
    if (!code || *code < 0 || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) {
      throw Failure("'%c' needs one character or its code point");
    }
    std::string text;
    append_utf8(text, static_cast<char32_t>(*code));
    return text;
  }

  static Integer whole_number(const Conversion& conversion, const Value& value) {
    const auto* real = value.get<double>();
    if (real && std::isfinite(*real) && std::abs(*real) < 1e38) return static_cast<Integer>(*real);
    return strict_integer(conversion, value);
  }
  static Integer strict_integer(const Conversion& conversion, const Value& value) {
    if (value.is<Undefined>()) fail_undefined(value);
    const auto number = as_integer(value);
    if (!number) fail_type(conversion, value);
    return *number;
  }

  static std::string with_sign(const Conversion& conversion, bool negative, const std::string& prefix,
                               std::string digits) {
    const std::string sign = negative ? "-" : (conversion.has('+') ? "+" : (conversion.has(' ') ? " " : ""));
    const std::size_t length = sign.size() + prefix.size() + digits.size();
    if (conversion.has('0') && !conversion.has('-') && conversion.width > length) {
      digits.insert(0, conversion.width - length, '0');
    }
    return padded(conversion, sign + prefix + digits);
  }

  static std::string number(const Conversion& conversion, Integer value, int base) {
    __extension__ using Unsigned = unsigned __int128;
    Unsigned rest = value < 0 ? Unsigned{0} - static_cast<Unsigned>(value) : static_cast<Unsigned>(value);
    const char* symbols = conversion.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string digits;
    do {
      digits.push_back(symbols[static_cast<int>(rest % static_cast<unsigned>(base))]);
      rest /= static_cast<unsigned>(base);
    } while (rest != 0);
    std::reverse(digits.begin(), digits.end());
    const std::size_t precision = conversion.precision.value_or(0);
    if (digits.size() < precision) digits.insert(0, precision - digits.size(), '0');
    const char* prefix = "";
    if (conversion.has('#') && base != 10) prefix = base == 8 ? "0o" : (conversion.type == 'X' ? "0X" : "0x");
    return with_sign(conversion, value < 0, prefix, digits);
  }

  static std::string real_number(const Conversion& conversion, const Value& value) {
    if (value.is<Undefined>()) fail_undefined(value);
    const auto given = as_real(value);
    if (!given) fail_type(conversion, value);
    const std::size_t precision = conversion.precision.value_or(6);
    if (precision > 1000) throw Failure("a precision of more than 1000 digits is not supported");
    const std::string pattern = std::string("%") + (conversion.has('#') ? "#" : "") + ".*" + conversion.type;
    std::array<char, 1400> buffer{};
    std::snprintf(buffer.data(), buffer.size(), pattern.c_str(), static_cast<int>(precision),
                  std::abs(*given));
    return with_sign(conversion, std::signbit(*given) && !std::isnan(*given), "", buffer.data());
  }

  Budget& budget_;
  std::string_view format_;
  const Value& values_;
  const Tuple* tuple_;
  std::size_t used_ = 0;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

Value format_printf(Budget& budget, const String& format, const Value& values) {
  if (format.markup) throw Failure("'%' of a text that the filter 'safe' gave out is not supported");
  budget.spend_text(format.utf8.size());
  return string(PrintfFormatter(budget, format.utf8, values).run());
}

}  // namespace reckon::jinja
