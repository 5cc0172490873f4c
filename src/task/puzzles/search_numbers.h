#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "search_fraction.h"

namespace reckon {

/// A value that can be made from a set of numbers, each used once, and how.
struct MadeValue {
  SearchFraction value;
  bool whole = true;       ///< one way goes through whole numbers alone; the way that is kept then does
  std::uint32_t ways = 1;  ///< trees of operations, the two operands of each in either order; at most 2^31
  char operation = 0;      ///< 0: the number itself
  std::uint32_t left_set = 0, right_set = 0;      ///< bits of the numbers on each side
  std::uint32_t left_index = 0, right_index = 0;  ///< into values() of the sets
};

/// What + - * / make of some numbers, exactly, set by set: the values of a set come from those of its parts.
/// Differences are taken so that they are not below 0; with that every value is found that is not below 0
/// itself.
class NumberSearch {
 public:
  /// \param numbers   above 0, at most 6.
  /// \param max_size  values are listed for sets of at most so many numbers.
  NumberSearch(std::span<const int> numbers, int max_size);

  /// All values of a set of at most max_size numbers, in no particular but always the same order.
  [[nodiscard]] const std::vector<MadeValue>& values(std::uint32_t set) const { return values_[set]; }
  [[nodiscard]] std::uint32_t num_sets() const { return static_cast<std::uint32_t>(values_.size()); }

  /// A way to make the target from all numbers of a set, whose two parts may have at most max_size numbers;
  /// through whole numbers where there is such a way.
  [[nodiscard]] std::optional<MadeValue> make(std::uint32_t set, int target) const;

  /// The expression of a value, with no more parentheses than it needs: (3 + 5) * 7.
  [[nodiscard]] std::string expression(const MadeValue& made) const;
  /// Its operations one a line, operands first: 3 + 5 = 8
  [[nodiscard]] std::string steps(const MadeValue& made) const;

 private:
  void list_values(std::uint32_t set);
  [[nodiscard]] std::string expression(const MadeValue& made, int outer_strength, bool is_right) const;

  std::vector<std::vector<MadeValue>> values_;
};

}  // namespace reckon
