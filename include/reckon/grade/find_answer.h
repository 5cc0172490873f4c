#pragma once

#include <string>
#include <string_view>

namespace reckon {

/// An answer found in a text.
struct FoundAnswer {
  std::string text;   ///< empty where there is none
  const char* where;  ///< what it was found by, for people: "whole text", "boxed", ...
};

/// Finds the answer of a text of any kind, for evaluation (`reckon grade`); training reads answers in the one
/// form that its prompt asks for (extract_answer()). In this order, behind the last </think>:
///   the text itself, where it is an answer as it stands
///   "final answer is ... I hope", as prompts of Minerva ask for
///   the last <answer>...</answer>
///   the last \boxed{...}; boxes that only commas, blanks and words such as "and" part are a list
///   what stands behind the last #### on its line
///   what follows the last "answer is" or "answer:", to the end of the sentence
///   the last formula in $, $$, \( or \[
///   the last number
/// Linear time; a text longer than 64 KiB is read from 64 KiB before its end.
[[nodiscard]] FoundAnswer find_answer(std::string_view text);

}  // namespace reckon
