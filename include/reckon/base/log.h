#pragma once

#include <string>
#include <string_view>

namespace reckon {

enum class LogLevel { info, warning, error };

/// Sets what stands before each line of this process; empty (the default) for a single process.
/// \param label  for example "rank 3/8 gpu02".
void set_log_label(std::string label);

/// Tells whether this process keeps a live line on the terminal; a log line then clears it first.
void set_live_line(bool live);

/// Writes one line to standard error: `[label] text`, with `warning:` or `error:` where it is one.
/// Safe to call from any thread.
void log(LogLevel level, std::string_view text);

inline void log_info(std::string_view text) {
  log(LogLevel::info, text);
}
inline void log_warning(std::string_view text) {
  log(LogLevel::warning, text);
}
inline void log_error(std::string_view text) {
  log(LogLevel::error, text);
}

}  // namespace reckon
