#include "reckon/recipe/writer.h"

namespace reckon {

std::string origin_text(const TomlNode* node, const std::string& file) {
  if (node == nullptr) return "default";
  if (!node->place.override_path.empty()) return "--set";
  const std::string name = in_quotes(file);  // a line break in a file's name must not end the comment
  return name.substr(1, name.size() - 2) + ":" + std::to_string(node->place.line);
}

std::string line_with_origin(const std::string& setting, const std::string& origin) {
  constexpr std::size_t kColumn = 40;
  const std::string gap(setting.size() + 2 > kColumn ? 2 : kColumn - setting.size(), ' ');
  return setting + gap + "# " + origin + "\n";
}

const TomlNode* element_of(const TomlNode* array, std::size_t index) {
  if (array == nullptr || array->kind != TomlNode::Kind::array || index >= array->items.size())
    return nullptr;
  return &array->items[index];
}

std::string ReferenceWriter::text() const {
  return "| key | value | default | meaning |\n|---|---|---|---|\n" + rows_;
}

void ReferenceWriter::add_row(const std::string& key, const std::string& type, const std::string& fallback,
                              std::string_view comment) {
  std::string meaning;
  for (const char c : comment) {
    if (c == '|' || c == '<') meaning += '\\';  // neither the end of a cell nor an HTML tag
    meaning += c;
  }
  rows_ += "| `" + key + "` | " + type + " | " + fallback + " | " + meaning + " |\n";
}

}  // namespace reckon
