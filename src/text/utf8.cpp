#include "reckon/text/utf8.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// Bytes at a place of a text that are a character, or the beginning of one.
struct Beginning {
  std::size_t num_bytes = 0;  ///< at least 1, also where the first byte can begin nothing
  std::size_t needed = 0;     ///< of the whole character; 0 where the first byte can begin nothing
  [[nodiscard]] bool is_whole() const { return num_bytes == needed; }
};

/// The longest beginning of a character: table 3-7 of The Unicode Standard.
Beginning beginning_at(std::string_view text, std::size_t position) {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte_at(position);
  if (first < 0x80) return {1, 1};
  if (first < 0xC2 || first > 0xF4) return {1, 0};
  const std::size_t needed = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte keeps out overlong forms, surrogates and what is above U+10FFFF.
  std::uint8_t lowest = 0x80;
  std::uint8_t highest = 0xBF;
  if (first == 0xE0) lowest = 0xA0;
  if (first == 0xED) highest = 0x9F;
  if (first == 0xF0) lowest = 0x90;
  if (first == 0xF4) highest = 0x8F;
  std::size_t length = 1;
  while (length < needed && position + length < text.size()) {
    const std::uint8_t byte = byte_at(position + length);
    if (byte < lowest || byte > highest) break;
    lowest = 0x80;
    highest = 0xBF;
    ++length;
  }
  return {length, needed};
}

/// The first byte from `position` on that is not ASCII, or the end.
std::size_t skip_ascii(std::string_view text, std::size_t position) {
  while (position + 8 <= text.size()) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + position, 8);
    if ((bytes & 0x8080808080808080u) != 0) break;
    position += 8;
  }
  while (position < text.size() && static_cast<std::uint8_t>(text[position]) < 0x80) ++position;
  return position;
}

}  // namespace

std::optional<Utf8Character> utf8_character_at(std::string_view text, std::size_t position) {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte_at(position);
  if (first < 0x80) return Utf8Character{first, 1};
  std::size_t num_bytes = 0;
  char32_t code = 0;
  char32_t lowest = 0;  // smaller values have a shorter form
  if ((first & 0xE0) == 0xC0) {
    num_bytes = 2, code = first & 0x1Fu, lowest = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    num_bytes = 3, code = first & 0x0Fu, lowest = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    num_bytes = 4, code = first & 0x07u, lowest = 0x10000;
  } else {
    return std::nullopt;
  }
  if (num_bytes > text.size() - position) return std::nullopt;
  for (std::size_t i = 1; i < num_bytes; ++i) {
    const std::uint8_t byte = byte_at(position + i);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    code = (code << 6) | (byte & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < lowest || code > 0x10FFFF || surrogate) return std::nullopt;
  return Utf8Character{code, num_bytes};
}

std::u32string utf8_to_code_points(std::string_view text, std::string_view where) {
  std::u32string code_points;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = utf8_character_at(text, at);
    if (!character) {
      throw Error(ExitCode::bad_data,
                  std::string(where) + ": byte " + std::to_string(at) + " is not UTF-8 (need UTF-8 text)");
    }
    code_points.push_back(character->code_point);
    at += character->num_bytes;
  }
  return code_points;
}

void append_utf8(std::string& text, char32_t code) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
    return;
  }
  const auto continuation = [&](int shift) {
    text.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
  };
  if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0 | (code >> 6)));
  } else if (code < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | (code >> 12)));
    continuation(6);
  } else {
    text.push_back(static_cast<char>(0xF0 | (code >> 18)));
    continuation(12);
    continuation(6);
  }
  continuation(0);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; (at = skip_ascii(text, at)) < text.size();) {
    const Beginning character = beginning_at(text, at);
    if (!character.is_whole()) return false;
    at += character.num_bytes;
  }
  return true;
}

std::string utf8_with_replacements(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  std::size_t copied = 0;
  for (std::size_t at = 0; (at = skip_ascii(bytes, at)) < bytes.size();) {
    const Beginning part = beginning_at(bytes, at);
    if (!part.is_whole()) {
      text.append(bytes.substr(copied, at - copied));
      text.append("\xEF\xBF\xBD");
      copied = at + part.num_bytes;
    }
    at += part.num_bytes;
  }
  text.append(bytes.substr(copied));
  return text;
}

std::size_t unfinished_utf8_bytes(std::string_view bytes) {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const Beginning part = beginning_at(bytes, bytes.size() - back);
    if (part.num_bytes == back && part.needed > back) return back;
  }
  return 0;
}

std::string code_point_name(char32_t code_point) {
  std::array<char, 16> name{};
  std::snprintf(name.data(), name.size(), "U+%04X", static_cast<unsigned>(code_point));
  return name.data();
}

}  // namespace reckon
