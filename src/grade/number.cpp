#include "reckon/grade/number.h"

#include <algorithm>
#include <cstdint>
#include <vector>

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

/// Digits in base 10^9, the lowest first.
std::vector<std::uint64_t> limbs_of(std::string_view digits) {
  std::vector<std::uint64_t> limbs;
  for (std::size_t end = digits.size(); end > 0; end -= std::min<std::size_t>(end, 9)) {
    const std::size_t start = end > 9 ? end - 9 : 0;
    std::uint64_t limb = 0;
    for (std::size_t i = start; i < end; ++i) limb = limb * 10 + static_cast<std::uint64_t>(digits[i] - '0');
    limbs.push_back(limb);
  }
  return limbs;
}

/// The product in base 10^9, the lowest first, without zeros at the top.
std::vector<std::uint64_t> product(std::string_view a, std::string_view b) {
  constexpr std::uint64_t kBase = 1'000'000'000;
  const auto x = limbs_of(a);
  const auto y = limbs_of(b);
  std::vector<std::uint64_t> result(x.size() + y.size(), 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < y.size() || carry > 0; ++j) {
      const std::uint64_t sum = result[i + j] + carry + (j < y.size() ? x[i] * y[j] : 0);
      result[i + j] = sum % kBase;
      carry = sum / kBase;
    }
  }
  while (!result.empty() && result.back() == 0) result.pop_back();
  return result;
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
  return a.negative == b.negative &&
         product(a.numerator, b.denominator) == product(b.numerator, a.denominator);
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
