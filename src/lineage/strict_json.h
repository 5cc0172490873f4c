#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

namespace reckon {

using OrderedJson = nlohmann::ordered_json;

/// Deepest nesting of arrays and objects that parse_strict accepts.
inline constexpr int kMaxLineageJsonDepth = 256;
/// Most members of an object that it accepts: the library looks through all of them for each new one.
inline constexpr std::size_t kMaxLineageJsonMembers = 4096;

/// Parses one JSON value, its members in the order of the text. A key twice in an object, deep nesting
/// and very large objects are errors too. \throws Error(bad_data)
[[nodiscard]] OrderedJson parse_strict(std::string_view text, const std::string& where);

/// The value as text. \param indent  -1: on one line \throws Error(internal) for a text that is no UTF-8,
/// which JSON cannot hold.
[[nodiscard]] std::string dump_strict(const OrderedJson& value, int indent, const std::string& where);

/// Whether a text is 64 lower-case hexadecimal digits.
[[nodiscard]] bool is_sha256(std::string_view text);

/// The members of an object, taken by name with the type that each must have: the library itself would turn
/// -1 or 1.5 into an unsigned integer without a word. All throw Error(bad_data).
class JsonObject {
 public:
  /// \param value  outlives the object \param where  stands before messages: file, and place in it
  JsonObject(const OrderedJson& value, std::string where);

  [[nodiscard]] bool has(const std::string& name) const { return value_.contains(name); }
  const std::string& text(const std::string& name);
  std::string sha256(const std::string& name);
  std::uint64_t count(const std::string& name);
  double number(const std::string& name);
  const OrderedJson& array(const std::string& name);
  const OrderedJson& object(const std::string& name);
  /// Call it last: refuses members that nobody asked for.
  void refuse_others() const;

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  const OrderedJson& member(const std::string& name);
  [[noreturn]] void refuse(const std::string& name, const OrderedJson& found, const char* need) const;

  const OrderedJson& value_;
  std::string where_;
  std::set<std::string> taken_;
};

}  // namespace reckon
