#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace reckon {

/// A complete \boxed{...} or \fbox{...}, or \boxed x: to the next $ of its line, else to the next blank.
struct Box {
  std::size_t begin = 0;     ///< of the command
  std::size_t end = 0;       ///< behind it
  std::string_view content;  ///< without blanks around it
};

/// Whether \\boxed is a box, as in text that was escaped twice, or a line break and a word.
enum class DoubledBackslash { breaks_line, begins_command };

/// The boxes of a text in order, of nested ones the outermost. One forward scan; escaped braces do not count.
[[nodiscard]] std::vector<Box> find_boxes(std::string_view text, DoubledBackslash doubled);

}  // namespace reckon
