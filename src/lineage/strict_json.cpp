#include "strict_json.h"

#include <utility>
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

}  // namespace

OrderedJson parse_strict(std::string_view text, const std::string& where) {
  using Event = OrderedJson::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, Event event, OrderedJson& value) {
    if (depth > kMaxLineageJsonDepth) {
      throw Error(ExitCode::bad_data,
                  where + ": JSON nested deeper than " + std::to_string(kMaxLineageJsonDepth) + " levels");
    }
    if (event == Event::object_start) {
      keys.emplace_back();
    } else if (event == Event::object_end) {
      keys.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        throw Error(ExitCode::bad_data,
                    where + ": key " + in_quotes(key) + " stands twice in one object (need it once)");
      }
      if (keys.back().size() > kMaxLineageJsonMembers) {
        throw Error(ExitCode::bad_data, where + ": a JSON object has more than " +
                                            std::to_string(kMaxLineageJsonMembers) + " members");
      }
    }
    return true;
  };
  try {
    return OrderedJson::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::bad_data, where + ": not JSON: " + plain_message(error));
  }
}

std::string dump_strict(const OrderedJson& value, int indent, const std::string& where) {
  try {
    return value.dump(indent, ' ', false, OrderedJson::error_handler_t::strict);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::internal, where + ": cannot be written as JSON: " + plain_message(error));
  }
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

JsonObject::JsonObject(const OrderedJson& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value.is_object()) {
    throw Error(ExitCode::bad_data, where_ + ": is a JSON " + value.type_name() + " (need an object)");
  }
}

const OrderedJson& JsonObject::member(const std::string& name) {
  const auto found = value_.find(name);
  if (found == value_.end()) {
    throw Error(ExitCode::bad_data, where_ + ": no \"" + name + "\" (need a member of that name)");
  }
  taken_.insert(name);
  return *found;
}

void JsonObject::refuse(const std::string& name, const OrderedJson& found, const char* need) const {
  constexpr std::size_t kShown = 80;
  std::string shown = found.is_structured() ? std::string("a JSON ") + found.type_name() : found.dump();
  if (shown.size() > kShown)
    shown = "a JSON " + std::string(found.type_name()) + " of " + std::to_string(shown.size()) + " bytes";
  throw Error(ExitCode::bad_data, where_ + ": \"" + name + "\" is " + shown + " (need " + need + ")");
}

const std::string& JsonObject::text(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_string()) refuse(name, found, "a string");
  return found.get_ref<const std::string&>();
}

std::string JsonObject::sha256(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_string() || !is_sha256(found.get_ref<const std::string&>())) {
    refuse(name, found, "a SHA-256: 64 lower-case hexadecimal digits");
  }
  return found.get<std::string>();
}

std::uint64_t JsonObject::count(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_number_unsigned()) refuse(name, found, "an integer from 0 to 2^64 - 1");
  return found.get<std::uint64_t>();
}

double JsonObject::number(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_number()) refuse(name, found, "a number");
  return found.get<double>();
}

const OrderedJson& JsonObject::array(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_array()) refuse(name, found, "an array");
  return found;
}

const OrderedJson& JsonObject::object(const std::string& name) {
  const OrderedJson& found = member(name);
  if (!found.is_object()) refuse(name, found, "an object");
  return found;
}

void JsonObject::refuse_others() const {
  for (const auto& [name, value] : value_.items()) {
    if (!taken_.contains(name)) {
      throw Error(ExitCode::bad_data,
                  where_ + ": unknown member " + in_quotes(name) + " (need none of that name)");
    }
  }
}

}  // namespace reckon
