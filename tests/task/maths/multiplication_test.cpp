#include <algorithm>

#include "task/puzzles/puzzle_checks.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::multiplication;

Grade grade_of(std::string_view answer) {
  static const auto task = make_verifier(kKind);
  return task->grade(R"({"a":47,"b":36})", answer);
}

TEST(Multiplication, PaysTheProductButNoExpressionOfIt) {  // 47 * 36 = 1410 + 282 = 1692
  for (const std::string_view right : {"1692", "1,692", "1692.", "1692.0", "+1692", " 1692\n"})
    EXPECT_EQ(grade_of(right), Grade::equal) << right;
  for (const std::string_view wrong :
       {"1693",          "-1692",  "47*36",          "47 * 36",        "47 \\times 36", "47\\cdot 36",
        "1692/1",        "3384/2", "1692 = 47 * 36", "47 * 36 = 1692", "1410 + 282",    "1.692e3",
        "16,92",         "1 692",  "x = 1692",       "1692 or 1693",   "1692, 1693",    "\\frac{3384}{2}",
        "\\boxed{1692}", "1692*1", "169200%",        "0x69C"}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
  EXPECT_EQ(grade_of(std::string(1001, '1')), Grade::refused);
}

TEST(Multiplication, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, R"({"a":47,"b":36})", "1692");
  EXPECT_EQ(spec_error(kKind, R"({"a":1000000000,"b":36})"),
            "multiplication: spec: \"a\" is 1000000000 (need 0 .. 999999999)");
  EXPECT_EQ(spec_error(kKind, R"({"a":4.5,"b":36})"),
            "multiplication: spec: \"a\" is no whole number (need 0 .. 999999999)");
}

/// Schoolbook multiplication on the digits.
std::string product_of(const std::string& a, const std::string& b) {
  std::string sum(a.size() + b.size(), '0');
  for (std::size_t i = b.size(); i-- > 0;) {
    int carry = 0;
    for (std::size_t j = a.size(); j-- > 0;) {
      char& digit = sum[i + j + 1];
      const int value = (digit - '0') + (a[j] - '0') * (b[i] - '0') + carry;
      digit = static_cast<char>('0' + value % 10);
      carry = value / 10;
    }
    sum[i] = static_cast<char>('0' + carry);
  }
  return sum.substr(std::min(sum.find_first_not_of('0'), sum.size() - 1));
}

TEST(Multiplication, EveryProblemAgreesWithSchoolbookMultiplication) {
  testing::check_generator(kKind, 200, [](const Problem& problem) {
    const std::size_t star = problem.prompt.find(" * ");
    const std::string a = problem.prompt.substr(8, star - 8);
    const std::string b = problem.prompt.substr(star + 3, problem.prompt.find(' ', star + 3) - star - 3);
    EXPECT_EQ(problem.answer, product_of(a, b));
    EXPECT_EQ(a.size(),
              (std::vector<std::size_t>{2, 3, 4, 6, 8}.at(static_cast<std::size_t>(problem.level - 1))));
    EXPECT_EQ(a.size(), b.size());
  });
  testing::check_counts(kKind);
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(1), 8100u);
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(5), 8'100'000'000'000'000u);  // (9 * 10^7)^2
}

TEST(Multiplication, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Compute 59 * 51 exactly. Answer with the product alone, in digits, in a form like 1234.");
  EXPECT_EQ(problem.trace,
            "<think>59 * 50 = 2950\n59 * 1 = 59\n2950 + 59 = 3009\nSo 59 * 51 = "
            "3009.</think><answer>3009</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "88211fa1439ac0da 2946a511e6f49d10");
}

}  // namespace
}  // namespace reckon
