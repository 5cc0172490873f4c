#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reckon {

/// What a message says of a file of somebody else's, as text on one line: control characters, which a
/// terminal would obey, are escaped (those of U+0080 to U+009F too), and what is longer than max_bytes is cut
/// between two characters and ends with "...".
[[nodiscard]] std::string in_one_line(std::string_view text, std::size_t max_bytes = 1000);

}  // namespace reckon
