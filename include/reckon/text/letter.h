#pragma once

namespace reckon {

/// Whether a code point is a letter: general category L of Unicode.
[[nodiscard]] bool is_letter(char32_t code_point);

}  // namespace reckon
