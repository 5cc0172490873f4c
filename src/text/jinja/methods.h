#pragma once

#include <string_view>

#include "value.h"

namespace reckon::jinja {

using Method = Value (*)(Budget& budget, const Value& self, const Arguments& arguments);

/// The supported method of the value's type by that name, or null.
[[nodiscard]] Method find_method(const Value& self, std::string_view name);
/// The same for strings alone.
[[nodiscard]] Method find_string_method(std::string_view name);

/// Whether a list or dict has a method of that name which would change it; the sandbox refuses these.
[[nodiscard]] bool is_mutating_method(const Value& self, std::string_view name);
/// Whether Python's type of the value has an attribute of that name that is not supported here.
[[nodiscard]] bool is_unsupported_attribute(const Value& self, std::string_view name);
/// Whether a call of a method of that name can only be a Python method that is not supported here, whatever
/// the type of the value (unless a dict holds a macro under that name).
[[nodiscard]] bool is_unsupported_method(std::string_view name);

/// object.name \throws Failure for an undefined object, a name like __class__ and an unsupported attribute.
[[nodiscard]] Value attribute(Budget& budget, const Value& object, const std::string& name);
/// object[index]
[[nodiscard]] Value item(Budget& budget, const Value& object, const Value& index);
/// What the filters' argument `attribute` looks up: "a.b.0" item by item.
[[nodiscard]] Value item_by_path(Budget& budget, const Value& object, const Value& path,
                                 const Value* otherwise = nullptr);

}  // namespace reckon::jinja
