#include "byte_alphabet.h"

#include <array>

#include "reckon/text/utf8.h"

namespace reckon {
namespace {

constexpr char32_t kNumCharacters = 0x144;  // the highest is U+0143
constexpr std::int16_t kNoByte = -1;

struct ByteAlphabet {
  std::array<char32_t, 256> characters{};
  std::array<std::int16_t, kNumCharacters> bytes{};
};

constexpr ByteAlphabet make_alphabet() {
  ByteAlphabet alphabet;
  alphabet.bytes.fill(kNoByte);
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const char32_t character = printable ? byte : next++;
    alphabet.characters[byte] = character;
    alphabet.bytes[character] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr ByteAlphabet kAlphabet = make_alphabet();

}  // namespace

std::string byte_character(std::uint8_t byte) {
  std::string text;
  append_utf8(text, kAlphabet.characters[byte]);
  return text;
}

std::optional<std::string> bytes_of_token(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const auto character = utf8_character_at(token, at);
    if (!character || character->code_point >= kNumCharacters) return std::nullopt;
    const std::int16_t byte = kAlphabet.bytes[character->code_point];
    if (byte == kNoByte) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    at += character->num_bytes;
  }
  return bytes;
}

}  // namespace reckon
