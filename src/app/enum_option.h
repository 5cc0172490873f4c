#pragma once

#include <string>
#include <string_view>

#include "reckon/base/describe.h"
#include "reckon/base/error.h"

namespace reckon {

/// The value of an enum by its name. \throws Error(code) that lists the names.
template <class Enum>
Enum parse_enum(std::string_view what, const std::string& name, ExitCode code) {
  std::string names;
  for (const auto& entry : enum_names(Enum{})) {
    if (entry.name == name) return entry.value;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error(code, std::string(what) + " \"" + name + "\" (need one of " + names + ")");
}

}  // namespace reckon
