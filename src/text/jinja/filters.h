#pragma once

#include <string_view>

#include "value.h"

namespace reckon::jinja {

/// What stands behind "|".
using Filter = Value (*)(Budget& budget, const Value& input, const Arguments& arguments);
/// The filter of that name, or null.
[[nodiscard]] Filter find_filter(std::string_view name);
/// Parts of find_filter: filters of texts, of numbers, and of sequences and dicts.
[[nodiscard]] Filter find_text_filter(std::string_view name);
[[nodiscard]] Filter find_number_filter(std::string_view name);
[[nodiscard]] Filter find_sequence_filter(std::string_view name);
/// Those that take the name of a filter or test and give a generator: map, select and its relatives.
[[nodiscard]] Filter find_selecting_filter(std::string_view name);

}  // namespace reckon::jinja
