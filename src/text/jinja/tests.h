#pragma once

#include <string_view>

#include "value.h"

namespace reckon::jinja {

/// What stands behind "is".
using Test = bool (*)(Budget& budget, const Value& value, const Arguments& arguments);
/// The test of that name, or null.
[[nodiscard]] Test find_test(std::string_view name);

}  // namespace reckon::jinja
