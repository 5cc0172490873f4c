#include "print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "letters.h"

namespace reckon::jinja {

std::string text_of(Integer value) {
  if (value == 0) return "0";
  std::string digits;
  const bool negative = value < 0;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string text_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string scientific(buffer.data(), written.ptr);
  const std::size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent < -4 || exponent >= 16)
    return scientific;  // "1e-05", "1.5e+16": both write two digits at least
  const auto fixed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  std::string text(buffer.data(), fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char32_t quote = has_single && !has_double ? '"' : '\'';
  std::string out;
  append_utf8(out, quote);
  for (const char32_t c : code_points(text)) {
    if (c == quote || c == '\\') {
      out.push_back('\\');
      append_utf8(out, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c) || c == ' ') {
      append_utf8(out, c);
    } else {
      std::array<char, 16> escape{};
      const char* format = c < 0x100 ? "\\x%02x" : (c < 0x10000 ? "\\u%04x" : "\\U%08x");
      std::snprintf(escape.data(), escape.size(), format, static_cast<unsigned>(c));
      out += escape.data();
    }
  }
  append_utf8(out, quote);
  return out;
}

namespace {

/// Writes repr() of values into one text, whose size the budget bounds on the way.
class Printer : private BoundedText {
 public:
  explicit Printer(Budget& budget) : BoundedText(budget) {}

  void write(const Value& value) {
    const Budget::Level level(budget());
    if (const auto* list = value.as<const List>()) return write_items(list->values, "[", "]");
    if (const auto* tuple = value.as<const Tuple>()) {
      return write_items(tuple->values, "(", tuple->values.size() == 1 ? ",)" : ")");
    }
    if (const auto* dict = value.as<const Dict>()) return write_dict(*dict);
    if (const auto* view = value.as<const DictView>()) return write_view(*view);
    if (const auto* space = value.as<Namespace>()) return write_namespace(*space);
    write_plain(value);
  }
  using BoundedText::take;

 private:
  void write_plain(const Value& value) {
    if (value.is<Undefined>()) return add("Undefined");
    if (value.is<None>()) return add("None");
    if (const auto* flag = value.get<bool>()) return add(*flag ? "True" : "False");
    if (const auto* number = value.get<Integer>()) return add(text_of(*number));
    if (const auto* number = value.get<double>()) return add(text_of(*number));
    if (const auto* text = value.as<const String>()) {
      return add(text->markup ? "Markup(" + quoted(text->utf8) + ")" : quoted(text->utf8));
    }
    if (auto* loop = value.as<Loop>()) {
      return add("<LoopContext " + text_of(loop->index0() + 1) + "/" +
                 text_of(static_cast<Integer>(loop->length())) + ">");
    }
    if (const auto* range = value.as<const Range>()) {
      add("range(" + text_of(range->start) + ", " + text_of(range->stop));
      return add(range->step == 1 ? ")" : ", " + text_of(range->step) + ")");
    }
    throw Failure("a value of type '" + type_name(value) + "' cannot be printed");
  }

  void write_items(const Values& values, const char* open, const char* close) {
    add(open);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) add(", ");
      write(values[i]);
    }
    add(close);
  }

  void write_dict(const Dict& dict) {
    add("{");
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      if (i > 0) add(", ");
      write(dict.entries[i].first);
      add(": ");
      write(dict.entries[i].second);
    }
    add("}");
  }

  void write_view(const DictView& view) {
    add(view.part == DictPart::keys ? "dict_keys(["
                                    : (view.part == DictPart::values ? "dict_values([" : "dict_items(["));
    for (std::size_t i = 0; i < view.dict->entries.size(); ++i) {
      const auto& [key, value] = view.dict->entries[i];
      if (i > 0) add(", ");
      if (view.part == DictPart::items) add("(");
      if (view.part != DictPart::values) write(key);
      if (view.part == DictPart::items) add(", ");
      if (view.part != DictPart::keys) write(value);
      if (view.part == DictPart::items) add(")");
    }
    add("])");
  }

  void write_namespace(const Namespace& space) {
    add("<Namespace {");
    for (std::size_t i = 0; i < space.attributes.size(); ++i) {
      if (i > 0) add(", ");
      add(quoted(space.attributes[i].first) + ": ");
      write(space.attributes[i].second);
    }
    add("}>");
  }
};

}  // namespace

std::string to_repr(Budget& budget, const Value& value) {
  Printer printer(budget);
  printer.write(value);
  return printer.take();
}

std::string to_text(Budget& budget, const Value& value) {
  if (value.is<Undefined>()) return "";
  if (const auto* text = value.text()) return *text;
  return to_repr(budget, value);
}

}  // namespace reckon::jinja
