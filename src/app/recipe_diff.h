#pragma once

#include <string>
#include <vector>

namespace reckon {

/// A setting that two recipes do not agree on.
struct ChangedSetting {
  std::string key;       ///< "stage.rl-1.group_size"
  std::string was, now;  ///< TOML values; empty where the recipe does not have the key
};

/// The settings in which two resolved recipes differ, in the order of the keys. Stages and tasks go by their
/// names, and `stage` and `task` themselves are settings: the names in their order. [cluster] is left out: it
/// changes no result.
/// \param was, now  texts as resolved_text() writes them \param was_file, now_file  name them in messages
/// \throws Error(usage) where a text is no TOML
[[nodiscard]] std::vector<ChangedSetting> changed_settings(const std::string& was,
                                                           const std::string& was_file,
                                                           const std::string& now,
                                                           const std::string& now_file);

/// SHA-256 (hex) of what a resolved recipe sets, `key = value` and a line feed for each setting in the order
/// of the keys: the same wherever the values came from. [cluster] is left out: it changes no result. Throws
/// as changed_settings().
[[nodiscard]] std::string settings_sha256(const std::string& text, const std::string& file);

/// Those that no entry of `allowed` names. An entry is a key, or a table: "checkpoint"
/// names all keys below it.
[[nodiscard]] std::vector<ChangedSetting> not_allowed(const std::vector<ChangedSetting>& changes,
                                                      const std::vector<std::string>& allowed);

/// `  stage.rl-1.group_size: 8 -> 16`, each on a line of its own behind a line feed.
[[nodiscard]] std::string changes_text(const std::vector<ChangedSetting>& changes);

}  // namespace reckon
