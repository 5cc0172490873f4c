#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reckon {

/// A JSON value of a file in a message: text in quotes, control characters and foreign bytes escaped, not
/// endless.
inline std::string shown(const nlohmann::json& value) {
  constexpr std::size_t kLongest = 120;
  const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

}  // namespace reckon
