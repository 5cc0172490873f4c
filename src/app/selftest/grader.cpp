// Whether the grader gives known answers: the parser, the normal forms, and the process that certifies
// constants.
#include <array>

#include "checks.h"
#include "reckon/grade/certifier.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/grade.h"

namespace reckon::selftest {
namespace {

struct KnownGrade {
  std::string_view gold, pred;
  Grade grade = Grade::equal;
};

constexpr std::array kKnownGrades = {
    KnownGrade{"42", "42.0"},
    KnownGrade{"\\frac{1}{2}", "0.5"},
    KnownGrade{"\\frac{\\sqrt{2}}{2}", "\\sin 45^\\circ"},
    KnownGrade{"x^2+2x+1", "(x+1)^2"},
    KnownGrade{"\\{1,2,3\\}", "3, 2, 1"},
    KnownGrade{"\\sqrt[3]{2+\\sqrt5}-\\sqrt[3]{\\sqrt5-2}", "1"},  // certified
    KnownGrade{"42", "43", Grade::different},
    KnownGrade{"\\sqrt{2}", "1.5", Grade::different},
    KnownGrade{"(1,3]", "[1,3]", Grade::different},
    KnownGrade{"x^2+2x+1", "(x-1)^2", Grade::different},
    KnownGrade{"42", " ", Grade::no_answer},
    KnownGrade{"1/0", "1", Grade::gold_unparseable},
    KnownGrade{"((", "1", Grade::gold_unparseable},
};

struct KnownAnswer {
  AnswerForm form;
  std::string_view completion, answer;
};

constexpr std::array kKnownAnswers = {
    KnownAnswer{AnswerForm::tag, "<think>3+5</think><answer>8</answer>", "8"},
    KnownAnswer{AnswerForm::boxed, "so it is $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"},
    KnownAnswer{AnswerForm::hashes, "3+5 = 8\n#### 8\n", "8"},
    KnownAnswer{AnswerForm::phrase, "The answer is 8.", "8"},
    KnownAnswer{AnswerForm::tag, "<think><answer>8</answer>", ""},  // never closed
};

/// One that took too long is asked for again: the machine may be busy.
Grade patient_grade(const KnownGrade& known) {
  const GoldAnswer gold(known.gold);
  Grade grade = gold.grade(known.pred).grade;
  for (int again = 0; again < 4 && grade == Grade::timeout; ++again) grade = gold.grade(known.pred).grade;
  return grade;
}

}  // namespace

std::string check_grader(SelfTest&, Comparison& comparison) {
  const std::uint64_t certified = certifier_stats().requests;
  for (const KnownGrade& known : kKnownGrades) {
    comparison.text("gold " + std::string(known.gold) + ", answer " + std::string(known.pred), "expected",
                    std::string(enum_name(known.grade)), "graded",
                    std::string(enum_name(patient_grade(known))));
  }
  const std::string over_limit(kMaxAnswerBytes + 1, '1');
  comparison.text("an answer of " + std::to_string(over_limit.size()) + " digits", "expected", "refused",
                  "graded", std::string(enum_name(GoldAnswer("42").grade(over_limit).grade)));
  for (const KnownAnswer& known : kKnownAnswers) {
    comparison.text("the answer of " + std::string(known.completion), "expected", std::string(known.answer),
                    "read", std::string(extract_answer(known.completion, {.form = known.form}).answer));
  }
  if (certifier_stats().requests == certified)
    comparison.fail("no constant came to the process that certifies");
  return std::to_string(kKnownGrades.size() + 1) + " known grades, " + std::to_string(kKnownAnswers.size()) +
         " forms of answers";
}

}  // namespace reckon::selftest
