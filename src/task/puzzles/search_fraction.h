#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <string>

namespace reckon {

/// An exact fraction in lowest terms; the denominator is above 0.
struct SearchFraction {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  friend bool operator==(const SearchFraction&, const SearchFraction&) = default;
  friend auto operator<=>(const SearchFraction&,
                          const SearchFraction&) = default;  ///< an order, not by value
};

/// 5 or 5/3 or -1/2.
[[nodiscard]] inline std::string fraction_text(const SearchFraction& value) {
  const std::string text = std::to_string(value.numerator);
  return value.denominator == 1 ? text : text + "/" + std::to_string(value.denominator);
}

/// left operation right. \param operation + - * or / \return nothing where the divisor is 0 or a product of
/// two parts does not fit into 64 bits.
[[nodiscard]] inline std::optional<SearchFraction> apply_operation(SearchFraction left, char operation,
                                                                   SearchFraction right) {
  std::int64_t numerator = 0;
  std::int64_t denominator = 0;
  bool overflow = false;
  if (operation == '/') {
    if (right.numerator == 0 || right.numerator == INT64_MIN) return std::nullopt;
    const std::int64_t sign = right.numerator < 0 ? -1 : 1;
    right = {right.denominator * sign, right.numerator * sign};
    operation = '*';
  }
  if (operation == '*') {
    overflow = __builtin_mul_overflow(left.numerator, right.numerator, &numerator);
  } else {
    std::int64_t first = 0;
    std::int64_t second = 0;
    overflow = __builtin_mul_overflow(left.numerator, right.denominator, &first);
    overflow |= __builtin_mul_overflow(right.numerator, left.denominator, &second);
    overflow |= operation == '+' ? __builtin_add_overflow(first, second, &numerator)
                                 : __builtin_sub_overflow(first, second, &numerator);
  }
  overflow |= __builtin_mul_overflow(left.denominator, right.denominator, &denominator);
  if (overflow || numerator == INT64_MIN) return std::nullopt;
  const std::int64_t divisor = std::gcd(numerator, denominator);
  return SearchFraction{numerator / divisor, denominator / divisor};
}

}  // namespace reckon
