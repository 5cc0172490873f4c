#pragma once

#include <cstddef>
#include <string_view>

namespace reckon {

/// The answer of a completion.
struct Extracted {
  bool found = false;
  std::string_view answer;      ///< without blanks around it; a part of the completion
  std::size_t num_answers = 0;  ///< complete <answer>...</answer> pairs where answers are looked for
};

/// The answer stands in the last <answer>...</answer> after the last </think>, but not inside thinking that
/// was opened there and never closed. A blank answer is none; there is no second place to look. Linear time.
[[nodiscard]] Extracted extract_answer(std::string_view completion);

/// The R1 form: nothing, or one <think>...</think> at the start; then one <answer>...</answer>, not blank, to
/// the end; blanks and newlines at most around these two; no other of these tags anywhere. Both modes, with
/// thinking and without, are well formed: the format term must not teach the change from one to the other.
[[nodiscard]] bool well_formed(std::string_view completion);

/// Text without blanks, tabs, line feeds and carriage returns at both ends.
[[nodiscard]] std::string_view trim_blanks(std::string_view text);

}  // namespace reckon
