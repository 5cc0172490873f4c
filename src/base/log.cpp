#include "reckon/base/log.h"

#include <cstdio>
#include <mutex>

namespace reckon {
namespace {

std::mutex& log_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string& log_label() {
  static std::string label;
  return label;
}

bool live_line = false;

}  // namespace

void set_live_line(bool live) {
  const std::lock_guard lock(log_mutex());
  live_line = live;
}

void set_log_label(std::string label) {
  const std::lock_guard lock(log_mutex());
  log_label() = std::move(label);
}

void log(LogLevel level, std::string_view text) {
  const std::lock_guard lock(log_mutex());
  std::string line;
  if (live_line) line += "\r\033[K";
  if (!log_label().empty()) line += "[" + log_label() + "] ";
  if (level == LogLevel::warning) line += "warning: ";
  if (level == LogLevel::error) line += "error: ";
  line += text;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // one write a line: ranks share the terminal
  std::fflush(stderr);
}

}  // namespace reckon
