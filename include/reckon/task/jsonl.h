#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// One problem of a GSM8K-shaped file.
struct JsonlProblem {
  std::size_t line = 0;  ///< from 1
  std::string question;
  std::string reasoning;  ///< the reference solution without calculator marks and without its last line
  std::string gold;       ///< what follows the last ####
};

struct JsonlProblems {
  std::vector<JsonlProblem> problems;  ///< in the order of the file
  std::size_t num_duplicates = 0;      ///< lines left out because their question and gold stood before
};

/// Reads a file with one {"question": ..., "answer": "reasoning\n#### 18"} object a line; other keys are
/// ignored. \throws Error(missing_input) where the file cannot be read; Error(bad_data) naming file:line at
/// the first line that
///         is malformed, whose gold is not a number, or that gives another gold to a question that stood
///         before.
[[nodiscard]] JsonlProblems load_jsonl(const std::filesystem::path& path);

/// Text without GSM8K's calculator marks: "16-3 = <<16-3=13>>13" is "16-3 = 13".
[[nodiscard]] std::string without_calculator_marks(std::string_view text);

}  // namespace reckon
