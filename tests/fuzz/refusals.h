#pragma once

#include <optional>
#include <string_view>
#include <type_traits>

#include "fuzz_target.h"
#include "reckon/base/error.h"

namespace reckon::fuzz {

/// What every message of an error must be, whatever file it is about: text for a terminal, not a copy of the
/// file. \param may_have_lines  where each line is a problem of its own
inline void check_message(std::string_view message, std::string_view beginning, bool may_have_lines = false) {
  constexpr std::size_t kLongest = 2000;
  require(message.starts_with(beginning), "an error begins with what it is about");
  require(message.size() > beginning.size(), "an error says what is wrong");
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto byte = static_cast<unsigned char>(message[i]);
    const auto next = i + 1 < message.size() ? static_cast<unsigned char>(message[i + 1]) : 0;
    const bool is_control = (byte < 0x20 && !(may_have_lines && byte == '\n')) || byte == 0x7F ||
                            (byte == 0xC2 && next >= 0x80 && next < 0xA0);
    require(!is_control, "an error has no control characters");
  }
  if (!may_have_lines) require(message.size() <= kLongest, "an error is short");
}

/// What a reader makes of an input, or nothing where it refuses it by an Error of this code whose message
/// begins so. Any other exception ends the fuzzer.
template <class Read>
std::optional<std::invoke_result_t<Read>> accepted(ExitCode code, std::string_view beginning,
                                                   const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    require(error.code() == code, "a refusal has the exit code of its kind");
    check_message(error.what(), beginning);
    return std::nullopt;
  }
}

}  // namespace reckon::fuzz
