#include "search_numbers.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace reckon {
namespace {

constexpr std::uint32_t kMaxWays = std::uint32_t{1} << 31;

std::uint32_t saturated(std::uint64_t ways) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(ways, kMaxWays));
}

/// Calls take(made) for each result of two values, of which each comes from the set and place that it says.
template <class Take>
void combine(const MadeValue& left, const MadeValue& right, MadeValue made, const Take& take) {
  made.ways = saturated(std::uint64_t{left.ways} * right.ways);
  MadeValue turned = made;  // right operation left
  std::swap(turned.left_set, turned.right_set);
  std::swap(turned.left_index, turned.right_index);
  const auto put = [&](MadeValue result, SearchFraction a, char operation, SearchFraction b) {
    const auto value = apply_operation(a, operation, b);
    if (!value || value->numerator < 0) return;
    result.value = *value;
    result.operation = operation;
    result.whole = left.whole && right.whole && value->denominator == 1;
    take(result);
  };
  put(made, left.value, '+', right.value);
  put(made, left.value, '*', right.value);
  put(made, left.value, '-', right.value);
  if (left.value != right.value) put(turned, right.value, '-', left.value);
  put(made, left.value, '/', right.value);
  put(turned, right.value, '/', left.value);
}

/// Calls take(made) for each operation on a value of one part of the set and one of the other.
template <class Take>
void combine_parts(const std::vector<std::vector<MadeValue>>& values, std::uint32_t set, const Take& take) {
  const std::uint32_t lowest = set & (~set + 1);
  for (std::uint32_t part = (set - 1) & set; part != 0; part = (part - 1) & set) {
    if ((part & lowest) == 0) continue;  // each pair of parts once
    const std::uint32_t other = set ^ part;
    for (std::uint32_t i = 0; i < values[part].size(); ++i) {
      for (std::uint32_t j = 0; j < values[other].size(); ++j) {
        MadeValue made;
        made.left_set = part;
        made.left_index = i;
        made.right_set = other;
        made.right_index = j;
        combine(values[part][i], values[other][j], made, take);
      }
    }
  }
}

int strength(char operation) {
  return operation == 0 ? 3 : operation == '*' || operation == '/' ? 2 : 1;
}

}  // namespace

NumberSearch::NumberSearch(std::span<const int> numbers, int max_size)
    : values_(std::size_t{1} << numbers.size()) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    MadeValue number;
    number.value = {numbers[i], 1};
    values_[std::size_t{1} << i] = {number};
  }
  // The parts of a set come before it.
  for (std::uint32_t set = 1; set < values_.size(); ++set) {
    const int size = std::popcount(set);
    if (size > 1 && size <= max_size) list_values(set);
  }
}

void NumberSearch::list_values(std::uint32_t set) {
  std::vector<MadeValue> found;
  combine_parts(values_, set, [&](const MadeValue& made) { found.push_back(made); });
  std::stable_sort(found.begin(), found.end(), [](const MadeValue& a, const MadeValue& b) {
    return a.value != b.value ? a.value < b.value : a.whole > b.whole;
  });
  std::vector<MadeValue>& values = values_[set];
  for (const MadeValue& made : found) {
    if (!values.empty() && values.back().value == made.value) {
      values.back().ways = saturated(std::uint64_t{values.back().ways} + made.ways);
    } else {
      values.push_back(made);
    }
  }
}

std::optional<MadeValue> NumberSearch::make(std::uint32_t set, int target) const {
  std::optional<MadeValue> best;
  combine_parts(values_, set, [&](const MadeValue& made) {
    if (made.value != SearchFraction{target, 1}) return;
    if (!best || (made.whole && !best->whole)) best = made;
  });
  return best;
}

std::string NumberSearch::expression(const MadeValue& made, int outer_strength, bool is_right) const {
  if (made.operation == 0) return std::to_string(made.value.numerator);
  const int own = strength(made.operation);
  // a - (b + c) and a / (b * c) need theirs; a + (b - c) and a * (b / c) do not.
  const bool right_matters = made.operation == '-' || made.operation == '/';
  const std::string text = expression(values_[made.left_set][made.left_index], own, false) + " " +
                           made.operation + " " +
                           expression(values_[made.right_set][made.right_index], own, right_matters);
  const bool parenthesised = own < outer_strength || (own == outer_strength && is_right);
  return parenthesised ? "(" + text + ")" : text;
}

std::string NumberSearch::expression(const MadeValue& made) const {
  return expression(made, 0, false);
}

std::string NumberSearch::steps(const MadeValue& made) const {
  if (made.operation == 0) return {};
  const MadeValue& left = values_[made.left_set][made.left_index];
  const MadeValue& right = values_[made.right_set][made.right_index];
  const auto operand = [](const MadeValue& value) {
    const std::string text = fraction_text(value.value);
    return value.value.denominator == 1 ? text : "(" + text + ")";
  };
  return steps(left) + steps(right) + operand(left) + " " + made.operation + " " + operand(right) + " = " +
         fraction_text(made.value) + "\n";
}

}  // namespace reckon
