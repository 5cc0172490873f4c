#include "reckon/recipe/document.h"

#include <algorithm>
#include <sstream>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/recipe/problems.h"
#include "toml_parser.h"

namespace reckon {
namespace {

/// Deeper than any recipe.
constexpr int kMaxDepth = 8;
/// More than any recipe has. The parser recurses over the parts of dotted keys: 24,000 pass in 8 MB of stack,
/// 32,000 end the program.
constexpr std::ptrdiff_t kMaxDots = 4096;

TomlPlace place_of(const toml::source_region& region) {
  return {.line = region.begin.line, .column = region.begin.column, .override_path = {}};
}

TomlNode converted(const toml::node& node, int depth, RecipeProblems& problems);

void convert_items(const toml::table& table, TomlNode& out, int depth, RecipeProblems& problems) {
  for (const auto& [key, value] : table) {
    TomlNode item = converted(value, depth + 1, problems);
    item.key = key.str();
    item.key_place = place_of(key.source());
    out.items.push_back(std::move(item));
  }
  // toml++ keeps tables in the order of their keys.
  std::stable_sort(out.items.begin(), out.items.end(), [](const TomlNode& a, const TomlNode& b) {
    return std::pair(a.key_place.line, a.key_place.column) < std::pair(b.key_place.line, b.key_place.column);
  });
}

TomlNode converted(const toml::node& node, int depth, RecipeProblems& problems) {
  TomlNode out;
  out.place = place_of(node.source());
  if (depth > kMaxDepth) {
    problems.add(out.place, "tables and arrays nested more than " + std::to_string(kMaxDepth) +
                                " deep (no recipe needs that)");
    return out;
  }
  if (const auto* table = node.as_table()) {
    out.kind = TomlNode::Kind::table;
    convert_items(*table, out, depth, problems);
  } else if (const auto* array = node.as_array()) {
    out.kind = TomlNode::Kind::array;
    for (const auto& element : *array) out.items.push_back(converted(element, depth + 1, problems));
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = TomlNode::Kind::boolean;
    out.boolean = boolean->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = TomlNode::Kind::integer;
    out.integer = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = TomlNode::Kind::number;
    out.number = number->get();
  } else if (const auto* string = node.as_string()) {
    out.kind = TomlNode::Kind::string;
    out.text = string->get();
  } else {
    out.kind = TomlNode::Kind::date;
    std::ostringstream text;
    if (const auto* date = node.as_date()) text << date->get();
    if (const auto* time = node.as_time()) text << time->get();
    if (const auto* date_time = node.as_date_time()) text << date_time->get();
    out.text = text.str();
  }
  return out;
}

/// Problems of parsing are single lines, whatever bytes the parser quotes.
std::string one_line(std::string_view text) {
  const std::string escaped = in_quotes(text);
  return escaped.substr(1, escaped.size() - 2);
}

/// What is too much for the parser, or "".
std::string refusal(std::string_view text) {
  if (text.size() > kMaxRecipeBytes) {
    return std::to_string(text.size()) + " bytes long (need at most " + std::to_string(kMaxRecipeBytes) + ")";
  }
  const auto dots = std::count(text.begin(), text.end(), '.');
  if (dots > kMaxDots) {
    return "holds " + std::to_string(dots) + " dots (need at most " + std::to_string(kMaxDots) + ")";
  }
  return {};
}

void set_places(TomlNode& node, const TomlPlace& place) {
  node.place = node.key_place = place;
  for (TomlNode& item : node.items) set_places(item, place);
}

/// The value of `--set path=value`: what TOML takes it for, else a string.
TomlNode override_value(std::string_view text, const TomlPlace& place, RecipeProblems& problems) {
  RecipeProblems ignored("");
  TomlNode value;
  const auto parse = [&](const std::string& source) {
    const toml::table table = toml::parse(source);
    // More than one key: the text holds a line break and a second setting.
    if (table.size() != 1 || table.find("v") == table.cend()) return false;
    value = converted(*table.get("v"), 1, problems);
    return true;
  };
  try {
    if (parse("v = " + std::string(text))) {
      set_places(value, place);
      return value;
    }
  } catch (const toml::parse_error&) {
  }
  try {
    parse("v = " + in_quotes(text));
  } catch (const toml::parse_error& error) {
    problems.add(place, "the value is not text (need UTF-8): " + one_line(error.description()));
  }
  set_places(value, place);
  return value;
}

bool is_array_of_tables(const TomlNode& node) {
  return node.kind == TomlNode::Kind::array && !node.items.empty() &&
         std::all_of(node.items.begin(), node.items.end(),
                     [](const TomlNode& item) { return item.kind == TomlNode::Kind::table; });
}

/// Takes the name of an element from the front of `path`. Names may hold dots: the longest that fits is
/// taken.
TomlNode* take_element(TomlNode& array, std::string_view& path) {
  TomlNode* found = nullptr;
  std::size_t length = 0;
  for (TomlNode& element : array.items) {
    const std::string_view name = element.text_of("name");
    if (name.empty() || !path.starts_with(name) || path.substr(name.size(), 1) != "." ||
        name.size() <= length) {
      continue;
    }
    found = &element;
    length = name.size();
  }
  if (found != nullptr) path.remove_prefix(length + 1);
  return found;
}

void report_no_element(const TomlNode& array, std::string_view path, const TomlPlace& place,
                       RecipeProblems& problems) {
  std::vector<std::string> names;
  for (const TomlNode& element : array.items) {
    if (const auto name = element.text_of("name"); !name.empty()) names.emplace_back(name);
  }
  const std::string_view wanted = path.substr(0, path.find('.'));
  if (names.empty()) {
    problems.add(place, "the tables of " + in_quotes(array.key) +
                            " have no names to set them by (set the whole array)");
    return;
  }
  problems.add(place, "no " + array.key + " is named " + in_quotes(wanted) + " (need " + array.key +
                          ".NAME.KEY with one of " + joined(names) + ")." + did_you_mean(wanted, names));
}

}  // namespace

const TomlNode* TomlNode::find(std::string_view name) const {
  if (kind != Kind::table) return nullptr;
  const auto it =
      std::find_if(items.begin(), items.end(), [&](const TomlNode& item) { return item.key == name; });
  return it == items.end() ? nullptr : &*it;
}

TomlNode* TomlNode::find(std::string_view name) {
  return const_cast<TomlNode*>(std::as_const(*this).find(name));
}

std::string_view TomlNode::text_of(std::string_view name) const {
  const TomlNode* node = find(name);
  return node != nullptr && node->kind == Kind::string ? std::string_view(node->text) : std::string_view();
}

TomlDocument parse_toml(std::string_view text, const std::string& file, RecipeProblems& problems) {
  if (const std::string why = refusal(text); !why.empty()) {
    throw Error(ExitCode::usage, file + ": " + why + ". Is it a recipe?");
  }
  try {
    const toml::table table = toml::parse(text);
    return {file, converted(table, 0, problems)};
  } catch (const toml::parse_error& error) {
    const TomlPlace place = place_of(error.source());
    throw Error(ExitCode::usage, file + ":" + std::to_string(place.line) + ":" +
                                     std::to_string(place.column) +
                                     ": not TOML: " + one_line(error.description()));
  }
}

TomlDocument read_toml(const std::string& file, RecipeProblems& problems) {
  std::string text;
  try {
    text = read_file(file, kMaxRecipeBytes);
  } catch (const Error& error) {
    if (error.code() != ExitCode::bad_data) throw;
    throw Error(ExitCode::usage, file + ": longer than " + std::to_string(kMaxRecipeBytes) +
                                     " bytes (need at most that). Is it a recipe?");
  }
  return parse_toml(text, file, problems);
}

void apply_override(TomlDocument& document, std::string_view assignment, std::uint32_t number,
                    RecipeProblems& problems) {
  const std::size_t equals = assignment.find('=');
  std::string_view path = assignment.substr(0, equals);
  const TomlPlace place{.line = number, .column = 1, .override_path = path.empty() ? "=" : std::string(path)};
  if (equals == std::string_view::npos || path.empty()) {
    problems.add(place, "no setting with a value (need --set path=value, for example --set run.seed=3)");
    return;
  }
  if (const std::string why = refusal(assignment); !why.empty())
    return problems.add(place, "the setting " + why);
  if (std::count(path.begin(), path.end(), '.') > kMaxDepth) {
    problems.add(place, "the path is too deep (need at most " + std::to_string(kMaxDepth) + " dots)");
    return;
  }
  TomlNode* node = &document.root;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    if (is_array_of_tables(*node)) {
      TomlNode* element = take_element(*node, path);
      if (element == nullptr) return report_no_element(*node, path, place, problems);
      node = element;
      continue;
    }
    if (node->kind != TomlNode::Kind::table) break;
    const std::string_view key = path.substr(0, dot);
    path.remove_prefix(dot + 1);
    TomlNode* next = node->find(key);
    if (next == nullptr) {
      TomlNode made;
      made.key = key;
      made.place = made.key_place = place;
      next = &node->items.emplace_back(std::move(made));
    }
    node = next;
  }
  if (is_array_of_tables(*node)) return report_no_element(*node, path, place, problems);
  if (node->kind != TomlNode::Kind::table) {
    problems.add(place, in_quotes(node->key) + " is " + shown(*node) + ", which has no " + in_quotes(path) +
                            " (need a table)");
    return;
  }
  TomlNode value = override_value(assignment.substr(equals + 1), place, problems);
  value.key = path;
  if (TomlNode* old = node->find(path)) {
    *old = std::move(value);
  } else {
    node->items.push_back(std::move(value));
  }
}

}  // namespace reckon
