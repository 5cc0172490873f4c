#pragma once

#include <array>
#include <cstdint>

#include "reckon/base/describe.h"

namespace reckon {

/// The grader's word on one answer. Numbers are written to rollout logs: never renumber.
enum class Grade : std::uint8_t {
  equal = 0,             ///< proved equal to the gold, or right by the rules of the problem
  different = 1,         ///< proved different, or against the rules
  no_answer = 2,         ///< nothing to grade: no answer in the completion, or it was cut off
  gold_unparseable = 3,  ///< the problem itself cannot be graded
  refused = 4,           ///< over a limit of the grader
  timeout = 5,           ///< the grader ran out of time
  undecided = 6,         ///< neither equality nor difference could be shown
  grader_failed = 7,     ///< the program that grades died on it twice, or gave no valid answer
};
constexpr auto enum_names(Grade) {
  return std::array{
      EnumName{Grade::equal, "equal"},         EnumName{Grade::different, "different"},
      EnumName{Grade::no_answer, "no_answer"}, EnumName{Grade::gold_unparseable, "gold_unparseable"},
      EnumName{Grade::refused, "refused"},     EnumName{Grade::timeout, "timeout"},
      EnumName{Grade::undecided, "undecided"}, EnumName{Grade::grader_failed, "grader_failed"}};
}

/// What learning sees. Numbers are written to rollout logs: never renumber.
enum class Verdict : std::uint8_t {
  right = 0,
  wrong = 1,
  no_answer = 2,
  grader_failed = 3,  ///< leaves the statistics of its group and is counted; never paid
};
constexpr auto enum_names(Verdict) {
  return std::array{EnumName{Verdict::right, "right"}, EnumName{Verdict::wrong, "wrong"},
                    EnumName{Verdict::no_answer, "no_answer"},
                    EnumName{Verdict::grader_failed, "grader_failed"}};
}

/// Design, section 3: equal is right; different, refused, timeout, undecided are wrong; gold_unparseable and
/// grader_failed are failures of the grader's side. Nothing that a policy writes leads to the first; it leads
/// to the second only through a fault of a user's program, see ProgramGrader.
[[nodiscard]] constexpr Verdict verdict_of(Grade grade) {
  switch (grade) {
    case Grade::equal:
      return Verdict::right;
    case Grade::no_answer:
      return Verdict::no_answer;
    case Grade::gold_unparseable:
    case Grade::grader_failed:
      return Verdict::grader_failed;
    default:
      return Verdict::wrong;
  }
}

}  // namespace reckon
