#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/task/external_program.h"
#include "reckon/task/task.h"

namespace reckon {

/// A problem that a program is tried on before a run.
struct GradeProbe {
  std::string prompt;
  std::string spec;
  std::string answer;        ///< right
  std::string wrong_answer;  ///< in the right form, and wrong
};

/// Grades by a user's program.
///   an answer of the program    its grade, or its reward: 1 is equal, less is different and pays that part
///   no answer in grade_seconds  timeout, which is wrong: a completion must not gain by keeping the grader
///   busy no answer for another cause a fresh process is asked once more; then grader_failed
/// A cause that lies in the program is no word on the completion, so it is not called wrong; it is never
/// paid.
class ProgramGrader {
 public:
  ProgramGrader(std::shared_ptr<ExternalProgram> program, double grade_seconds)
      : program_(std::move(program)), seconds_(grade_seconds) {}

  /// \throws Error(bad_data) where spec is no JSON object or the program does not start any more.
  [[nodiscard]] Graded graded(std::string_view spec, std::string_view answer,
                              std::string_view completion) const;

  /// Before a run: each right answer is paid in full, each wrong one is not, and a fresh process, asked in
  /// the other order, pays the same. \throws Error(bad_data)
  void check(std::span<const GradeProbe> probes) const;

 private:
  [[nodiscard]] Graded graded_probe(const GradeProbe& probe, const std::string& answer) const;

  std::shared_ptr<ExternalProgram> program_;
  double seconds_;
};

}  // namespace reckon
