#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// One problem of a file.
struct JsonlProblem {
  std::size_t line = 0;  ///< from 1
  std::string question;
  std::string reasoning;  ///< the reference solution; of GSM8K without calculator marks and its last line
  std::string gold;       ///< the final answer
  std::string other_keys = "{}";  ///< GoldCheck::none: the keys of the line but those read, a JSON object
};

struct JsonlProblems {
  std::vector<JsonlProblem> problems;  ///< in the order of the file
  std::size_t num_duplicates = 0;      ///< lines left out because their question and gold stood before
};

/// Whether the golds of a file must be answers that our grader can compare.
enum class GoldCheck {
  graded,
  none,  ///< a user's program grades; two golds are the same where their texts are
};

/// Reads a file with one problem a line, in the shapes of public data:
///   {"question": ..., "answer": "reasoning\n#### 18"}   GSM8K: the gold, a number, follows the last ####
///   {"problem": ..., "solution": "... \boxed{18}"}      MATH, NuminaMath: the last \boxed{} or \fbox{}
///   {"problem": ..., "answer": "18"}                    the answer as it stands, or its last \boxed{}; where
///                                                       there is a "solution" beside it, as in DeepScaleR
///                                                       and MATH-500, that is the reasoning
/// "question", "problem" or "prompt", the first that is there; other keys are ignored. \throws
/// Error(missing_input) where the file cannot be read; Error(bad_data) naming file:line at the first line
/// that is malformed, whose gold does not equal itself, or that gives another gold to a question that stood
/// before.
[[nodiscard]] JsonlProblems load_jsonl(const std::filesystem::path& path,
                                       GoldCheck check = GoldCheck::graded);

/// Text without GSM8K's calculator marks: "16-3 = <<16-3=13>>13" is "16-3 = 13".
[[nodiscard]] std::string without_calculator_marks(std::string_view text);

}  // namespace reckon
