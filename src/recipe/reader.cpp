#include "reckon/recipe/reader.h"

#include <algorithm>
#include <cmath>

namespace reckon {
namespace {

std::string kind_text(TomlNode::Kind kind) {
  switch (kind) {
    case TomlNode::Kind::boolean:
      return "a boolean";
    case TomlNode::Kind::integer:
      return "an integer";
    case TomlNode::Kind::number:
      return "a float";
    case TomlNode::Kind::string:
      return "a string";
    case TomlNode::Kind::date:
      return "a date or time";
    case TomlNode::Kind::array:
      return "an array";
    case TomlNode::Kind::table:
      return "a table";
  }
  return "?";
}

bool in_bounds(double value, const Bounds& bounds) {
  const bool above = bounds.low_open ? value > bounds.low : value >= bounds.low;
  const bool below = bounds.high_open ? value < bounds.high : value <= bounds.high;
  return std::isfinite(value) && above && below;
}

bool out_of_bounds(const TomlNode& node, const std::string& path, const std::string& need,
                   RecipeProblems& problems) {
  problems.add(node.place, in_quotes(path) + " is " + shown(node) + " (need " + need + ")");
  return false;
}

}  // namespace

bool check_kind(const TomlNode& node, TomlNode::Kind kind, const std::string& path, std::string_view need,
                RecipeProblems& problems) {
  if (node.kind == kind) return true;
  problems.add(node.place, in_quotes(path) + " is " + shown(node) + ", " + kind_text(node.kind) + " (need " +
                               std::string(need) + ")");
  return false;
}

std::string element_path(const std::string& path, const TomlNode& element, std::size_t index) {
  const std::string_view name = element.text_of("name");
  return name.empty() ? path + "[" + std::to_string(index) + "]" : path + "." + std::string(name);
}

bool read_value(const TomlNode& node, const std::string& path, const Bounds&, bool& value,
                RecipeProblems& problems) {
  if (!check_kind(node, TomlNode::Kind::boolean, path, "true or false", problems)) return false;
  value = node.boolean;
  return true;
}

bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, std::int64_t& value,
                RecipeProblems& problems) {
  const std::string need = need_text("an integer", bounds);
  if (!check_kind(node, TomlNode::Kind::integer, path, need, problems)) return false;
  if (!in_bounds(static_cast<double>(node.integer), bounds)) return out_of_bounds(node, path, need, problems);
  value = node.integer;
  return true;
}

bool read_value(const TomlNode& node, const std::string& path, const Bounds& bounds, double& value,
                RecipeProblems& problems) {
  const std::string need = need_text("a number", bounds);
  const bool is_integer = node.kind == TomlNode::Kind::integer;
  if (!is_integer && !check_kind(node, TomlNode::Kind::number, path, need, problems)) return false;
  const double number = is_integer ? static_cast<double>(node.integer) : node.number;
  if (!std::isfinite(number))
    return out_of_bounds(node, path, need_text("a finite number", bounds), problems);
  if (!in_bounds(number, bounds)) return out_of_bounds(node, path, need, problems);
  value = number;
  return true;
}

bool read_value(const TomlNode& node, const std::string& path, const Bounds&, std::string& value,
                RecipeProblems& problems) {
  if (!check_kind(node, TomlNode::Kind::string, path, "a string", problems)) return false;
  value = node.text;
  return true;
}

int read_choice(const TomlNode& node, const std::string& path, const std::vector<std::string>& names,
                RecipeProblems& problems) {
  const std::string need = "one of " + joined(names);
  if (!check_kind(node, TomlNode::Kind::string, path, need, problems)) return -1;
  const auto it = std::find(names.begin(), names.end(), node.text);
  if (it != names.end()) return static_cast<int>(it - names.begin());
  const std::string hint = did_you_mean(node.text, names);
  problems.add(node.place, in_quotes(path) + " is " + shown(node) + " (need " + need + ")" +
                               (hint.empty() ? "" : "." + hint));
  return -1;
}

std::string TableReader::key_path(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

bool TableReader::knows(std::string_view key) const {
  return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
}

void TableReader::report_missing(std::string_view key, const std::string& need, std::string_view comment) {
  good_ = false;
  problems_.add(table_.place, "missing key " + in_quotes(key_path(key)) + " (need " + need + ": " +
                                  std::string(comment) + ")");
}

void TableReader::report_unknown(const TomlNode& item, const std::string& reason) {
  good_ = false;
  if (!reason.empty()) {
    problems_.add(item.key_place, reason);
    return;
  }
  const std::string what = "unknown key " + in_quotes(key_path(item.key));
  const std::string hint = did_you_mean(item.key, keys_);
  problems_.add(item.key_place,
                hint.empty() ? what + " (known here: " + joined(keys_) + ")" : what + "." + hint);
}

}  // namespace reckon
