// Any bytes as a gold, a NUL and a prediction: whole comparisons.
#include <string>

#include "fuzz_target.h"
#include "grade/certify/certifier.h"
#include "reckon/grade/grade.h"

namespace reckon {

/// Stands in for the worker processes, which a fuzzer cannot see into and should not fork: the linker takes
/// this one, and does not open the library's.
Equality certify_equal(const Expr& /*a*/, const Expr& /*b*/) {
  return Equality::undecided;
}

}  // namespace reckon

namespace reckon::fuzz {
namespace {

void check_grade(std::string_view gold_text, std::string_view pred) {
  const GoldAnswer gold(gold_text);
  require(gold.is_readable() == gold.problem().empty(), "an unreadable gold has its problem");
  const Grade grade = gold.grade(pred).grade;
  require((grade == Grade::gold_unparseable) == !gold.is_readable(), "only the gold makes it unparseable");
  if (!gold.is_readable()) return;
  const GradeResult itself = gold.grade(gold_text);
  require(itself.grade == Grade::equal || itself.reason == "divides by zero",
          "a gold with a value equals itself");
  // What the clock may cut short is not asked twice.
  if (grade == Grade::timeout || grade == Grade::undecided) return;
  const Grade again = gold.grade(pred).grade;
  require(again == grade || again == Grade::timeout, "a pair is graded the same twice");
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reckon::fuzz::text_of(data, size);
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) {
    reckon::fuzz::check_grade(text, text);
  } else {
    reckon::fuzz::check_grade(text.substr(0, nul), text.substr(nul + 1));
  }
  return 0;
}
