#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

struct FamilyMember {
  std::string name;
  bool is_female = false;
  std::optional<std::size_t> spouse;
  std::vector<std::size_t> parents;  ///< none, or a couple
};

/// What one person is to another.
struct Kinship {
  std::string word;              ///< grandmother, great-uncle, sister-in-law
  int hops = 0;                  ///< steps from child to parent, parent to child and between spouses
  std::vector<std::size_t> way;  ///< from the first person to the other, both included
};

/// Of the ways from `first` to `second` that English has a word for, the shortest. Ways are sequences of
/// steps from the first person: up to a parent, down to a child, across to a spouse. Nothing where there is
/// none.
[[nodiscard]] std::optional<Kinship> kinship_of(const std::vector<FamilyMember>& family, std::size_t first,
                                                std::size_t second);

/// The word of kinship_of() that a word written by somebody stands for: case, blanks and hyphens do not
/// matter, and mum is mother. The text without them where it is no synonym.
[[nodiscard]] std::string kinship_word(std::string_view text);

}  // namespace reckon
