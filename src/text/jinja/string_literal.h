#pragma once

#include <string>
#include <string_view>

namespace reckon::jinja {

/// The text of a string literal: the escapes of Python's "unicode-escape" codec, as jinja2 applies it
/// (unknown escapes stay as they are). \param body  between the quotes, valid UTF-8. \throws Failure at a cut
/// escape, a surrogate, a code point beyond Unicode and at \N{name}.
[[nodiscard]] std::string resolve_escapes(std::string_view body);

}  // namespace reckon::jinja
