#pragma once

#include <string>

#include "reckon/base/error.h"

namespace reckon {

/// A text as messages show it: in quotes, escaped, only where it has characters that could disturb a line.
inline std::string shown_text(const std::string& text) {
  std::string quoted = in_quotes(text);
  return quoted.size() == text.size() + 2 ? text : quoted;
}

}  // namespace reckon
