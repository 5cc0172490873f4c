#include "reckon/base/one_line.h"

namespace reckon {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Adds the byte at `i`, or what a control character is escaped as, and goes behind it.
void add_character(std::string& out, std::string_view text, std::size_t& i) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(text[i]);
  const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
  const bool is_c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;  // U+0080 to U+009F in UTF-8
  if (is_c1 || byte < 0x20 || byte == 0x7F) {
    const unsigned code = is_c1 ? next : byte;
    out += {'\\', 'u', '0', '0', kHex[code >> 4], kHex[code & 15]};
  } else {
    out += text[i];
  }
  i += is_c1 ? 2 : 1;
}

}  // namespace

std::string in_one_line(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size_before = out.size();
    // The bytes of a character stay together; what is no UTF-8 has no such bytes without end.
    for (int length = 0; length == 0 || (length < 4 && i < text.size() && is_continuation(text[i]));
         ++length) {
      add_character(out, text, i);
    }
    if (out.size() <= max_bytes) continue;
    out.resize(size_before);
    return out + "...";
  }
  return out;
}

}  // namespace reckon
