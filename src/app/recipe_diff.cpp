#include "recipe_diff.h"

#include <algorithm>
#include <map>

#include "reckon/base/sha256.h"
#include "reckon/recipe/document.h"
#include "reckon/recipe/problems.h"
#include "reckon/recipe/value_text.h"

namespace reckon {
namespace {

using SettingMap = std::map<std::string, std::string>;

/// Whether the elements go by their names, as stages and tasks do.
bool is_named_array(const TomlNode& node) {
  return node.kind == TomlNode::Kind::array && !node.items.empty() &&
         std::ranges::all_of(node.items, [](const TomlNode& item) {
           return item.kind == TomlNode::Kind::table && !item.text_of("name").empty();
         });
}

void flatten(const TomlNode& node, const std::string& path, SettingMap& settings) {
  const std::string prefix = path.empty() ? "" : path + ".";
  if (node.kind == TomlNode::Kind::table) {
    for (const TomlNode& item : node.items) flatten(item, prefix + item.key, settings);
  } else if (is_named_array(node)) {
    std::string names;
    for (const TomlNode& item : node.items) {
      names += (names.empty() ? "" : ", ") + std::string(item.text_of("name"));
      flatten(item, prefix + std::string(item.text_of("name")), settings);
    }
    settings[path] = names;
  } else {
    settings[path] = toml_text(node);
  }
}

SettingMap settings_of(const std::string& text, const std::string& file) {
  RecipeProblems problems(file);
  const TomlDocument document = parse_toml(text, file, problems);
  problems.throw_if_any();
  SettingMap settings;
  flatten(document.root, "", settings);
  return settings;
}

/// What the ranks do changes no result, like their number.
bool is_of_cluster(const std::string& key) {
  return key.starts_with("cluster.");
}

}  // namespace

std::vector<ChangedSetting> changed_settings(const std::string& was, const std::string& was_file,
                                             const std::string& now, const std::string& now_file) {
  const SettingMap before = settings_of(was, was_file);
  const SettingMap after = settings_of(now, now_file);
  std::map<std::string, ChangedSetting> changes;
  for (const auto& [key, value] : before) changes[key] = {key, value, ""};
  for (const auto& [key, value] : after) {
    ChangedSetting& change = changes[key];
    change.key = key;
    change.now = value;
  }
  std::vector<ChangedSetting> list;
  for (auto& [key, change] : changes) {
    if (change.was != change.now && !is_of_cluster(key)) list.push_back(std::move(change));
  }
  return list;
}

std::string settings_sha256(const std::string& text, const std::string& file) {
  Sha256 hash;
  for (const auto& [key, value] : settings_of(text, file)) {
    if (!is_of_cluster(key)) hash.update(key + " = " + value + "\n");
  }
  return hash.hex_digest();
}

std::vector<ChangedSetting> not_allowed(const std::vector<ChangedSetting>& changes,
                                        const std::vector<std::string>& allowed) {
  std::vector<ChangedSetting> refused;
  for (const ChangedSetting& change : changes) {
    const bool is_allowed = std::ranges::any_of(allowed, [&](const std::string& entry) {
      return change.key == entry || change.key.starts_with(entry + ".");
    });
    if (!is_allowed) refused.push_back(change);
  }
  return refused;
}

std::string changes_text(const std::vector<ChangedSetting>& changes) {
  const auto shown = [](const std::string& value) { return value.empty() ? std::string("(none)") : value; };
  std::string text;
  for (const ChangedSetting& change : changes) {
    text += "\n  " + change.key + ": " + shown(change.was) + " -> " + shown(change.now);
  }
  return text;
}

}  // namespace reckon
