#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reckon {

/// What a clue says of two values, or of a value and a house.
enum class ZebraClueKind { same, next, left, at };
inline constexpr std::array<std::string_view, 4> kZebraClueNames{"same", "next", "left", "at"};

/// Values are numbered through all attributes: value v is of attribute v / num_houses. Houses are 0, 1, ...
/// from left to right.
struct ZebraClue {
  ZebraClueKind kind = ZebraClueKind::same;
  std::size_t first = 0;
  std::size_t second = 0;  ///< for at the house

  /// Whether it is true where value v is in house houses[v]: the same house, houses side by side, first
  /// directly to the left of second, first in that house.
  [[nodiscard]] bool holds(const std::vector<std::size_t>& houses) const;
};

/// The number of ways to give each house one value of each attribute so that all clues hold, counted up to
/// `limit`. Domains are narrowed by clues and by "one value a house", then the value with the fewest houses
/// left is tried in each.
[[nodiscard]] std::size_t count_zebra_solutions(std::size_t num_houses, std::size_t num_attributes,
                                                const std::vector<ZebraClue>& clues, std::size_t limit);

}  // namespace reckon
