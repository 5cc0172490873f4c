#pragma once

#include "value.h"

namespace reckon::jinja {

/// `format % values` of a string: conversions s r d i u f F e E g G x X o c and %%, flags, width, precision,
/// %(key)s. \throws Failure where Python raises, and for "*" as a width.
[[nodiscard]] Value format_printf(Budget& budget, const String& format, const Value& values);

}  // namespace reckon::jinja
