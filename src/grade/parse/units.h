#pragma once

#include <optional>
#include <string_view>

namespace reckon {

/// The canonical name of a unit: m for metre, meters, \text{m}; dollar; "degree" for an angle. Nothing for a
/// word that is no unit. Single letters and words that are also mathematics or English (in, h, t, sec, min)
/// are units only inside \text{}. \param in_text  whether the word stands inside \text{} or the like
[[nodiscard]] std::optional<std::string_view> find_unit(std::string_view word, bool in_text);

}  // namespace reckon
