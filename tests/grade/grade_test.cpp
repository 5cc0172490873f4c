#include "reckon/grade/grade.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon {
namespace {

struct Pair {
  const char* gold;
  const char* pred;
};

std::string name_of(Grade grade) {
  return std::string(enum_name(grade));
}

void expect_all(Grade expected, const std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    const GradeResult result = GoldAnswer(pair.gold).grade(pair.pred);
    EXPECT_EQ(name_of(result.grade), name_of(expected))
        << pair.gold << "   " << pair.pred << "   " << result.reason;
  }
}

TEST(Grade, NumbersAsPeopleWriteThem) {
  expect_all(Grade::equal, {{"1,000", "1000"},
                            {"1000", "1 000"},
                            {"1000", "1{,}000"},
                            {"1000", "1,\\!000"},
                            {"1000", "$1,000$"},
                            {"1000", "\\$1000"},
                            {"1000", "$ 1000"},
                            {"1000", "1000."},
                            {"1000", "01000"},
                            {"1000", "1000.00"},
                            {"1000", "2000/2"},
                            {"1000", "10^3"},
                            {"1000", "1\\times10^3"},
                            {"1000", "1e3"},
                            {"18000000", "18 million"},
                            {"12", "twelve"},
                            {"-3", "- 3"},
                            {"-3",
                             "\xE2\x88\x92"
                             "3"},
                            {"-3", "-6/2"},
                            {"3/4", ".75"},
                            {"3/4", "\\frac34"},
                            {"3/4", "\\dfrac{3}{4}"},
                            {"3/4", "\\frac{6}{8}"},
                            {"3/4", "\xC2\xBE"},
                            {"3/2", "1\\frac12"},
                            {"3/2", "1 1/2"},
                            {"0", "-0.00"},
                            {"18", "\xEF\xBC\x91\xEF\xBC\x98"},
                            {"1,22", "1.22"},
                            {"0,111", "0.111"},
                            {"1.22", "1,22"},
                            {"004", "4"}});
  expect_all(
      Grade::different,
      {{"18", "17"},       {"18", "-18"},     {"18", "180"},    {"18", "1 8"},      {"18", "18 18"},
       {"18", "18 or 17"}, {"18", "17, 18"},  {"18", "1,8"},    {"18", "18.0.0"},   {"18", "18%"},
       {"18", "0x12"},     {"18", "18/0"},    {"18", "18/1/2"}, {"1000", "1, 000"}, {"1450000", "1450,000"},
       {"1/3", "0.33"},    {"1/3", "0.3334"}, {"0.28", "28"},   {"28/100", "28"},   {"1450000", "1,45,0000"},
       {"34", "3 4"},      {"4e-7", "3e-7"},  {"3/2", "1/2"},   {"1000", "1.000"}});
}

TEST(Grade, IsExactOnNumbers) {
  expect_all(Grade::equal,
             {{"123456789123456789/987654321987654321", "13717421013717421/109739369109739369"}});
  expect_all(Grade::different, {{"9007199254740993", "9007199254740992"},
                                {"1/10", "0.1000000000000000055511151231257827"},
                                {"0.1", "0.11"},
                                {"2^{100}", "2^{100}+1"}});
}

// Gold with k fraction digits: |pred - gold| <= 0.5 * 10^-k and <= 1e-4 |gold|.
TEST(Grade, RoundsDecimalsAsTheGoldIsWritten) {
  expect_all(Grade::equal, {{"3.1416", "\\pi"},  // off by 7.3e-6: within 5e-5 and 3.1e-4
                            {"3.1416", "3.14159"},
                            {"4.123105625617661", "\\sqrt{17}"},
                            {"\\pi", "3.142"},  // three digits, rightly rounded
                            {"2/3", "0.667"},
                            {"0.5", "1/2"},
                            {"12.50", "12.5"}});
  expect_all(Grade::different, {{"3.14", "\\pi"},   // off by 1.6e-3, relative 5e-4
                                {"\\pi", "3.14"},   // two digits are not enough
                                {"\\pi", "3.141"},  // not rounded
                                {"2/3", "0.666"},
                                {"7", "7.0001"},
                                {"0.33", "1/3"}});
}

TEST(Grade, PercentDegreesUnits) {
  expect_all(Grade::equal, {{"28\\%", "28 percent"},
                            {"28\\%", "28 %"},
                            {"28\\%", "28"},
                            {"28\\%", "0.28"},
                            {"0.28", "28\\%"},
                            {"90^\\circ", "90"},
                            {"90", "90^\\circ"},
                            {"90^\\circ", "\\frac{\\pi}{2}"},
                            {"15\\mbox{ cm}^2", "15"},
                            {"15", "15\\text{ cm}^2"},
                            {"\\frac13", "\\frac{1}{3} \\text{meters}"},
                            {"125\\text{ miles}", "125\\textnormal{ miles}"},
                            {"10", "10 dollars"},
                            {"\\$10", "10"},
                            {"5\\text{ km}", "5 km"}});
  expect_all(Grade::different, {{"28", "28\\%"},
                                {"0.5", "50"},
                                {"5\\text{ km}", "5\\text{ cm}"},
                                {"2", "2t"},
                                {"7", "7g"},
                                {"x^2+3", "x^2+3s"},
                                {"15\\text{ cm}^2", "15\\text{ cm}^3"},
                                {"90^\\circ", "\\frac{\\pi}{3}"}});
}

TEST(Grade, SurdsAndConstants) {
  expect_all(Grade::equal, {{"\\sqrt{8}", "2\\sqrt2"},
                            {"\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt 2}{2}"},
                            {"\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}"},
                            {"\\sqrt[3]{-8}", "-2"},
                            {"\\sqrt[3]{2+\\sqrt5}-\\sqrt[3]{\\sqrt5-2}", "1"},
                            {"\\frac{28\\sqrt{1050}}{756}", "\\frac{10\\sqrt{10.5}}{27}"},
                            {"\\ln 6", "\\ln 2+\\ln 3"},
                            {"\\log_2 8", "3"},
                            {"\\frac{\\sqrt3}{2}", "\\sin 60^\\circ"},
                            {"e^{i\\pi}", "-1"},
                            {"2i", "\\sqrt{-4}"},
                            {"3+4i", "4i+3"},
                            {"\\frac{\\pi}{4}", "\\arctan 1"},
                            {"10", "\\binom{5}{2}"},
                            {"10", "C_5^2"},
                            {"120", "5!"},
                            {"\\frac{\\sqrt{\\sqrt{11}+\\sqrt{194}}}{15+2\\sqrt{33}}",
                             "\\frac{\\sqrt{\\sqrt{11}+\\sqrt{194}}}{2\\sqrt{33}+15}"}});
  expect_all(Grade::different, {{"2", "\\frac{1+\\sqrt{5}}{2}"},
                                {"4", "\\frac{34}{16}+\\frac{\\sqrt{1358}}{16}"},
                                {"1\\sqrt{19}", "1"},
                                {"4", "4\\sqrt{2}"},
                                {"2007+\\frac{\\pi}{2}", "2002+\\frac{\\pi}{2}"},
                                {"\\frac{1}{2^{98}}", "\\frac{1}{2^{78}}"},
                                {"1-\\frac1e", "1+\\frac1e"}});
}

TEST(Grade, ExpressionsInVariables) {
  expect_all(Grade::equal, {{"(x+1)^2", "x^2+2x+1"},
                            {"\\frac{x^2-1}{x-1}", "x+1"},
                            {"\\frac{x+2}{7}", "\\frac{x}{7}+\\frac{2}{7}"},
                            {"2-2p", "2(1-p)"},
                            {"\\frac{\\pi r}{h+r}", "\\pi r/(r+h)"},
                            {"\\sin^2 x+\\cos^2 x", "1"},
                            {"\\sqrt{x^2}", "|x|"},
                            {"x^{n+1}", "x\\cdot x^n"}});
  expect_all(Grade::different, {{"a+b+c", "a+b-c"},
                                {"x+2n+1", "x+1"},
                                {"x", "X"},
                                {"x^2", "x^3"},
                                {"\\sin x", "\\cos x"},
                                {"x", "1"}});
}

TEST(Grade, NamesAndChains) {
  expect_all(Grade::equal, {{"5", "x = 5"},
                            {"x=5", "5"},
                            {"x = 5", "5 = x"},
                            {"11", "x\\approx 11"},
                            {"\\frac{10}{9}", "\\frac12 + \\frac{11}{18} = \\frac{10}{9}"},
                            {"z = 1 + 1 = 2", "z = 3+3 = 2"},
                            {"|AB|=1", "1"},
                            {"A:B=1", "1"},
                            {"\\frac12", "P(A) = 0.5"},
                            {"\\frac{NO}{BO}=\\frac{1}{\\sqrt{6}}", "\\frac{1}{\\sqrt{6}}"},
                            {"(p,q)=(3,2)", "(3, 2)"},
                            {"f(x) = x+1", "x+1"},
                            {"1/3", "x = 1/3 \\approx 0.33"}});
  expect_all(Grade::different, {{"x = 5", "y = 5"},
                                {"x = 5", "2x+1 = 11"},
                                {"x > 3", "2x+1 > 7"},
                                {"-2 \\le x \\le 2", "x^2 \\le 4"},
                                {"2x + z = 1", "1"},
                                {"5", "x = 5, y = 6"},
                                {"1", "2x+z = 1"}});
}

TEST(Grade, ListsAndSets) {
  expect_all(Grade::equal, {{"-2,1", "1,-2"},
                            {"1 and 2 and 3", "\\{3, 1, 2\\}"},
                            {"-12;-11;-10", "\\{-12, -11, -10\\}"},
                            {"AB=4,CD=5", "4, 5"},
                            {"(11,7)or(7,11)", "(7,11),\\ (11,7)"},
                            {"a=4,\\,-8,\\,-10", "-10,-8,4"},
                            {"p = -1 \\text{ and } p = \\dfrac{15}{8}", "p=-1,p=\\frac{15}{8}"},
                            {"\\pm 2", "2, -2"},
                            {"1 \\pm \\sqrt2", "1+\\sqrt{2}, 1-\\sqrt{2}"},
                            {"x = \\frac{1}{2}, x = \\frac{-1 \\pm \\sqrt{13}}{4}",
                             "\\frac{-1+\\sqrt{13}}{4}, \\frac{-1-\\sqrt{13}}{4}, \\frac12"},
                            {"1, 2", "1, 2, 2"},
                            {"\\{5\\}", "5"},
                            {"\\emptyset", "\\{\\}"},
                            {"(5, 8), (8, 5)", "(x, y) = (5, 8) \\quad \\text{and} \\quad (8, 5)"},
                            {"\\{1,2\\}\\cup\\{2,3\\}", "\\{1,2,3\\}"}});
  expect_all(Grade::different, {{"5", "5, 7"},
                                {"5", "5 or 7"},
                                {"\\pm 2021", "2021"},
                                {"2", "\\pm 2"},
                                {"1, 2, 3", "1, 2"},
                                {"1, 2", "1, 2, 3"},
                                {"1, 3", "(1, 3)"},
                                {"(1, 3)", "\\{1, 3\\}"},
                                {"32349", "32, 349"},
                                {"\\{1,2\\}", "\\{1,3\\}"}});
}

TEST(Grade, TuplesIntervalsInequalities) {
  expect_all(Grade::equal, {{"(6,31,-1)", "(6, 31, -1)"},
                            {"(\\frac12, 3)", "(0.5, 3)"},
                            {"[0,1)", "\\left[0, 1\\right)"},
                            {"-793 < a < 10", "(-793, 10)"},
                            {"x \\geq 5", "5 \\leq x"},
                            {"x < 1", "-x > -1"},
                            {"x^2 < 4", "-2 < x < 2"},
                            {"x^2 < 4", "(-2, 2)"},
                            {"x \\ne 2", "(-\\infty,2)\\cup(2,\\infty)"},
                            {"-2 \\le x \\le 7", "x \\in [-2,7]"},
                            {"[-2,7]", "x \\in [-2,7]"},
                            {"[1,2]\\cup[2,3]", "[1,3]"},
                            {"\\frac{x-1}{x+2} \\ge 0", "(-\\infty,-2)\\cup[1,\\infty)"},
                            {"x<1 \\text{ or } x>3", "(-\\infty,1)\\cup(3,\\infty)"},
                            {"f(2) < f(1) < f(4)", "f(4) > f(1) > f(2)"},
                            {"(-1, \\sqrt2)", "(-1, \\frac{2}{\\sqrt{2}})"}});
  expect_all(Grade::different, {{"(0,9)", "[0,9)"},
                                {"[0,9]", "(0,9)"},
                                {"(1,2)", "(2,1)"},
                                {"(0, 1)", "(0, 1.5)"},
                                {"x > 5", "x < 5"},
                                {"x \\geq 5", "x > 5"},
                                {"x < 3", "y < 3"},
                                {"x \\in [-2,7]", "-2 \\le x \\le 7"},
                                {"x \\ge 2", "x \\ge 2, x \\le 1"},
                                {"(1,2,3)", "(1,2]"}});
}

TEST(Grade, EquationsMatricesRatios) {
  expect_all(Grade::equal, {{"2x+3y=6", "4x+6y=12"},
                            {"y=2x+1", "2x - y + 1 = 0"},
                            {"x^2+y^2=1", "1 = x^2+y^2"},
                            {"\\frac{x^2}{4}+\\frac{y^2}{9}=1", "9x^2+4y^2=36"},
                            {"x \\ne 5", "x != 5"},
                            {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                             "\\left[\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right]"},
                            {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"},
                            {"2\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}2&4\\end{pmatrix}"},
                            {"7:32", "14:64"},
                            {"S_{MBCN}:S=7:32", "7:32"},
                            {"3:4", "\\frac34"},
                            {"12:00", "12:00"},
                            {"204_5", "204_{5}"},
                            {"204_{5}", "$204_5$"}});
  expect_all(Grade::different,
             {{"2x+3y=6", "2x+3y=7"},
              {"x^2+y^2=1", "x^2-y^2=1"},
              {"y=2x+1", "y=2x"},
              {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&5\\end{pmatrix}"},
              {"\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"},
              {"12:00", "1:00"},
              {"20:30", "10:15"},
              {"204_5", "204_6"},
              {"204_5", "204"},
              {"54", "204_5"},
              {"203_7", "203_2"}});
}

TEST(Grade, SaysWhenItCannotTell) {
  expect_all(Grade::undecided,
             {{"F_n = \\sum_{k=0}^{n-1} F_k F_{n-k-1}", "F_n = \\sum_{k=0}^{n-2} F_k F_{n-k-2}"}});
}

TEST(Grade, WordsAndChoices) {
  expect_all(Grade::equal, {{"\\text{odd}", "odd"},
                            {"Yes", "yes"},
                            {"\\text{Yes}", "Yes."},
                            {"B", "(B)"},
                            {"\\text{(B)}", "B"},
                            {"\\textbf{(B)}", "\\text{B}"},
                            {"east", "East"}});
  expect_all(Grade::different,
             {{"odd", "even"}, {"B", "C"}, {"\\text{(A)}", "\\text{E}"}, {"yes", "no"}, {"yes", "1"}});
}

TEST(Grade, BlanksLimitsAndUnreadableGolds) {
  EXPECT_EQ(GoldAnswer("18").grade("").grade, Grade::no_answer);
  EXPECT_EQ(GoldAnswer("18").grade(" \n\t").grade, Grade::no_answer);
  const std::string ones(1000, '1');
  EXPECT_EQ(GoldAnswer(ones).grade(ones).grade, Grade::equal);
  EXPECT_EQ(GoldAnswer(ones).grade(ones.substr(0, 999) + "2").grade, Grade::different);
  EXPECT_EQ(GoldAnswer("18").grade(ones + "1").grade, Grade::refused);
  EXPECT_EQ(GoldAnswer("18").grade("18." + std::string(5'000'000, '0')).grade, Grade::refused);
  for (const char* gold : {"", "\\frac{}{2}", "((", "2 +", "1/0"}) {
    const GoldAnswer answer(gold);
    EXPECT_FALSE(answer.is_readable()) << gold;
    EXPECT_FALSE(answer.problem().empty()) << gold;
    EXPECT_EQ(answer.grade("1").grade, Grade::gold_unparseable) << gold;
  }
}

TEST(Grade, OptionsChooseWhatPublicGradersDoDifferently) {
  GradeOptions ordered;
  ordered.ordered_lists = true;
  EXPECT_EQ(GoldAnswer("10, 4, -2", ordered).grade("4, 10, -2").grade, Grade::different);
  EXPECT_EQ(GoldAnswer("10, 4, -2").grade("4, 10, -2").grade, Grade::equal);
  GradeOptions tuples;
  tuples.tuple_as_set = true;
  EXPECT_EQ(GoldAnswer("(1, 3)", tuples).grade("\\{1, 3\\}").grade, Grade::equal);
  EXPECT_EQ(GoldAnswer("(1, 3)", tuples).grade("3, 1").grade, Grade::different);
  GradeOptions intervals;
  intervals.inequality_for_interval = true;
  EXPECT_EQ(GoldAnswer("x \\in [-2,7]", intervals).grade("-2 \\le x \\le 7").grade, Grade::equal);
}

TEST(Grade, AgreesWithWholeNumberArithmetic) {
  RandomStream random(11, 1);
  int equal = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::int64_t a = static_cast<std::int64_t>(random.below(41)) - 20;
    const std::int64_t b = random.below(12) + 1;
    const std::int64_t c = static_cast<std::int64_t>(random.below(41)) - 20;
    const std::int64_t d = random.below(12) + 1;
    // Scaled by a large common factor, so that the products have many limbs.
    const std::string zeros(random.below(30), '0');
    const std::string x = std::to_string(a) + zeros + "/" + std::to_string(b) + zeros;
    const std::string y = std::to_string(c) + "/" + std::to_string(d);
    const Grade expected = a * d == c * b ? Grade::equal : Grade::different;
    equal += expected == Grade::equal ? 1 : 0;
    ASSERT_EQ(grade_answer(x, y), expected) << x << " " << y;
    ASSERT_EQ(grade_answer(y, x), expected) << x << " " << y;
  }
  EXPECT_GT(equal, 30);  // the loop saw both outcomes
}

}  // namespace
}  // namespace reckon
