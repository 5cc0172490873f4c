#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/recipe/problems.h"

namespace reckon {

namespace recipe_detail {
struct NullVisitor {
  template <class T>
  void operator()(std::string_view, T&, const Bounds&, std::string_view) {}
};
}  // namespace recipe_detail

/// A struct of settings: it has a describe().
template <class T>
concept Settings = requires(recipe_detail::NullVisitor& visit, T& config) {
  describe(visit, config);
};

/// A value as TOML text that reads back as the same value: doubles are the shortest such decimal.
[[nodiscard]] std::string toml_text(bool value);
[[nodiscard]] std::string toml_text(std::int64_t value);
[[nodiscard]] std::string toml_text(double value);
[[nodiscard]] inline std::string toml_text(const std::string& value) {
  return in_quotes(value);
}
/// A value of a document, arrays and tables on one line.
[[nodiscard]] std::string toml_text(const TomlNode& node);
template <class Enum>
requires std::is_enum_v<Enum>
[[nodiscard]] std::string toml_text(Enum value) {
  return in_quotes(enum_name(value));
}
template <class T>
requires(!Settings<T>) [[nodiscard]] std::string toml_text(const std::vector<T>& values) {
  std::string text = "[";
  for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + toml_text(value);
  return text + "]";
}

/// What a value must be, in words: "an integer between 2 and 65536". `what` is "an integer" or "a number".
[[nodiscard]] std::string need_text(std::string_view what, const Bounds& bounds);

/// The names of an enum's values, in their order.
template <class Enum>
[[nodiscard]] std::vector<std::string> choices() {
  std::vector<std::string> names;
  for (const auto& entry : enum_names(Enum{})) names.emplace_back(entry.name);
  return names;
}

/// What a setting of type T must be, in words, for messages and the reference.
template <class T>
[[nodiscard]] std::string type_text(const T&, const Bounds& bounds) {
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return need_text("an integer", bounds);
  } else if constexpr (std::is_same_v<T, double>) {
    return need_text("a number", bounds);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "a string";
  } else if constexpr (std::is_enum_v<T>) {
    std::string text = "one of";
    for (const auto& name : choices<T>()) text += (text == "one of" ? " " : ", ") + in_quotes(name);
    return text;
  } else if constexpr (Settings<T>) {
    return "a table";
  } else if constexpr (Settings<typename T::value_type>) {
    return "an array of tables";
  } else {
    return "an array, each " + type_text(typename T::value_type{}, bounds);
  }
}

}  // namespace reckon
