#include "reckon/text/json.h"

#include <set>
#include <vector>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// The library's message without its "[json.exception...] " label.
std::string plain_message(const nlohmann::json::exception& error) {
  const std::string text = error.what();
  const std::size_t label_end = text.find("] ");
  return label_end == std::string::npos ? text : text.substr(label_end + 2);
}

/// Reads up to the next newline. Returns false at the end of the stream.
bool read_line(std::istream& in, const std::string& where, std::string& line) {
  line.clear();
  std::streambuf* buffer = in.rdbuf();
  int next = buffer->sbumpc();
  if (next == std::char_traits<char>::eof()) return false;
  for (; next != std::char_traits<char>::eof() && next != '\n'; next = buffer->sbumpc()) {
    if (line.size() == kMaxJsonLineBytes) {
      throw Error(ExitCode::bad_data, where + ": the line is longer than " +
                                          std::to_string(kMaxJsonLineBytes) +
                                          " bytes (need one JSON object a line)");
    }
    line.push_back(static_cast<char>(next));
  }
  return true;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view where) {
  using nlohmann::json;
  const std::string place(where);
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxJsonDepth) {
      throw Error(ExitCode::bad_data,
                  place + ": JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        throw Error(ExitCode::bad_data,
                    place + ": key \"" + key + "\" stands twice in one object (need it once)");
      }
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    throw Error(ExitCode::bad_data, place + ": not JSON: " + plain_message(error));
  }
}

void read_json_lines(std::istream& in, std::string_view name, const JsonLineTaker& take) {
  std::string line;
  for (std::size_t number = 1;; ++number) {
    const std::string where = std::string(name) + ":" + std::to_string(number);
    if (!read_line(in, where, line)) break;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      throw Error(ExitCode::bad_data, where + ": the line is empty (need one JSON object a line)");
    }
    const nlohmann::json value = parse_json(line, where);
    if (!value.is_object()) {
      throw Error(ExitCode::bad_data,
                  where + ": the line is a JSON " + value.type_name() + " (need one JSON object a line)");
    }
    take(value, where);
  }
}

const std::string& json_string(const nlohmann::json& object, const char* key, std::string_view where) {
  const auto found = object.find(key);
  if (found == object.end()) {
    throw Error(ExitCode::bad_data, std::string(where) + ": no \"" + key + "\" (need a string of that name)");
  }
  if (!found->is_string()) {
    throw Error(ExitCode::bad_data,
                std::string(where) + ": \"" + key + "\" is a " + found->type_name() + " (need a string)");
  }
  return found->get_ref<const std::string&>();
}

}  // namespace reckon
