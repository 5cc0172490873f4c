#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reckon {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

/// Access to a JSON file that names it in its errors. For large files: parse_json (json.h) is the one for the
/// others. Refuses what that refuses, but for keys that stand twice: see check_keys().
class JsonFile {
 public:
  explicit JsonFile(std::string_view where) : where_(where) {}

  /// The text's value, which lives as long as this object. \throws Error(bad_data)
  [[nodiscard]] JsonElement parse(std::string_view text);

  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& what) const;

  /// \throws Error(bad_data) where an object in the value, not counting those that are members named
  /// `except`, has a key twice.
  void check_keys(JsonElement value, std::string_view except) const;
  [[noreturn]] void fail_twice(std::string_view key) const;

  /// Members of an object that `place` names. Absent and null are the same: nothing.
  [[nodiscard]] std::optional<JsonElement> member(JsonObject object, std::string_view key) const;
  [[nodiscard]] bool bool_member(JsonObject object, std::string_view key, bool otherwise,
                                 const std::string& place) const;
  /// \throws Error(bad_data) where there is none.
  [[nodiscard]] std::string_view string_member(JsonObject object, std::string_view key,
                                               const std::string& place) const;
  [[nodiscard]] JsonArray array_member(JsonObject object, std::string_view key,
                                       const std::string& place) const;
  [[nodiscard]] JsonObject object_of(JsonElement value, const std::string& place) const;
  [[nodiscard]] std::string_view string_of(JsonElement value, const std::string& place) const;

 private:
  std::string where_;
  simdjson::dom::parser parser_;
};

/// A value as JSON, for messages; cut where it is long.
[[nodiscard]] std::string json_text(JsonElement value);
/// "object", "array", ...
[[nodiscard]] std::string_view json_kind(JsonElement value);
/// The member "type" of a part of a tokenizer, in quotes; else "of unknown type".
[[nodiscard]] std::string type_of(JsonElement part);
}  // namespace reckon
