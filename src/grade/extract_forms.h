#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "reckon/grade/extract.h"

/// Answers of each form in a text that has no thinking in it. Each fills answer (trimmed, of whatever
/// length), num_answers, several; extract_answer() does the rest. Linear time.
namespace reckon {

/// The phrases of the phrase form, in small letters.
inline constexpr std::array<std::string_view, 3> kAnswerPhrases = {"the answer is", "final answer is",
                                                                   "answer:"};

[[nodiscard]] Extracted extract_tagged(std::string_view text);
/// Fills joined as well, of whatever length.
[[nodiscard]] Extracted extract_boxed(std::string_view text);
[[nodiscard]] Extracted extract_hashes(std::string_view text);
[[nodiscard]] Extracted extract_phrase(std::string_view text);

/// The end of the last phrase in a text; npos where there is none.
[[nodiscard]] std::size_t end_of_last_phrase(std::string_view text);

[[nodiscard]] inline bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Enters one more answer, which is the last so far.
inline void enter_answer(Extracted& result, std::string_view answer) {
  if (result.num_answers > 0 && answer != result.answer) result.several = true;
  result.answer = answer;
  ++result.num_answers;
}

}  // namespace reckon
