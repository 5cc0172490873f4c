#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace reckon {

/// A complete \boxed{...} or \fbox{...}.
struct Box {
  std::size_t begin = 0;     ///< of the command
  std::size_t end = 0;       ///< behind the closing brace
  std::string_view content;  ///< between the braces
};

/// The boxes of a text in order, of nested ones the outermost. One forward scan; escaped braces do not count.
[[nodiscard]] std::vector<Box> find_boxes(std::string_view text);

}  // namespace reckon
