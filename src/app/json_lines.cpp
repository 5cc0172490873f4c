#include "json_lines.h"

#include <fstream>
#include <iostream>

#include "reckon/base/error.h"
#include "reckon/text/json.h"

namespace reckon {

using nlohmann::json;

void write_line(const std::string& line) {
  std::cout << line << '\n';
  if (!std::cout) throw Error(ExitCode::io, "standard output: cannot be written");
}

void flush_output() {
  std::cout.flush();
  if (!std::cout) throw Error(ExitCode::io, "standard output: cannot be written");
}

void answer_json_lines(const std::string& file, const JsonLineCommand& answer) {
  const bool from_input = file.empty() || file == "-";
  const auto take = [&](const json& line, const std::string& where) {
    write_line(answer(line, where).dump(-1, ' ', false, json::error_handler_t::replace));
    if (from_input) flush_output();  // a program at the other end may wait for the answer
  };
  if (from_input) {
    read_json_lines(std::cin, "standard input", take);
  } else {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw Error(ExitCode::missing_input, file + ": cannot be read (need a file of JSON lines)");
    read_json_lines(in, file, take);
  }
  flush_output();
}

std::vector<std::uint32_t> json_ids(const json& line, const std::string& where) {
  const auto found = line.find("ids");
  if (found == line.end() || !found->is_array()) {
    throw Error(ExitCode::bad_data, where + ": no array \"ids\" (need token ids)");
  }
  std::vector<std::uint32_t> ids;
  for (const json& id : *found) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 0xFFFFFFFFu) {
      throw Error(ExitCode::bad_data,
                  where + ": ids holds " + id.dump(-1, ' ', true) + " (need whole numbers, 0 or more)");
    }
    ids.push_back(id.get<std::uint32_t>());
  }
  return ids;
}

}  // namespace reckon
