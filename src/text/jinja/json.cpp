#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "letters.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

/// json.dumps() of values, into one text whose size the budget bounds on the way.
class JsonWriter : private BoundedText {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : BoundedText(budget), style_(style) {}

  void write(const Value& value) {
    const Budget::Level level(budget());
    if (value.is<None>()) return add("null");
    if (const auto* flag = value.get<bool>()) return add(*flag ? "true" : "false");
    if (const auto* number = value.get<Integer>()) return add(text_of(*number));
    if (const auto* number = value.get<double>()) return add(number_text(*number));
    if (const auto* text = value.text()) return write_text(*text);
    if (const auto* items = value.items()) return write_items(*items);
    if (const auto* dict = value.as<const Dict>()) return write_dict(*dict);
    throw Failure("a value of type '" + type_name(value) + "' has no JSON form");
  }
  using BoundedText::take;

 private:
  static std::string number_text(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return text_of(number);
  }

  void write_text(std::string_view text) {
    std::string json = "\"";
    for (const char32_t c : code_points(text)) append_character(json, c);
    add(json + "\"");
  }

  void append_character(std::string& json, char32_t c) const {
    static constexpr std::string_view kNames = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kEscapes = "\"\\nrtfb";
    const std::size_t known = c < 0x80 ? kNames.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
      json.push_back('\\');
      json.push_back(kEscapes[known]);
    } else if (c < 0x20 || (style_.ascii && c > 0x7E && c < 0x10000)) {
      append_unit(json, c);
    } else if (style_.ascii && c >= 0x10000) {
      append_unit(json, 0xD800 + ((c - 0x10000) >> 10));
      append_unit(json, 0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      append_utf8(json, c);
    }
  }
  static void append_unit(std::string& json, char32_t unit) {
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(unit & 0xFFFF));
    json += escape.data();
  }

  void new_line() {
    if (!style_.indented) return;
    std::string line = "\n";
    for (std::size_t i = 0; i < depth_; ++i) line += style_.indent;
    add(line);
  }

  void write_items(const Values& values) {
    if (values.empty()) return add("[]");
    add("[");
    ++depth_;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) add(style_.item_separator);
      new_line();
      write(values[i]);
    }
    --depth_;
    new_line();
    add("]");
  }

  void write_dict(const Dict& dict) {
    if (dict.entries.empty()) return add("{}");
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto* a, const auto* b) { return less(budget(), a->first, b->first); });
    }
    add("{");
    ++depth_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) add(style_.item_separator);
      new_line();
      write_text(key_text(entries[i]->first));
      add(style_.key_separator);
      write(entries[i]->second);
    }
    --depth_;
    new_line();
    add("}");
  }

  static std::string key_text(const Value& key) {
    if (const auto* text = key.text()) return *text;
    if (key.is<None>()) return "null";
    if (const auto* flag = key.get<bool>()) return *flag ? "true" : "false";
    if (const auto* number = key.get<Integer>()) return text_of(*number);
    if (const auto* number = key.get<double>()) return number_text(*number);
    throw Failure("a value of type '" + type_name(key) + "' is no key of a JSON object");
  }

  const JsonStyle& style_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  JsonWriter writer(budget, style);
  writer.write(value);
  return writer.take();
}

}  // namespace reckon::jinja
