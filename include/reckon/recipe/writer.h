#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/recipe/document.h"
#include "reckon/recipe/value_text.h"

namespace reckon {

/// `default`, `file:line` or `--set`: where a setting has its value from. `node` is null for a default.
[[nodiscard]] std::string origin_text(const TomlNode* node, const std::string& file);

/// `setting  # origin`, the comments of a file in one column.
[[nodiscard]] std::string line_with_origin(const std::string& setting, const std::string& origin);

/// The element of an array of a document, or null.
[[nodiscard]] const TomlNode* element_of(const TomlNode* array, std::size_t index);

/// Visitor: a struct on one line, `{ until = 1.0, tasks = [] }`, and which keys of it are defaults.
class InlineTableWriter {
 public:
  explicit InlineTableWriter(const TomlNode* table) : table_(table) {}

  template <class T>
  void operator()(std::string_view key, T& member, const Bounds&, std::string_view) {
    text_ += (text_.empty() ? "" : ", ") + std::string(key) + " = " + toml_text(member);
    if (table_ != nullptr && table_->find(key) == nullptr) defaults_.emplace_back(key);
  }
  [[nodiscard]] std::string text() const { return "{ " + text_ + " }"; }
  /// "; default: tasks", or "".
  [[nodiscard]] std::string note() const {
    return defaults_.empty() ? "" : "; default: " + joined(defaults_);
  }

 private:
  const TomlNode* table_;
  std::string text_;
  std::vector<std::string> defaults_;
};

/// Visitor: the settings of a table, one a line, each with its origin. A table within is written as dotted
/// keys, an array of tables as an array with one element a line.
class TableWriter {
 public:
  static constexpr bool kUsedOnly = true;

  /// \param table  what the recipe says, or null where it does not have the table.
  TableWriter(std::string& out, const TomlNode* table, const std::string& file, std::string prefix = "")
      : out_(out), table_(table), file_(file), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(std::string_view key, T& member, const Bounds&, std::string_view) {
    const TomlNode* node = table_ == nullptr ? nullptr : table_->find(key);
    const std::string name = prefix_ + std::string(key);
    if constexpr (Settings<T>) {
      TableWriter inner(out_, node, file_, name + ".");
      describe(inner, member);
    } else {
      write(name, member, node);
    }
  }

 private:
  template <class T>
  void write(const std::string& name, T& member, const TomlNode* node) {
    out_ += line_with_origin(name + " = " + toml_text(member), origin_text(node, file_));
  }

  template <Settings T>
  void write(const std::string& name, std::vector<T>& members, const TomlNode* node) {
    out_ += line_with_origin(name + " = [", origin_text(node, file_));
    for (std::size_t i = 0; i < members.size(); ++i) {
      const TomlNode* element = element_of(node, i);
      InlineTableWriter inner(element);
      describe(inner, members[i]);
      out_ += line_with_origin("  " + inner.text() + ",", origin_text(element, file_) + inner.note());
    }
    out_ += "]\n";
  }

  std::string& out_;
  const TomlNode* table_;
  const std::string& file_;
  std::string prefix_;
};

/// Visitor of a whole recipe: each member is a table or an array of tables.
class DocumentWriter {
 public:
  explicit DocumentWriter(const TomlDocument& document) : document_(document) {}

  template <Settings T>
  void operator()(std::string_view key, T& member, const Bounds&, std::string_view) {
    write("\n[" + std::string(key) + "]\n", member, document_.root.find(key));
  }
  template <Settings T>
  void operator()(std::string_view key, std::vector<T>& members, const Bounds&, std::string_view) {
    const TomlNode* array = document_.root.find(key);
    for (std::size_t i = 0; i < members.size(); ++i) {
      write("\n[[" + std::string(key) + "]]\n", members[i], element_of(array, i));
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  template <class T>
  void write(const std::string& header, T& member, const TomlNode* table) {
    text_ += header;
    TableWriter writer(text_, table, document_.file);
    describe(writer, member);
  }

  const TomlDocument& document_;
  std::string text_;
};

/// A recipe with every setting, each with its origin behind it. It loads again, to the same values.
template <Settings T>
[[nodiscard]] std::string resolved_toml(T config, const TomlDocument& document) {
  DocumentWriter writer(document);
  describe(writer, config);
  return writer.text();
}

/// Visitor: the rows of the reference, one a setting. Keys of a table within are written `reward.accuracy`,
/// those of an array of tables `mix_schedule[].until`.
class ReferenceWriter {
 public:
  explicit ReferenceWriter(std::string prefix = "") : prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(std::string_view key, T& member, const Bounds& bounds, std::string_view comment) {
    const std::string name = prefix_ + std::string(key);
    if constexpr (Settings<T>) {
      add_rows(name + ".", member);
    } else {
      add_row(name, type_text(member, bounds), bounds.required ? "required" : default_text(member), comment);
      if constexpr (requires { typename T::value_type; }) {
        if constexpr (Settings<typename T::value_type>) {
          typename T::value_type element{};
          add_rows(name + "[].", element);
        }
      }
    }
  }
  /// A markdown table.
  [[nodiscard]] std::string text() const;

 private:
  template <class T>
  void add_rows(const std::string& prefix, T& config) {
    ReferenceWriter inner(prefix);
    describe(inner, config);
    rows_ += inner.rows_;
  }
  template <class T>
  static std::string default_text(const T& member) {
    return "`" + toml_text(member) + "`";
  }
  template <Settings T>
  static std::string default_text(const std::vector<T>& members) {
    return members.empty() ? "none" : std::to_string(members.size()) + ", of the defaults below";
  }
  void add_row(const std::string& key, const std::string& type, const std::string& fallback,
               std::string_view comment);

  std::string prefix_;
  std::string rows_;
};

/// The markdown table of a struct's settings.
template <Settings T>
[[nodiscard]] std::string reference_table(T config) {
  ReferenceWriter writer;
  describe(writer, config);
  return writer.text();
}

}  // namespace reckon
