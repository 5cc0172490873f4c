#include "reckon/base/error.h"

#include <system_error>

#include "reckon/base/one_line.h"

namespace reckon {
Error system_error(ExitCode code, const std::string& message, int error_number) {
  return Error(code, message + ": " + std::generic_category().message(error_number));
}

std::string in_quotes(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return "\"" + in_one_line(escaped, std::string::npos) + "\"";
}

}  // namespace reckon
