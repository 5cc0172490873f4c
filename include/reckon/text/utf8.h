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

/// Whether the whole text is UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The bytes as UTF-8 text in which each maximal part that is not UTF-8 is one U+FFFD: what Python's
/// bytes.decode("utf-8", "replace") and Rust's String::from_utf8_lossy give (The Unicode Standard, section
/// 3.9, "U+FFFD Substitution of Maximal Subparts").
[[nodiscard]] std::string utf8_with_replacements(std::string_view bytes);

/// The number of bytes at the end that begin a character without ending it: 0 .. 3.
[[nodiscard]] std::size_t unfinished_utf8_bytes(std::string_view bytes);

/// The usual name of a code point: U+00E9.
[[nodiscard]] std::string code_point_name(char32_t code_point);

}  // namespace reckon
