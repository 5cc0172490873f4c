#include "reckon/recipe/value_text.h"

#include <charconv>
#include <cmath>

namespace reckon {
namespace {

/// A bound in words: whole numbers without exponent or point.
std::string bound_text(double bound) {
  if (bound == std::floor(bound) && std::abs(bound) < 1e15)
    return std::to_string(static_cast<std::int64_t>(bound));
  return toml_text(bound);
}

}  // namespace

std::string toml_text(bool value) {
  return value ? "true" : "false";
}

std::string toml_text(std::int64_t value) {
  return std::to_string(value);
}

std::string toml_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, end);
  // 3 would read back as an integer.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string need_text(std::string_view what, const Bounds& bounds) {
  std::string text(what);
  const bool has_low = std::isfinite(bounds.low);
  const bool has_high = std::isfinite(bounds.high);
  if (has_low && has_high && !bounds.low_open && !bounds.high_open) {
    return text + " between " + bound_text(bounds.low) + " and " + bound_text(bounds.high);
  }
  if (has_low) text += (bounds.low_open ? " above " : " of at least ") + bound_text(bounds.low);
  if (has_low && has_high) text += " and";
  if (has_high) text += (bounds.high_open ? " below " : " at most ") + bound_text(bounds.high);
  return text;
}

std::string toml_text(const TomlNode& node) {
  switch (node.kind) {
    case TomlNode::Kind::boolean:
      return toml_text(node.boolean);
    case TomlNode::Kind::integer:
      return toml_text(node.integer);
    case TomlNode::Kind::number:
      return toml_text(node.number);
    case TomlNode::Kind::string:
      return toml_text(node.text);
    case TomlNode::Kind::date:
      return node.text;
    case TomlNode::Kind::array:
    case TomlNode::Kind::table:
      break;
  }
  const bool is_array = node.kind == TomlNode::Kind::array;
  std::string text;
  for (const TomlNode& item : node.items)
    text += (text.empty() ? "" : ", ") + (is_array ? "" : item.key + " = ") + toml_text(item);
  return is_array ? "[" + text + "]" : "{ " + text + " }";
}

}  // namespace reckon
