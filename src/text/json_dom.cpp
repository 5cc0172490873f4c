#include "json_dom.h"

#include <algorithm>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/base/one_line.h"
#include "reckon/text/json.h"
#include "reckon/text/utf8.h"

namespace reckon {

using simdjson::dom::element_type;

void JsonFile::fail(const std::string& what) const {
  throw Error(ExitCode::bad_data, where_ + ": " + in_one_line(what));
}

void JsonFile::fail_twice(std::string_view key) const {
  fail("key " + in_quotes(key) + " stands twice in one object (need it once)");
}

JsonElement JsonFile::parse(std::string_view text) {
  JsonElement root;
  auto error = parser_.allocate(text.size(), static_cast<std::size_t>(kMaxJsonDepth));
  if (error == simdjson::SUCCESS) error = parser_.parse(text.data(), text.size()).get(root);
  if (error == simdjson::DEPTH_ERROR) {
    fail("JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  if (error != simdjson::SUCCESS) fail(std::string("not JSON: ") + simdjson::error_message(error));
  return root;
}

void JsonFile::check_keys(JsonElement value, std::string_view except) const {
  if (value.is_array()) {
    for (const JsonElement item : JsonArray(value)) {
      if (!item.is_string()) check_keys(item, except);
    }
  }
  if (!value.is_object()) return;
  std::vector<std::string_view> keys;
  for (const auto field : JsonObject(value)) {
    keys.push_back(field.key);
    if (field.key != except) check_keys(field.value, except);
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) fail_twice(*twice);
}

std::optional<JsonElement> JsonFile::member(JsonObject object, std::string_view key) const {
  JsonElement value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

bool JsonFile::bool_member(JsonObject object, std::string_view key, bool otherwise,
                           const std::string& place) const {
  const auto value = member(object, key);
  if (!value) return otherwise;
  if (!value->is_bool()) {
    fail(place + ": " + std::string(key) + " = " + json_text(*value) + " (need true or false)");
  }
  return bool(*value);
}

std::string_view JsonFile::string_member(JsonObject object, std::string_view key,
                                         const std::string& place) const {
  const auto value = member(object, key);
  if (!value) fail(place + ": no " + in_quotes(key) + " (need a string of that name)");
  return string_of(*value, place + ": " + in_quotes(key));
}

JsonArray JsonFile::array_member(JsonObject object, std::string_view key, const std::string& place) const {
  const auto value = member(object, key);
  if (!value || !value->is_array()) {
    fail(place + ": " + in_quotes(key) + " is missing or no array (need an array)");
  }
  return JsonArray(*value);
}

JsonObject JsonFile::object_of(JsonElement value, const std::string& place) const {
  if (!value.is_object()) fail(place + " holds " + json_text(value) + " (need objects)");
  return JsonObject(value);
}

std::string_view JsonFile::string_of(JsonElement value, const std::string& place) const {
  if (!value.is_string()) fail(place + " is " + json_text(value) + " (need a string)");
  return std::string_view(value);
}

std::string json_text(JsonElement value) {
  constexpr std::size_t kLongest = 120;
  std::string text = simdjson::minify(value);
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text.resize(kLongest - unfinished_utf8_bytes(text));
    text += "...";
  }
  return text;
}

std::string_view json_kind(JsonElement value) {
  switch (value.type()) {
    case element_type::ARRAY:
      return "array";
    case element_type::OBJECT:
      return "object";
    case element_type::STRING:
      return "string";
    case element_type::BOOL:
      return "boolean";
    case element_type::NULL_VALUE:
      return "null";
    default:
      return "number";
  }
}

std::string type_of(JsonElement part) {
  std::string_view type;
  if (part.at_key("type").get(type) == simdjson::SUCCESS) return in_quotes(type);
  return "of unknown type";
}

}  // namespace reckon
