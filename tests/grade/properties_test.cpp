// Properties that hold for any two answers. RC_PARAMS gives rapidcheck its seed (tests/grade/CMakeLists.txt).
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/answer_edits.h"
#include "support/math_answers.h"

namespace reckon {
namespace {

using testing::MathAnswer;

constexpr std::uint32_t kStream = 0x70726F70;

/// Stated with rapidcheck, reported to GoogleTest.
template <class Property>
void expect_property(const char* name, Property property) {
  EXPECT_TRUE(rc::check(name, std::move(property)));
}

RandomStream any_stream() {
  return {*rc::gen::arbitrary<std::uint64_t>(), kStream};
}

/// A made answer of any kind, in any of its forms.
std::string any_form(const MathAnswer& answer, RandomStream& random) {
  const auto at = random.below(static_cast<std::uint32_t>(answer.same.size() + 1));
  return at == answer.same.size() ? answer.text : answer.same[at];
}

MathAnswer any_answer(RandomStream& random) {
  const auto kinds = testing::answer_kinds();
  return testing::math_answer(kinds[random.below(static_cast<std::uint32_t>(kinds.size()))].name, random);
}

/// Kinds where equality has two sides alike. Decimals are rounded towards the gold's places; an interval
/// answers an inequality, but not the reverse.
MathAnswer exact_answer(RandomStream& random) {
  for (;;) {
    MathAnswer answer = any_answer(random);
    if (answer.kind != "decimal" && answer.kind != "interval") return answer;
  }
}

Grade grade(const std::string& gold, const std::string& pred) {
  return GoldAnswer(gold).grade(pred).grade;
}

TEST(GradeProperties, EveryFormEqualsItself) {
  expect_property("reflexive", [] {
    RandomStream random = any_stream();
    const std::string text = any_form(any_answer(random), random);
    RC_ASSERT(grade(text, text) == Grade::equal);
  });
}

TEST(GradeProperties, EqualityIsSymmetricOnExactKinds) {
  expect_property("symmetric", [] {
    RandomStream random = any_stream();
    const MathAnswer answer = exact_answer(random);
    const std::string a = any_form(answer, random);
    std::string b = any_form(random.below(4) == 0 ? exact_answer(random) : answer, random);
    if (random.below(2) == 0) {
      const auto kind = testing::kEditKinds[random.below(testing::kEditKinds.size())];
      const auto edits = testing::edited(b, kind, random);
      if (!edits.empty()) b = edits[random.below(static_cast<std::uint32_t>(edits.size()))];
    }
    // An edited text may be no answer: only as a gold is that told apart from a wrong one.
    RC_PRE(GoldAnswer(b).is_readable());
    RC_LOG() << a << "   and   " << b << "\n";
    RC_ASSERT((grade(a, b) == Grade::equal) == (grade(b, a) == Grade::equal));
  });
}

TEST(GradeProperties, FormsOfOneAnswerAreEqualBothWays) {
  expect_property("equal", [] {
    RandomStream random = any_stream();
    const MathAnswer answer = exact_answer(random);
    const std::string a = any_form(answer, random);
    const std::string b = any_form(answer, random);
    RC_LOG() << a << "   and   " << b << "\n";
    RC_ASSERT(grade(a, b) == Grade::equal);
  });
}

TEST(GradeProperties, NoListThatHoldsTheAnswerAmongOthersIsEqual) {
  expect_property("no stuffing", [] {
    RandomStream random = any_stream();
    const MathAnswer answer = exact_answer(random);
    RC_PRE(answer.kind != "list" && answer.kind != "text");
    const MathAnswer other = testing::math_answer("integer", random);
    RC_PRE(other.text != answer.text);
    for (const char* join : {", ", " or ", "; ", " \\text{ and } ", ","}) {
      RC_LOG() << answer.text << join << other.text << "\n";
      RC_ASSERT(grade(answer.text, answer.text + join + other.text) != Grade::equal);
      RC_ASSERT(grade(answer.text, other.text + join + answer.text) != Grade::equal);
    }
  });
}

TEST(GradeProperties, TheGradeOfAnyBytesIsTheSameTwice) {
  expect_property("same twice", [](const std::string& gold, const std::string& pred) {
    const GoldAnswer reference(gold);
    const GradeResult first = reference.grade(pred);
    const GradeResult second = GoldAnswer(gold).grade(pred);
    RC_ASSERT(first.grade == second.grade);
    RC_ASSERT(first.reason == second.reason);
    RC_ASSERT((first.grade == Grade::gold_unparseable) == !reference.is_readable());
    if (reference.is_readable()) RC_ASSERT(reference.grade(gold).grade == Grade::equal);
  });
}

TEST(GradeProperties, AnAnswerIsExtractedFromAroundIt) {
  expect_property("extracted", [](const std::string& before) {
    RandomStream random = any_stream();
    const std::string answer = any_answer(random).text;
    const std::string completion = before + "</think>\n<answer> " + answer + " </answer>";
    const Extracted found = extract_answer(completion);
    RC_ASSERT(found.found);
    RC_ASSERT(found.answer == answer);
    RC_ASSERT(found.num_answers == 1u);
  });
}

}  // namespace
}  // namespace reckon
