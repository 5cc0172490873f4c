#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "reckon/base/verdict.h"

namespace reckon {

/// Choices that public graders make differently; the defaults are those of grading in training.
struct GradeOptions {
  bool ordered_lists = false;            ///< a list without brackets must come in the gold's order
  bool tuple_as_set = false;             ///< {1, 3} or 1, 3 for a gold (1, 3) in that order, and the reverse
  bool inequality_for_interval = false;  ///< -2 <= x <= 7 for a gold [-2, 7]; the reverse is always accepted
};

struct GradeResult {
  Grade grade = Grade::different;
  std::string reason;  ///< for people; empty where the grade says all
};

/// A gold answer, read once: the grader of one problem. Golds and predictions are LaTeX or plain text, the
/// answer alone (see extract_answer() for what stands in a completion). The gold decides the type; equality
/// is decided by normal forms over Q, evaluation modulo primes, ball arithmetic and certified constants.
/// Const calls may run on several threads at once.
class GoldAnswer {
 public:
  explicit GoldAnswer(std::string_view text, const GradeOptions& options = {});
  ~GoldAnswer();
  GoldAnswer(GoldAnswer&&) noexcept;
  GoldAnswer& operator=(GoldAnswer&&) noexcept;

  /// Whether it can be read; the reason where not.
  [[nodiscard]] bool is_readable() const;
  [[nodiscard]] const std::string& problem() const;

  /// Whether the right answer is several values: a list, a set, \pm.
  [[nodiscard]] bool is_list() const;

  /// equal, different; no_answer where pred is blank; different where it is no answer in the grammar; refused
  /// where it is over a limit; gold_unparseable where the gold cannot be read; timeout, undecided.
  [[nodiscard]] GradeResult grade(std::string_view pred) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

/// Whether a predicted answer equals the gold answer. The last gold of the thread is kept read.
/// \param pred  the answer alone, see extract_answer().
[[nodiscard]] Grade grade_answer(std::string_view gold, std::string_view pred);

/// GoldAnswer::is_list() of a gold, which is kept read in the same way.
[[nodiscard]] bool is_list_answer(std::string_view gold);

}  // namespace reckon
