#include "reckon/grade/number.h"

#include <flint/fmpz.h>

#include <algorithm>

#include "reckon/grade/extract.h"

namespace reckon {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads a text from left to right.
class NumberReader {
 public:
  explicit NumberReader(std::string_view text) : rest_(text) {}

  NumberSyntax read(ExactNumber& number) {
    const bool has_sign = read_sign(number.negative);
    if (take("$") && !has_sign) read_sign(number.negative);
    skip_blanks();
    const bool whole = read_grouped_digits(number.numerator) || read_digits(number.numerator) > 0;
    const bool point = take_here(".");
    const std::size_t num_decimals = point ? read_digits(number.numerator) : 0;
    if (!whole && num_decimals == 0) return NumberSyntax::not_a_number;
    number.denominator.append(num_decimals, '0');
    if (!point && take("/")) {
      skip_blanks();
      number.denominator.clear();
      if (read_digits(number.denominator) == 0) return NumberSyntax::not_a_number;
    }
    skip_blanks();
    if (!rest_.empty()) return NumberSyntax::not_a_number;
    return num_digits_ > kMaxNumberDigits ? NumberSyntax::too_long : NumberSyntax::number;
  }

 private:
  void skip_blanks() {
    const std::size_t first = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(std::min(first, rest_.size()));
  }
  bool take_here(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool take(std::string_view word) {
    skip_blanks();
    return take_here(word);
  }
  bool read_sign(bool& negative) {
    if (take("+")) return true;
    negative = take("-") || take("\u2212");
    return negative;
  }
  std::size_t read_digits(std::string& digits) {
    std::size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) ++count;
    digits += rest_.substr(0, count);
    rest_.remove_prefix(count);
    num_digits_ += count;
    return count;
  }
  /// 1,000 and 12,345,678: one to three digits, then groups of exactly three.
  bool read_grouped_digits(std::string& digits) {
    std::size_t at = 0;
    while (at < rest_.size() && is_digit(rest_[at])) ++at;
    if (at == 0 || at > 3 || at == rest_.size() || rest_[at] != ',') return false;
    std::string found(rest_.substr(0, at));
    while (at < rest_.size() && rest_[at] == ',') {
      const std::string_view group = rest_.substr(at + 1, 3);
      if (group.size() != 3 || !std::all_of(group.begin(), group.end(), is_digit)) return false;
      found += group;
      at += 4;
    }
    if (at < rest_.size() && is_digit(rest_[at])) return false;
    digits += found;
    num_digits_ += found.size();
    rest_.remove_prefix(at);
    return true;
  }

  std::string_view rest_;
  std::size_t num_digits_ = 0;
};

void drop_leading_zeros(std::string& digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) digits.push_back('0');
}

/// Whether a * d = b * c, of decimal digits.
bool equal_products(const std::string& a, const std::string& d, const std::string& b, const std::string& c) {
  fmpz_t left, right, factor;
  for (fmpz* value : {left, right, factor}) fmpz_init(value);
  fmpz_set_str(left, a.c_str(), 10);
  fmpz_set_str(factor, d.c_str(), 10);
  fmpz_mul(left, left, factor);
  fmpz_set_str(right, b.c_str(), 10);
  fmpz_set_str(factor, c.c_str(), 10);
  fmpz_mul(right, right, factor);
  const bool equal = fmpz_equal(left, right) != 0;
  for (fmpz* value : {left, right, factor}) fmpz_clear(value);
  return equal;
}

}  // namespace

NumberSyntax parse_number(std::string_view text, ExactNumber& number) {
  ExactNumber read{false, "", "1"};
  const NumberSyntax syntax = NumberReader(text).read(read);
  if (syntax != NumberSyntax::number) return syntax;
  drop_leading_zeros(read.numerator);
  drop_leading_zeros(read.denominator);
  if (read.denominator == "0") return NumberSyntax::not_a_number;
  if (read.numerator == "0") read.negative = false;
  number = read;
  return syntax;
}

bool equal_numbers(const ExactNumber& a, const ExactNumber& b) {
  return a.negative == b.negative && equal_products(a.numerator, b.denominator, b.numerator, a.denominator);
}

Grade compare_numbers(std::string_view gold, std::string_view pred) {
  ExactNumber gold_number;
  if (parse_number(gold, gold_number) != NumberSyntax::number) return Grade::gold_unparseable;
  if (trim_blanks(pred).empty()) return Grade::no_answer;
  ExactNumber pred_number;
  switch (parse_number(pred, pred_number)) {
    case NumberSyntax::not_a_number:
      return Grade::different;
    case NumberSyntax::too_long:
      return Grade::refused;
    case NumberSyntax::number:
      break;
  }
  return equal_numbers(gold_number, pred_number) ? Grade::equal : Grade::different;
}

}  // namespace reckon
