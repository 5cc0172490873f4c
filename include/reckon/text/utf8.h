#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reckon {

/// One character of UTF-8 text and the number of bytes it takes.
struct Utf8Character {
  char32_t code_point = 0;
  std::size_t num_bytes = 0;
};

/// The character that starts at byte `position`, which is inside the text. Nothing where the bytes are not
/// UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::optional<Utf8Character> utf8_character_at(std::string_view text, std::size_t position);

/// The text as code points. \throws Error(bad_data) naming `where` and the first byte that is not UTF-8.
[[nodiscard]] std::u32string utf8_to_code_points(std::string_view text, std::string_view where);

/// Appends a code point, which is a valid one.
void append_utf8(std::string& text, char32_t code_point);

/// The usual name of a code point: U+00E9.
[[nodiscard]] std::string code_point_name(char32_t code_point);

}  // namespace reckon
