#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace reckon {

/// Deepest nesting of arrays and objects that parse_json accepts.
inline constexpr int kMaxJsonDepth = 64;
/// Longest line that read_json_lines accepts, in bytes.
inline constexpr std::size_t kMaxJsonLineBytes = std::size_t{4} << 20;

/// Parses one JSON value. Stricter than the library: a key twice in an object and deep nesting are errors
/// too. \param where  stands before the message: a file, or file:line. \throws Error(bad_data)
[[nodiscard]] nlohmann::json parse_json(std::string_view text, std::string_view where);

/// Calls `take(value, where)` for each line of a JSON-lines stream, in order; `where` is "<name>:<line>",
/// from 1. \throws Error(bad_data) at the first line that is empty, too long, not JSON or not an object;
///         Error(missing_input) where the stream cannot be read.
using JsonLineTaker = std::function<void(const nlohmann::json& value, const std::string& where)>;
void read_json_lines(std::istream& in, std::string_view name, const JsonLineTaker& take);

/// The string under `key` of an object. \throws Error(bad_data) where it is missing or no string.
[[nodiscard]] const std::string& json_string(const nlohmann::json& object, const char* key,
                                             std::string_view where);

}  // namespace reckon
