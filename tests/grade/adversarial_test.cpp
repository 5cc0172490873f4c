// What completions do to graders (grading.md, section 4), each with its grade by hand, within time and
// memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/resources.h"

namespace reckon {
namespace {

// The grader's aims are 300 ms and 64 MiB; ten times that, so that no slow or shared machine fails a test.
constexpr double kMaxSeconds = 3.0;
constexpr double kMaxGrowthMib = 640.0;

struct Pair {
  std::string gold;
  std::string pred;
};

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  text.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

std::string shown(const std::string& text) {
  return text.size() < 120 ? text : text.substr(0, 100) + "... (" + std::to_string(text.size()) + " bytes)";
}

GradeResult grade_within_bounds(const Pair& pair) {
  const testing::ResourceMeter meter;
  GradeResult result = GoldAnswer(pair.gold).grade(pair.pred);
  EXPECT_LT(meter.seconds(), kMaxSeconds) << "gold " << shown(pair.gold) << "\npred " << shown(pair.pred);
  EXPECT_LT(meter.growth_mib(), kMaxGrowthMib)
      << "gold " << shown(pair.gold) << "\npred " << shown(pair.pred);
  return result;
}

void expect_grades(const std::vector<Pair>& pairs, const std::set<Grade>& expected) {
  for (const Pair& pair : pairs) {
    const GradeResult result = grade_within_bounds(pair);
    EXPECT_TRUE(expected.count(result.grade) > 0)
        << "gold " << shown(pair.gold) << "\npred " << shown(pair.pred) << "\n"
        << enum_name(result.grade) << " " << result.reason;
  }
}

void expect_equal(const std::vector<Pair>& pairs) {
  expect_grades(pairs, {Grade::equal});
}

void expect_different(const std::vector<Pair>& pairs) {
  expect_grades(pairs, {Grade::different});
}

/// Not paid, whether it is shown to be wrong or given up.
const std::set<Grade> kUnpaid = {Grade::different, Grade::refused, Grade::timeout, Grade::undecided};

TEST(GradeAdversarial, HugeNumbersAreNotComputed) {
  expect_grades(
      {
          {"1", "9^9^9"},
          {"1", "9^{9^{9}}"},
          {"9^{9^9}", "9^{9^9}+1"},
          {"1", "1+9^{-9^9}"},
          {"0", "9^{-9^9}"},
          {"1", "(100!)!"},
          {"1", "((10!)!)!!"},
          {"1", "3!!!!!!!!!!!!"},
          {"1", "2^{10^{10}}"},
          {"2^{10^{10}}", "2^{10^{10}}+1"},
          {"0", "2^{10^{10}}-2^{10^{10}}+1"},
          {"1", "1e999999999"},
          {"0", "1e-999999999"},
          {"1", "10^{10^{100}} \\bmod 7"},  // it is 4
          {"1", "\\sqrt[10^9]{2}"},
          {"1", "\\ln(9^{9^9})"},
          {"1", "\\sin(10^{10^{10}})"},
          {"1", "e^{e^{e^{e^{e}}}}"},
          {"1", "\\gcd(9^{9^9}, 6)"},  // it is 3
          {"1", "\\lfloor 9^{9^9} \\rfloor"},
          {"2 \\times 10^{9999999999}", "3 \\times 10^{9999999999}"},
      },
      kUnpaid);
}

TEST(GradeAdversarial, BigSumsAndProductsAreNotComputed) {
  expect_grades(
      {
          {"1", "\\sum_{k=1}^{10^9} k"},
          {"1", "\\prod_{k=1}^{10^9} k"},
          {"1", "\\sum_{k=1}^{10^4} \\sum_{j=1}^{10^4} kj"},
          {"1", "\\sum_{a=1}^{99}\\sum_{b=1}^{99}\\sum_{c=1}^{99}\\sum_{d=1}^{99}\\sum_{f=1}^{99} abcdf"},
          {"1", "\\sum_{k=1}^{\\infty} \\frac{1}{k^2}"},
          {"1", "\\sum_{k=1}^{9999} k^{9999}"},
          {"1", "\\binom{10^9}{5 \\cdot 10^8}"},
          {"1", "\\binom{10000}{5000}^{10000}"},
          {"1", "\\int_0^{10^9} e^{x^2} dx"},
      },
      kUnpaid);
}

TEST(GradeAdversarial, LargeExpressionsInVariablesAreNotExpanded) {
  expect_grades({{"x^2", "x^{10^{10}}"},
                 {"(a+b)^2", "(a+b+c+d+f+g+h)^{10^6}"},
                 {"(a+b+c+d+f+g+h)^{40}", "(a+b+c+d+f+g+h)^{40}+1"},
                 {"x", "((((((x^{99})^{99})^{99})^{99})^{99})^{99})^{99}"},
                 {"x", "x^{x^{x^{x^{x^{x}}}}}"},
                 {"x", "\\sqrt{x+\\sqrt{x+\\sqrt{x+\\sqrt{x+\\sqrt{x+\\sqrt{x+\\sqrt{x+1}}}}}}}"}},
                kUnpaid);
  expect_equal({{"(a+b+c+d+f+g+h)^{40}", "(h+g+f+d+c+b+a)^{40}"}, {"x^{999999}+1", "1+x^{999999}"}});
}

TEST(GradeAdversarial, HardConstantsAreDecidedOrGivenUp) {
  // sin 1 sin 3 ... sin 89 = sqrt(2) / 2^45: true, and too hard to certify for some.
  std::string product;
  for (int degree = 1; degree < 90; degree += 2) product += "\\sin " + std::to_string(degree) + "^\\circ ";
  expect_grades({{"\\frac{\\sqrt{2}}{2^{45}}", product}},
                {Grade::equal, Grade::timeout, Grade::undecided, Grade::refused});
  expect_grades({{"1", product}, {"\\frac{\\sqrt{2}}{2^{44}}", product}}, kUnpaid);
  std::string roots = "\\sqrt{2}";
  for (const char* prime : {"3", "5", "7", "11", "13", "17", "19", "23", "29", "31", "37", "41"}) {
    roots += std::string("+\\sqrt{") + prime + "}";
  }
  expect_grades({{"48", roots}, {roots, roots + "+9^{-9^9}"}}, kUnpaid);
  expect_grades({{"(" + roots + ")^2 - (" + roots + ")^2", "0"}},
                {Grade::equal, Grade::timeout, Grade::undecided, Grade::refused});
}

TEST(GradeAdversarial, WhatIsOverALimitIsRefused) {
  const auto nested = [](std::string_view open, std::string_view close, std::size_t depth) {
    return repeated(open, depth) + "1" + repeated(close, depth);
  };
  std::string wide = "\\begin{pmatrix}" + repeated("1&", 16) + "1\\end{pmatrix}";
  expect_grades(
      {
          {"1", nested("(", ")", 3000)},
          {"1", nested("(", ")", 40)},
          {"1", nested("{", "}", 5000)},
          {"1", nested("\\sqrt{", "}", 40)},
          {"1", nested("\\frac{1}{", "}", 40)},
          {"1", nested("x^{", "}", 40)},
          {"1", nested("|", "|", 400)},
          {"1", repeated("-", 900) + "1"},
          {"1", "1" + repeated("!", 900)},
          {"1", repeated("1 ", 20'000)},
          {"1", repeated("\\(", 5000)},
          {"1", std::string(1001, '1')},
          {"1", "0." + std::string(1001, '1')},
          {"1", repeated("1,", 64) + "1"},
          {"1", "\\{" + repeated("1,", 64) + "1\\}"},
          {"1", "(" + repeated("1,", 64) + "1)"},
          {"1", wide},
      },
      {Grade::refused});
  const std::string digits(900, '7');
  expect_equal({{digits, digits}, {digits, digits + ".0"}});
  expect_different({{digits, digits.substr(1) + "8"}});
}

TEST(GradeAdversarial, OneAnswerAmongSeveralIsNotPaid) {
  expect_different({{"5", "5 or 7"},
                    {"5", "5, 7"},
                    {"5", "5;7"},
                    {"5", "5 and 7"},
                    {"5", "\\{5, 7\\}"},
                    {"5", "\\{5\\} \\cup \\{7\\}"},
                    {"5", "1,2,3,4,5,6,7,8,9"},
                    {"5", "x=5 \\text{ or } x=7"},
                    {"5", "\\pm 5"},
                    {"5", "[5, 7]"},
                    {"5", "[5, 5]"},
                    {"5", "(5, 7)"},
                    {"5", "(5, 5)"},
                    {"5", "x \\ge 5"},
                    {"5", "4 < x < 6"},
                    {"5", "\\mathbb{Z}"},
                    {"5", "x"},
                    {"5", "x = x"},
                    {"5", "x \\in \\{5, 7\\}"},
                    {"5", "5 \\text{ or } 5.0001"},
                    {"B", "A, B, C, D"},
                    {"B", "A or B"},
                    {"\\text{(B)}", "A B C D"},
                    {"\\text{yes}", "\\text{yes or no}"},
                    {"\\text{yes}", "yes no"},
                    {"1,2", "1,2,3"},
                    {"1,2", "1"},
                    {"1,2", "1,3"},
                    {"(1,2)", "(1,2),(3,4)"},
                    {"x=1", "x=1, x=2"},
                    {"[0,1]", "\\mathbb{R}"},
                    {"[0,1]", "[0,1],[0,2]"},
                    {"y=2x", "y=2x, y=3x"}});
  expect_grades({{"5", "5 7"}, {"5", "5 \\ 7"}, {"1728", "1331 and 1728"}}, kUnpaid);
}

TEST(GradeAdversarial, BlankAnswersAreNone) {
  expect_grades({{"5", ""}, {"5", " \n\t"}, {"5", "$$"}, {"5", "$ $"}, {"5", "\\boxed{}"}, {"5", "\u200B"}},
                {Grade::no_answer});
}

TEST(GradeAdversarial, NothingIsDefinedByDivisionByZero) {
  expect_grades(
      {{"1", "\\frac{0}{0}"},
       {"0", "\\frac{0}{0}"},
       {"1", "\\frac{1}{0}"},
       {"\\frac{2}{0}", "\\frac{1}{0}"},
       {"0", "0 \\cdot \\frac{1}{0}"},
       {"1", "0^{-1}"},
       {"1", "\\ln 0"},
       {"1", "\\tan 90^\\circ"},
       {"0", "0 \\times \\infty"},
       {"0", "\\infty - \\infty"},
       {"1", "\\frac{\\infty}{\\infty}"},
       {"0", "\\frac{x}{x-x}"},
       {"1", "\\frac{x-x}{x-x}"},
       {"5", "nan"},
       {"5", "\\frac{5}{\\sqrt{3+2\\sqrt{2}}-1-\\sqrt{2}}"}},
      {Grade::different, Grade::refused, Grade::undecided, Grade::timeout, Grade::gold_unparseable});
}

TEST(GradeAdversarial, UnicodeIsReadAsItLooksOrRefused) {
  expect_equal({{"18", "\uFF11\uFF18"},      // full-width digits
                {"51", "\u202E51\u202C"},    // right-to-left override: bytes in the order they stand
                {"18", "\u200E18\u200F"},    // direction marks
                {"18", "\uFEFF18"},          // byte order mark
                {"-5", "\u22125"},           // minus sign
                {"-5", "\u20135"},           // en dash
                {"\\frac{1}{2}", "\u00BD"},  // the glyph 1/2
                {"x^2", "x\u00B2"},          // superscript two
                {"\\sqrt{2}", "\u221A2"},
                {"2\\pi", "2\u03C0"},
                {"5", "5\u00A0"},
                {"1000", "1\u2009000"},  // thin space between thousands
                {"3 \\times 4", "3 \u00D7 4"},
                {"x \\le 5", "x \u2264 5"},
                {"60^\\circ", "60\u00B0"}});
  expect_different({{"15", "\u202E51\u202C"}, {"x2", "x\u00B2"}});
  expect_grades({{"x", "\u0445"},               // Cyrillic ha
                 {"x+a", "x+\u0430"},           // Cyrillic a
                 {"12", "\u0661\u0662\u0001"},  // a control character
                 {"5", "5\u20E3"},              // keycap
                 {"5", "\U0001F642"},
                 {"5", "5\xFF"},     // no UTF-8
                 {"5", "\xC0\xB5"},  // 5 in an overlong form
                 {"5", std::string("5\0", 2)}},
                {Grade::refused, Grade::different});
  // A zero-width space between digits may hide one number or two: neither is read into it.
  expect_grades({{"15", "1\u200B5"}, {"1", "1\u200B5"}, {"5", "1\u200B5"}}, {Grade::refused});
  // Arabic-Indic 18: the number, or refused; never another number.
  expect_grades({{"18", "\u0661\u0668"}}, {Grade::equal, Grade::refused});
  expect_grades({{"1", "\u0661\u0668"}}, {Grade::different, Grade::refused});
}

TEST(GradeAdversarial, CodeIsOnlyWords) {
  const std::filesystem::path made = std::filesystem::temp_directory_path() / "reckon-code-was-run";
  std::filesystem::remove(made);
  const std::string touch = "touch " + made.string();
  expect_grades({{"5", "__import__('os').system('" + touch + "')"},
                 {"5", "[c for c in ().__class__.__base__.__subclasses__()]"},
                 {"5", "().__class__"},
                 {"5", "eval('5')"},
                 {"5", "exec(\"print(5)\")"},
                 {"5", "lambda: 5"},
                 {"5", "$(" + touch + ")"},
                 {"5", "`" + touch + "`"},
                 {"5", "\\write18{" + touch + "}"},
                 {"5", "\\input{/etc/passwd}"},
                 {"5", "\\def\\x{5}\\x"},
                 {"5", "{{5}}; return True"},
                 {"5", "%s%n"},
                 {"5", "True"},
                 {"5", "5 if True else 6"},
                 {"5", "gold"},
                 {"5", "5' or '1'='1"},
                 {"5", "import sys; sys.exit(0)"},
                 {"5", "{\"answer\": 5}"}},
                {Grade::different, Grade::refused});
  EXPECT_FALSE(std::filesystem::exists(made));
}

TEST(GradeAdversarial, LettersBehindNumbersAreNoUnits) {
  expect_different({{"2", "2t"},
                    {"7h", "7g"},
                    {"x^2+3", "x^2+3s"},
                    {"2", "2m"},
                    {"2", "2 x"},
                    {"12 \\text{ cm}", "12 \\text{ m}"},
                    {"12 \\text{ cm}", "13"},
                    {"12 \\text{ cm}", "12 \\text{ cm}^2"},
                    {"\\$5", "5 \\text{ euros}"},
                    {"1 - 1/\\mathrm{e}", "1 + 1/\\mathrm{e}"},
                    {"X", "x"},
                    {"5", "5 \\text{ is wrong, it is } 6"},
                    {"3", "3 \\cdot \\text{cm}^0 \\cdot 2"}});
  expect_equal({{"12 \\text{ cm}", "12"},
                {"12 \\text{ cm}", "12 cm"},
                {"12", "12 \\text{ cm}"},
                {"\\$5", "5 dollars"}});
}

TEST(GradeAdversarial, PercentIsAHundredthUnlessTheGoldSaysSo) {
  expect_equal({{"10\\%", "10%"},
                {"10\\%", "10.0 \\%"},
                {"10\\%", "0.1"},
                {"10\\%", "\\frac{1}{10}"},
                {"10\\%", "10"},
                {"0.1", "10\\%"},
                {"\\frac{1}{10}", "10 \\text{ percent}"}});
  expect_different({{"10", "10\\%"},
                    {"10\\%", "0.001"},
                    {"10\\%", "1000"},
                    {"10\\%", "11\\%"},
                    {"10\\%", "0.10\\%"},
                    {"50", "0.5"},
                    {"0.5", "50"},
                    {"10\\%", "10^\\circ"}});
}

TEST(GradeAdversarial, DigitsAreNotJoinedOrDropped) {
  expect_equal(
      {{"1000", "1,000"}, {"1000", "1 000"}, {"1000", "1{,}000"}, {"1000", "1,\\!000"}, {"18", "18."}});
  expect_grades({{"34", "3 4"},
                 {"34", "3, 4"},
                 {"34", "3_4"},
                 {"34", "3.4"},
                 {"34", "3\\,4"},
                 {"1000", "1, 000"},
                 {"1,000", "1, 000"},
                 {"1000", "1,00"},
                 {"1000", "10,00"},
                 {"100", "1 00"},
                 {"1234", "12 34"},
                 {"18", "18.."},
                 {"18", "18.5."},
                 {"12", "1\\text{2}"},
                 {"203_7", "203_2"},
                 {"203_7", "203"},
                 {"\\frac{1}{2^{98}}", "\\frac{1}{2^{78}}"},
                 {"a+b+c", "a+b-c"},
                 {"2007+\\frac\\pi 2", "2002+\\frac\\pi 2"}},
                kUnpaid);
}

TEST(GradeAdversarial, DecimalsAreRoundedOnlyAsTheirDigitsSay) {
  expect_different({{"4e-7", "3e-7"},
                    {"0.0000004", "0.0000003"},
                    {"4 \\times 10^{-7}", "3 \\times 10^{-7}"},
                    {"4 \\times 10^{-7}", "0"},
                    {"0", "0.0001"},
                    {"0.33", "\\frac{1}{3}"},  // 1 % off: more than 1e-4 of it
                    {"3.14", "\\pi"},
                    {"\\frac{1}{3}", "0.33"},  // two digits
                    {"\\frac{1}{3}", "0.334"},
                    {"\\frac{1}{3}", "0.3334"},
                    {"\\frac{2}{3}", "0.666"},  // cut, not rounded
                    {"\\pi", "3.141"},
                    {"\\pi", "3.14"},
                    {"5", "5.0001"},
                    {"5", "4.999"},
                    {"100000", "100001"},
                    {"1000000.5", "1000001.5"}});
  expect_equal({{"\\frac{1}{3}", "0.333"},
                {"\\frac{1}{3}", "0.3333333333"},
                {"\\frac{2}{3}", "0.667"},
                {"\\pi", "3.142"},
                {"0.33333", "\\frac{1}{3}"},
                {"3.1416", "\\pi"},
                {"0.5", "\\frac{1}{2}"},
                {"5", "5.000"},
                {"0", "0.000"},
                {"0.0000004", "4 \\times 10^{-7}"}});
}

}  // namespace
}  // namespace reckon
