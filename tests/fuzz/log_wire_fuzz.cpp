// Any bytes as an answer of the process that reads logs: a byte that counts reward terms, and a line.
#include <cstring>
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "record/log_wire.h"

namespace reckon::fuzz {
namespace {

/// The message that says what was read; where it differs from the one that came, something was lost.
std::string read_and_written(const std::string& message, const std::vector<std::string>& terms) {
  switch (message_kind(message)) {
    case MessageKind::header:
      return header_message(parse_header_message(message));
    case MessageKind::numbers:
      return numbers_message(parse_numbers_message(message));
    case MessageKind::step: {
      std::uint64_t index = 0;
      if (message.size() > sizeof index) std::memcpy(&index, message.data() + 1, sizeof index);
      return step_message(index, parse_step_message(message, index, terms));
    }
    case MessageKind::error: {
      const std::string text = parse_error_message(message).what();
      for (const char c : text) {
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "an error has no control characters");
      }
      return message;
    }
  }
  return {};
}

void check_line(std::string_view line, std::size_t num_terms) {
  try {
    const std::string message = from_line(std::string(line));
    require(from_line(as_line(message)) == message, "a message goes through a line");
    require(read_and_written(message, std::vector<std::string>(num_terms, "t")) == message,
            "a message that is read has all that it says");
  } catch (const WireError&) {
    return;
  }
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  reckon::fuzz::check_line(reckon::fuzz::text_of(data + 1, size - 1), data[0] % 4);
  return 0;
}
