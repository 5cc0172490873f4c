#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/record/rollout_log.h"
#include "wire_bytes.h"

/// What the reading process of a log answers, as bytes: one message a line. A message is a byte that says
/// what it is and then values as they lie in memory (both sides are this machine); a text or a list is its
/// length as u64 and its elements. The reader of messages believes nothing: the other side has read a hostile
/// file.
namespace reckon {

enum class MessageKind : char { header = 'h', numbers = 'n', step = 's', error = 'e' };

/// What is known of a log once it is open.
struct LogHeader {
  RolloutLogInfo info;
  std::uint64_t segment = 0;
  std::vector<std::string> reward_term_names;
  std::uint64_t num_steps = 0;
};

[[nodiscard]] std::string header_message(const LogHeader& header);
[[nodiscard]] std::string numbers_message(const std::vector<std::uint64_t>& numbers);
[[nodiscard]] std::string step_message(std::uint64_t index, const RolloutStep& step);
[[nodiscard]] std::string error_message(ExitCode code, std::string_view text);

/// \throws WireError
[[nodiscard]] MessageKind message_kind(std::string_view message);
[[nodiscard]] LogHeader parse_header_message(std::string_view message);
[[nodiscard]] std::vector<std::uint64_t> parse_numbers_message(std::string_view message);
/// \param index  that was asked for. \param reward_term_names  of the header
[[nodiscard]] RolloutStep parse_step_message(std::string_view message, std::uint64_t index,
                                             const std::vector<std::string>& reward_term_names);
/// The code is bad_data or missing_input; the text is on one line (in_one_line()).
[[nodiscard]] Error parse_error_message(std::string_view message);

/// Any bytes as one line, and back. \throws WireError where `line` is none that as_line() makes
[[nodiscard]] std::string as_line(std::string_view bytes);
[[nodiscard]] std::string from_line(std::string line);

}  // namespace reckon
