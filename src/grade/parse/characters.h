#pragma once

#include <string>
#include <string_view>

namespace reckon {

/// Text with every character that has an ASCII way to write it written so: full-width forms and mathematical
/// alphabets as plain letters, raised digits as ^{2}, vulgar fractions as \frac{1}{2}, Greek letters and
/// signs as LaTeX commands. What is left beyond ASCII are letters of words. Characters of category Cf are
/// deleted, but refused between two digits, where deleting one would make another number.
struct PlainText {
  bool refused = false;
  std::string reason;  ///< where refused
  std::string text;    ///< UTF-8; empty where the text was plain before, see view()
  bool changed = false;

  [[nodiscard]] std::string_view view(std::string_view original) const {
    return changed ? std::string_view(text) : original;
  }
};
[[nodiscard]] PlainText plain_text(std::string_view text);

/// Small letters of ASCII and of the alphabets up to U+05FF; bytes that are no UTF-8 stay.
[[nodiscard]] std::string fold_case(std::string_view text);

}  // namespace reckon
