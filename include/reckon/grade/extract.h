#pragma once

#include <cstddef>
#include <string_view>

#include "reckon/grade/config.h"

namespace reckon {

/// Longest answer that is graded; the longest of the MATH data has 159 bytes. Some puzzles allow more
/// (Task::longest_answer).
inline constexpr std::size_t kMaxAnswerBytes = 1000;
/// Answers are looked for in so many bytes at the end of a completion.
inline constexpr std::size_t kMaxScannedBytes = 65536;

/// The answer of a completion.
struct Extracted {
  bool found = false;
  bool too_long = false;        ///< found, but longer than allowed: to be refused, not graded
  std::string_view answer;      ///< without blanks around it; a part of the completion
  std::size_t num_answers = 0;  ///< complete ones where answers are looked for
  bool several = false;         ///< they are not all the same text
  /// boxed: the last box with those joined to it, "\boxed{1}, \boxed{2}", as it stands; empty where nothing
  /// is joined to it or the whole is longer than allowed. Only for a gold that is a list: a grader that took
  /// it for another gold would pay for naming several answers.
  std::string_view joined;
};

/// The answer of a completion, which stands after the last </think>, but not inside thinking that was opened
/// there and never closed, within the last kMaxScannedBytes. A blank answer is none; there is no second place
/// to look, and never "the last number". Linear time.
///   tag     the last <answer>...</answer>
///   boxed   the last complete \boxed{...} or \fbox{...}; braces are matched, \{ and \} are none. Without a
///           brace, \boxed x: to the next $ of the line, else to the next blank. A box inside a box belongs
///           to it. Boxes are joined where nothing but blanks, $, commas, semicolons, "and", "or" is between
///           them, and one of the latter four.
///   hashes  behind the last #### of four (a longer row is a heading) to the end of its line
///   phrase  behind the last "the answer is", "final answer is" or "answer:", in capitals or not, to the end
///   of
///           its sentence: a line feed, or a full stop before a blank or the end; without * around it (bold)
/// \param max_bytes  of an answer.
[[nodiscard]] Extracted extract_answer(std::string_view completion, const AnswerConfig& config = {},
                                       std::size_t max_bytes = kMaxAnswerBytes);

/// Whether a completion is nothing but what the form asks for.
///   tag     the R1 form: nothing, or one <think>...</think> at the start; then one <answer>...</answer>, not
///           blank, to the end; blanks and newlines at most around these two; no other of these tags anywhere
///   others  nothing, or one <think>...</think> at the start; then a text without these tags in which all
///           answers are the same
/// Both modes, with thinking and without, are well formed (unless config.require_think_close): the format
/// term must not teach the change from one to the other.
[[nodiscard]] bool well_formed(std::string_view completion, const AnswerConfig& config = {});

/// Text without blanks, tabs, line feeds and carriage returns at both ends.
[[nodiscard]] std::string_view trim_blanks(std::string_view text);

}  // namespace reckon
