#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/recipe/document.h"
#include "reckon/recipe/problems.h"
#include "reckon/recipe/value_text.h"
#include "reckon/recipe/writer.h"

namespace reckon {

/// A table of the recipe, as it was written, and its path for messages. The table may be missing.
class Table {
 public:
  Table(const TomlNode* node, std::string path, RecipeProblems& problems)
      : node_(node), path_(std::move(path)), problems_(problems) {}

  /// Whether the value under `key` is one the user meant: there and well read, or a default.
  [[nodiscard]] bool is_good(std::string_view key) const {
    const TomlNode* value = find(key);
    return value == nullptr || !problems_.at(value->place);
  }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  /// 0 for a default, 1 for the file, 2 for the command line.
  [[nodiscard]] int authority(std::string_view key) const {
    const TomlNode* value = find(key);
    if (value == nullptr) return 0;
    return value->place.override_path.empty() ? 1 : 2;
  }
  [[nodiscard]] std::string path(std::string_view key) const {
    return in_quotes(path_ + "." + std::string(key));
  }
  [[nodiscard]] TomlPlace place(std::string_view key) const {
    if (const TomlNode* value = find(key)) return value->place;
    return place();
  }
  [[nodiscard]] TomlPlace place() const {
    return node_ == nullptr ? TomlPlace{.line = 1, .column = 1, .override_path = {}} : node_->place;
  }
  [[nodiscard]] Table element(std::string_view key, std::size_t index) const {
    return {element_of(find(key), index), path_ + "." + std::string(key) + "[" + std::to_string(index) + "]",
            problems_};
  }
  [[nodiscard]] Table inner(std::string_view key) const {
    return {find(key), path_ + "." + std::string(key), problems_};
  }
  /// A value that is wrong already is not reported twice.
  void report(std::string_view key, const std::string& text) const {
    if (is_good(key)) problems_.add(place(key), text);
  }
  /// `"path" is VALUE, WHAT`.
  template <class T>
  void report_value(std::string_view key, const T& value, const std::string& what) const {
    report(key, path(key) + " is " + toml_text(value) + what);
  }

 private:
  [[nodiscard]] const TomlNode* find(std::string_view key) const {
    return node_ == nullptr ? nullptr : node_->find(key);
  }

  const TomlNode* node_;
  std::string path_;
  RecipeProblems& problems_;
};

}  // namespace reckon
