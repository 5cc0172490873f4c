#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/recipe/document.h"
#include "reckon/recipe/problems.h"
#include "reckon/recipe/value_text.h"

namespace reckon {

/// Reads one value. Where it is wrong, a problem is added, `value` stays as it was, and the result is false.
/// \param path  of the setting, for messages: "stage.rl-1.group_size".
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, bool& value,
                RecipeProblems& problems);
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, std::int64_t& value,
                RecipeProblems& problems);
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, double& value,
                RecipeProblems& problems);
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, std::string& value,
                RecipeProblems& problems);

/// Position of the string in `names`; -1, and a problem, where it is not there.
int read_choice(const TomlNode& node, const std::string& path, const std::vector<std::string>& names,
                RecipeProblems& problems);

/// Adds a problem and returns false where the node is not of this kind.
bool check_kind(const TomlNode& node, TomlNode::Kind kind, const std::string& path, std::string_view need,
                RecipeProblems& problems);

/// Path of an element of an array of tables: by its name where it has one, "stage.rl-1", else "stage[2]".
std::string element_path(const std::string& path, const TomlNode& element, std::size_t index);

template <Settings T>
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, T& config,
                RecipeProblems& problems);

template <class Enum>
requires std::is_enum_v<Enum>
bool read_value(const TomlNode& node, const std::string& path, const Bounds&, Enum& value,
                RecipeProblems& problems) {
  const int index = read_choice(node, path, choices<Enum>(), problems);
  if (index >= 0) value = enum_names(Enum{})[static_cast<std::size_t>(index)].value;
  return index >= 0;
}

/// All elements are read, so that each wrong one is reported; the vector is set only where none is.
template <class T>
bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, std::vector<T>& values,
                RecipeProblems& problems) {
  const std::string need = Settings<T> ? "an array of tables, [[" + path + "]]" : type_text(values, bounds);
  if (!check_kind(node, TomlNode::Kind::array, path, need, problems)) return false;
  std::vector<T> read;
  bool good = true;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    T value{};
    const bool is_good =
        read_value(node.items[i], element_path(path, node.items[i], i), bounds, value, problems);
    good = good && is_good;
    read.push_back(std::move(value));
  }
  // Tables keep what could be read of them: checks across tables need them all, at their places.
  if (good || Settings<T>) values = std::move(read);
  return good;
}

/// The visitor that reads a table: hand it to describe(), then call report_unknown_keys().
class TableReader {
 public:
  TableReader(const TomlNode& table, std::string path, RecipeProblems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  template <class T>
  void operator()(std::string_view key, T& member, const Bounds& bounds, std::string_view comment) {
    keys_.emplace_back(key);
    const TomlNode* node = table_.find(key);
    if (node == nullptr) {
      if (bounds.required) report_missing(key, type_text(member, bounds), comment);
      return;
    }
    const bool is_good = read_value(*node, key_path(key), bounds, member, problems_);
    good_ = good_ && is_good;
  }

  /// Reports each key of the table that describe() did not visit.
  /// \param explain  gives for a key the reason why it is not one of this table's, or "" where it is a
  /// mistake.
  template <class Explain>
  void report_unknown_keys(const Explain& explain) {
    for (const TomlNode& item : table_.items) {
      if (!knows(item.key)) report_unknown(item, explain(item.key));
    }
  }

  [[nodiscard]] bool good() const { return good_; }

 private:
  [[nodiscard]] std::string key_path(std::string_view key) const;
  [[nodiscard]] bool knows(std::string_view key) const;
  void report_missing(std::string_view key, const std::string& need, std::string_view comment);
  void report_unknown(const TomlNode& item, const std::string& reason);

  const TomlNode& table_;
  std::string path_;
  RecipeProblems& problems_;
  std::vector<std::string> keys_;
  bool good_ = true;
};

/// Reads a table into a struct. Where there is `explain_unknown_key(config, key)` beside the struct, its
/// text, if any, is reported instead of "unknown key".
template <Settings T>
bool read_value(const TomlNode& node, const std::string& path, const Bounds&, T& config,
                RecipeProblems& problems) {
  if (!check_kind(node, TomlNode::Kind::table, path, "a table", problems)) return false;
  TableReader reader(node, path, problems);
  describe(reader, config);
  reader.report_unknown_keys([&](const std::string& key) -> std::string {
    if constexpr (requires { explain_unknown_key(std::as_const(config), key); }) {
      return explain_unknown_key(std::as_const(config), key);
    }
    (void)key;
    return {};
  });
  return reader.good();
}

/// Reads a whole document. Problems are added, never thrown.
template <Settings T>
[[nodiscard]] T read_document(const TomlDocument& document, RecipeProblems& problems) {
  T config{};
  read_value(document.root, "", {}, config, problems);
  return config;
}

}  // namespace reckon
