#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

class RecipeProblems;

/// Where something stands: in the recipe file, or on the command line.
struct TomlPlace {
  std::uint32_t line =
      0;  ///< from 1; for an override its number on the command line; 0 is nowhere: a default
  std::uint32_t column = 0;   ///< from 1, in characters
  std::string override_path;  ///< the left side of `--set path=value`; empty for a place in the file

  friend bool operator==(const TomlPlace&, const TomlPlace&) = default;
};

/// A value of a TOML document. Keys of a table and elements of an array are `items`, in the order of the
/// file.
struct TomlNode {
  enum class Kind { boolean, integer, number, string, date, array, table };
  Kind kind = Kind::table;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;  ///< of a string or a date
  std::vector<TomlNode> items;
  std::string key;  ///< where this is an item of a table
  TomlPlace key_place;
  TomlPlace place;

  /// The item of a table under a key, or null.
  [[nodiscard]] const TomlNode* find(std::string_view name) const;
  [[nodiscard]] TomlNode* find(std::string_view name);
  /// The string under `name` in a table, else "".
  [[nodiscard]] std::string_view text_of(std::string_view name) const;
};

struct TomlDocument {
  std::string file;  ///< as the user wrote it
  TomlNode root;
};

/// A longer recipe is refused before it is parsed: the parser recurses, and no recipe is that long.
inline constexpr std::size_t kMaxRecipeBytes = 64 * 1024;

/// Parses the text of a recipe. `file` only names it in messages. Problems get tables nested too deeply.
/// \throws Error(usage) `file:line:column: ...` where the text is too long or not TOML.
[[nodiscard]] TomlDocument parse_toml(std::string_view text, const std::string& file,
                                      RecipeProblems& problems);

/// Reads and parses a recipe. \throws Error(missing_input) where there is no such file; else as parse_toml.
[[nodiscard]] TomlDocument read_toml(const std::string& file, RecipeProblems& problems);

/// Applies `--set path=value`. The path names tables and keys; an element of an array of tables goes by its
/// `name`: `stage.rl-1.group_size=16`. The value is a TOML value, or where it is none a string. Tables that
/// are not there are made, so that the reader reports a wrong key with its hint. What cannot be followed goes
/// to `problems`. \param number  of this override on the command line, from 1.
void apply_override(TomlDocument& document, std::string_view assignment, std::uint32_t number,
                    RecipeProblems& problems);

}  // namespace reckon
