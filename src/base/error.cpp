#include "reckon/base/error.h"

#include <system_error>

namespace reckon {

Error system_error(ExitCode code, const std::string& message, int error_number) {
  return Error(code, message + ": " + std::generic_category().message(error_number));
}

std::string in_quotes(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace reckon
