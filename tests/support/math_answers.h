#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon::testing {

/// A made answer of the kind that the MATH data has, and other ways to write the same.
struct MathAnswer {
  std::string_view kind;
  std::string text;               ///< LaTeX, as a gold answer is written
  std::vector<std::string> same;  ///< equal in value by how they were made; at least 3
};

/// A kind of answer and how many of a thousand answers of MATH-train are of it (grading.md, section 1.5).
struct AnswerKind {
  std::string_view name;
  std::uint32_t per_mille = 0;
};
std::span<const AnswerKind> answer_kinds();

/// An answer of one kind. \throws std::invalid_argument where there is no such kind
MathAnswer math_answer(std::string_view kind, RandomStream& random);
/// An answer of a kind drawn as often as MATH-train has it.
MathAnswer math_answer(RandomStream& random);

/// Some 200 answers written by hand, as datasets of competition problems have them.
std::span<const std::string_view> written_answers();

}  // namespace reckon::testing
