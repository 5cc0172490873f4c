#pragma once

#include <string_view>

/// The R1 tags, as reckon/text/tokenizer.h has them, which this module does not include.
namespace reckon::tags {

inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";
inline constexpr std::string_view kAnswerOpen = "<answer>";
inline constexpr std::string_view kAnswerClose = "</answer>";

/// Whether any of the four stands in a text.
[[nodiscard]] inline bool has_tag(std::string_view text) {
  for (const std::string_view tag : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose}) {
    if (text.find(tag) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace reckon::tags
