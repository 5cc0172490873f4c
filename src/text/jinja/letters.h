#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/text/utf8.h"

// Texts as Python sees them: sequences of code points. All texts here are valid UTF-8.
namespace reckon::jinja {

/// str.isspace of one character.
[[nodiscard]] bool is_space(char32_t c);
/// Where str.splitlines splits ("\r\n" counts as one).
[[nodiscard]] bool is_line_break(char32_t c);
/// str.isprintable of one character, but that unassigned code points count as printable.
[[nodiscard]] bool is_printable(char32_t c);

/// The value of a decimal digit of any script, -1 for other characters.
[[nodiscard]] int digit_value(char32_t c);

/// Simple case mappings of the letters named in reckon/text/chat_template.h; other characters stay.
[[nodiscard]] char32_t upper_of(char32_t c);
[[nodiscard]] char32_t lower_of(char32_t c);
[[nodiscard]] bool is_cased(char32_t c);

/// With the two rules beyond single characters that occur in ordinary text: sharp s becomes SS, and a capital
/// sigma at the end of a word becomes a final sigma.
[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
/// str.capitalize and str.title.
[[nodiscard]] std::string capitalize(std::string_view text);
[[nodiscard]] std::string title(std::string_view text);

[[nodiscard]] std::u32string code_points(std::string_view text);
[[nodiscard]] std::string to_utf8(std::u32string_view text);
[[nodiscard]] std::size_t num_code_points(std::string_view text);
/// The byte where the code point of that index starts; the size of the text where there are fewer.
[[nodiscard]] std::size_t byte_offset(std::string_view text, std::size_t index);

enum class Side { left, right, both };
/// str.strip and its relatives: white space goes.
[[nodiscard]] std::string_view strip(std::string_view text, Side side = Side::both);
/// The same with the characters to take away.
[[nodiscard]] std::string_view strip(std::string_view text, std::string_view characters, Side side);
/// The lines without their ends, or with them.
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text, bool keep_ends);

}  // namespace reckon::jinja
