#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/recipe/document.h"

namespace reckon {

/// All that is wrong with a recipe, to be reported at once.
class RecipeProblems {
 public:
  explicit RecipeProblems(std::string file) : file_(std::move(file)) {}

  /// Adds a problem; `text` is `<what is wrong> (<what is needed>). <hint>`. A second problem at the same
  /// place, or one that follows from the first, is the caller's to leave out: see at().
  void add(const TomlPlace& place, const std::string& text);
  /// Whether a problem stands at this place already.
  [[nodiscard]] bool at(const TomlPlace& place) const;
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// One line each, `file:line:column: text`: those of the file in its order, then those of the command line.
  [[nodiscard]] std::string text() const;
  /// \throws Error(usage) with text() where there are problems.
  void throw_if_any() const;

 private:
  struct Entry {
    TomlPlace place;
    std::string text;
  };
  std::string file_;
  std::vector<Entry> entries_;
};

/// The known name that `name` was most likely meant to be, or "" where none is near. Nearness is the number
/// of letters inserted, left out, replaced or swapped with a neighbour: at most a third of the name's length,
/// and 1 at least.
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> known);

/// ` Did you mean "x"?`, or "" where no known name is near.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> known);

/// "a, b, c".
[[nodiscard]] std::string joined(std::span<const std::string> names, std::string_view separator = ", ");

/// The value as it would stand in a recipe, cut to 60 characters.
[[nodiscard]] std::string shown(const TomlNode& node);

}  // namespace reckon
