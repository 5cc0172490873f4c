#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace reckon {

/// Exit codes of the program (sysexits.h where it has one; docs/design: "Exit codes").
enum class ExitCode : int {
  done = 0,
  usage = 2,           ///< wrong command line or recipe
  bad_data = 65,       ///< an input file is malformed
  missing_input = 66,  ///< an input file is not there or cannot be read
  internal = 70,       ///< a defect of ours, or a rank that failed
  io = 74,             ///< a write failed: disk full, read-only folder
  stopped = 75,        ///< stopped on a signal
  environment = 78,    ///< the machine or the launch is not as needed
};

/// An error for the user: the message reads `<where>: <what is wrong, with the values> (<what is needed>).
/// <hint>`.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// An Error with the text of `errno` behind the message.
[[nodiscard]] Error system_error(ExitCode code, const std::string& message, int error_number);

/// `text` in quotes, as a message shows what a file or a user wrote: control characters, quotes and
/// backslashes are escaped. It is a TOML string on one line.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace reckon
