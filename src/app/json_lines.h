#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace reckon {

/// Reads JSON lines from a file, or from standard input where it is "" or "-", and writes a line for each, in
/// their order, to standard output. \throws Error(bad_data) "<file>:<line>: ..." at the first line that is
/// wrong; what came before it is written; Error(io) where output cannot be written.
using JsonLineCommand =
    std::function<nlohmann::ordered_json(const nlohmann::json& line, const std::string& where)>;
void answer_json_lines(const std::string& file, const JsonLineCommand& answer);

/// The token ids under "ids". \throws Error(bad_data) where they are not whole numbers below 2^32.
[[nodiscard]] std::vector<std::uint32_t> json_ids(const nlohmann::json& line, const std::string& where);

/// Writes to standard output. \throws Error(io)
void write_line(const std::string& line);
void flush_output();

}  // namespace reckon
