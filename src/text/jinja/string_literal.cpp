#include "string_literal.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "budget.h"
#include "letters.h"

namespace reckon::jinja {
namespace {

/// jinja2 turns a literal into ASCII before it resolves escapes; this shows where a backslash stands before a
/// character beyond ASCII: '\é' is the text \xe9.
std::string to_ascii(std::string_view body) {
  std::string ascii;
  for (const char32_t c : code_points(body)) {
    if (c < 0x80) {
      ascii.push_back(static_cast<char>(c));
      continue;
    }
    std::array<char, 16> escape{};
    const char* format = c < 0x100 ? "\\x%02x" : (c < 0x10000 ? "\\u%04x" : "\\U%08x");
    std::snprintf(escape.data(), escape.size(), format, static_cast<unsigned>(c));
    ascii += escape.data();
  }
  return ascii;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Resolver {
 public:
  explicit Resolver(std::string ascii) : ascii_(std::move(ascii)) {}

  std::string run() {
    while (at_ < ascii_.size()) {
      const char c = ascii_[at_++];
      if (c == '\\' && at_ < ascii_.size()) {
        read_escape();
      } else {
        out_.push_back(c);
      }
    }
    return std::move(out_);
  }

 private:
  void read_escape() {
    static constexpr std::string_view kNames = "abfnrtv\\'\"";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    const char c = ascii_[at_++];
    if (c == '\n') return;  // the line goes on
    const std::size_t simple = kNames.find(c);
    if (simple != std::string_view::npos) {
      out_.push_back(kValues[simple]);
    } else if (c >= '0' && c <= '7') {
      read_octal(static_cast<char32_t>(c - '0'));
    } else if (c == 'x') {
      read_hex(c, 2);
    } else if (c == 'u') {
      read_hex(c, 4);
    } else if (c == 'U') {
      read_hex(c, 8);
    } else if (c == 'N') {
      throw Failure("the escape \\N{name} is not supported (need \\u or \\U with the code point)");
    } else {
      out_.push_back('\\');
      out_.push_back(c);
    }
  }

  void read_octal(char32_t code) {
    for (int i = 0; i < 2 && at_ < ascii_.size() && ascii_[at_] >= '0' && ascii_[at_] <= '7'; ++i) {
      code = code * 8 + static_cast<char32_t>(ascii_[at_++] - '0');
    }
    append_utf8(out_, code);
  }

  void read_hex(char kind, int num_digits) {
    std::uint64_t code = 0;
    for (int i = 0; i < num_digits; ++i) {
      const int digit = at_ < ascii_.size() ? hex_digit(ascii_[at_]) : -1;
      if (digit < 0) {
        throw Failure(std::string("the escape \\") + kind + " is cut (need " + std::to_string(num_digits) +
                      " hexadecimal digits)");
      }
      code = code * 16 + static_cast<std::uint64_t>(digit);
      ++at_;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      throw Failure(std::string("the escape \\") + kind + " names no character");
    }
    append_utf8(out_, static_cast<char32_t>(code));
  }

  std::string ascii_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string resolve_escapes(std::string_view body) {
  return Resolver(to_ascii(body)).run();
}

}  // namespace reckon::jinja
