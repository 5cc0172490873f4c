#pragma once

#include <string>
#include <string_view>

#include "value.h"

// How values become text.
namespace reckon::jinja {

/// str(): what an output prints. \throws Failure for a function or generator, whose text in Python is an
/// address.
[[nodiscard]] std::string to_text(Budget& budget, const Value& value);
/// repr(): a value inside a list.
[[nodiscard]] std::string to_repr(Budget& budget, const Value& value);
[[nodiscard]] std::string text_of(Integer value);
/// repr() of a float: the shortest digits that read back as the same number.
[[nodiscard]] std::string text_of(double value);
/// repr() of a string.
[[nodiscard]] std::string quoted(std::string_view text);

struct JsonStyle {
  bool ascii = false;  ///< characters beyond ASCII become \u escapes
  bool indented = false;
  std::string indent;  ///< of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
/// json.dumps(). \throws Failure for a value that JSON has no form for.
[[nodiscard]] std::string to_json(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace reckon::jinja
