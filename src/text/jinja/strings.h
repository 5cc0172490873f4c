#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Python's string operations that search for a part, on valid UTF-8. All take time linear in the lengths of
// the texts, whatever they hold: templates are not trusted.
namespace reckon::jinja {

/// The byte where `part` is found first at or after `from`, or npos; and where it is found last.
[[nodiscard]] std::size_t find_first(std::string_view text, std::string_view part, std::size_t from = 0);
[[nodiscard]] std::size_t find_last(std::string_view text, std::string_view part);

/// str.split(separator, max_splits) and str.rsplit; a negative max_splits has no bound. `separator` is not
/// empty.
[[nodiscard]] std::vector<std::string> split(std::string_view text, std::string_view separator,
                                             long max_splits);
[[nodiscard]] std::vector<std::string> split_right(std::string_view text, std::string_view separator,
                                                   long max_splits);
/// The same without a separator: at white space.
[[nodiscard]] std::vector<std::string> split_spaces(std::string_view text, long max_splits);
[[nodiscard]] std::vector<std::string> split_spaces_right(std::string_view text, long max_splits);

/// How often `part` occurs without overlap; an empty part one more than there are characters.
[[nodiscard]] std::size_t count(std::string_view text, std::string_view part);
/// The first `max_count` occurrences replaced, all where it is negative.
[[nodiscard]] std::string replace(std::string_view text, std::string_view part, std::string_view by,
                                  long max_count);

}  // namespace reckon::jinja
