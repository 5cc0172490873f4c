#include "puzzle_checks.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::base_conversion;

Grade grade_of(std::string_view answer, std::string_view spec = R"({"digits":"101101","from":2,"to":7})") {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(BaseConversion, GradesNumbersWorkedByHand) {
  // 101101 in base 2 = 32 + 8 + 4 + 1 = 45 = 6 * 7 + 3
  EXPECT_EQ(grade_of("63"), Grade::equal);
  EXPECT_EQ(grade_of(" 63.\n"), Grade::equal);
  for (const std::string_view wrong : {"45", "64", "063", "0b63", "63 (base 7)", "6 3", "+63", "-63", "63.0",
                                       "6,3", "63,", "\xD9\xA6\xD9\xA3" /* Arabic-Indic 63 */}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
  // 2026 = 7 * 256 + 14 * 16 + 10 = 7EA in base 16; 7EA = 7 * 256 + 234
  const std::string_view hexadecimal = R"({"digits":"2026","from":10,"to":16})";
  EXPECT_EQ(grade_of("7EA", hexadecimal), Grade::equal);
  EXPECT_EQ(grade_of("7ea", hexadecimal), Grade::equal);
  EXPECT_EQ(grade_of("0x7EA", hexadecimal), Grade::different);
  EXPECT_EQ(grade_of("7EG", hexadecimal), Grade::different);
  EXPECT_EQ(grade_of("0", R"({"digits":"0","from":3,"to":9})"), Grade::equal);
}

TEST(BaseConversion, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, R"({"digits":"101101","from":2,"to":7})", "63");
  EXPECT_EQ(spec_error(kKind, R"({"digits":"102","from":2,"to":7})"),
            "base_conversion: spec: \"digits\" is no number of base 2 (need digits of it, at most "
            "1000000000000)");
  EXPECT_THAT(spec_error(kKind, R"({"digits":"zzzzzzzzzzzzzzzzzzzz","from":36,"to":7})"),
              HasSubstr("no number"));
  EXPECT_EQ(spec_error(kKind, R"({"digits":"1","from":37,"to":7})"),
            "base_conversion: spec: \"from\" is 37 (need 2 .. 36)");
}

TEST(BaseConversion, EveryProblemAgreesWithTheLibrary) {
  testing::check_generator(kKind, 200, [](const Problem& problem) {
    const auto spec = nlohmann::json::parse(problem.spec);
    const int from = spec["from"];
    const int to = spec["to"];
    EXPECT_THAT(problem.prompt,
                HasSubstr("The number " + spec["digits"].get<std::string>() + " is written in base " +
                          std::to_string(from) + ". Write it in base " + std::to_string(to) + "."));
    // std::stoll reads any base
    EXPECT_EQ(std::stoll(problem.answer, nullptr, to),
              std::stoll(spec["digits"].get<std::string>(), nullptr, from));
    EXPECT_NE(problem.answer.front(), '0');
    EXPECT_GE(std::max(problem.answer.size(), spec["digits"].get<std::string>().size()), 2u);
  });
  testing::check_counts(kKind);
  // 7 bases, another of 6, 93 values; 9 * 8 * 951; 35 * 34 * 900,001
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(1), 3906u);
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(2), 68'472u);
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(5), 1'071'001'190u);
}

TEST(BaseConversion, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "The number 44 is written in base 6. Write it in base 8. Answer with the digits alone, without "
            "prefix and leading zeros, in a form like 1203.");
  // 4 * 6 + 4 = 28 = 3 * 8 + 4
  EXPECT_EQ(problem.trace,
            "<think>Value of 44 in base 6, digit by digit: 4, 4 * 6 + 4 = 28.\n"
            "Divide by 8: 28 = 3 * 8 + 4, 3 = 0 * 8 + 3.\n"
            "The remainders from the last to the first: 34.</think><answer>34</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "2a7289fd68e5c4c9 8f447a3798fd1e18");
}

}  // namespace
}  // namespace reckon
