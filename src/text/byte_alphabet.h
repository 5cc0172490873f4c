#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reckon {

/// The 256 printable characters that byte-level vocabularies write for the 256 bytes: a byte that is a
/// printable character of Latin-1 is that character, the others are U+0100, U+0101, ... in their order.
/// \return a character above U+007F takes two bytes of UTF-8.
[[nodiscard]] std::string byte_character(std::uint8_t byte);

/// The bytes that a token of such a vocabulary stands for; nothing where a character of it is not of the 256.
[[nodiscard]] std::optional<std::string> bytes_of_token(std::string_view token);

}  // namespace reckon
