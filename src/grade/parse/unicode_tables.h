#pragma once

#include <cstdint>
#include <span>

namespace reckon::answer_tables {

/// A code point that is another way to write a few characters of ASCII or Greek letters.
struct Compatible {
  std::uint32_t code;
  std::uint8_t kind;  ///< 0 plain, 1 raised, 2 lowered, 3 fraction
  const char* form;   ///< UTF-8
};
/// Code points first to last; in lower_case(): a letter and its small one.
struct CodeRun {
  std::uint32_t first;
  std::uint32_t last;
};

// Sorted by the (first) code point; Unicode 14.
std::span<const Compatible> compatible();
std::span<const CodeRun> letters();            ///< categories L and M
std::span<const CodeRun> format_characters();  ///< category Cf
std::span<const CodeRun> lower_case();         ///< up to U+05FF

}  // namespace reckon::answer_tables
