// Answers that say nothing, or something else, and were or could be taken for right ones: a policy in
// training finds each of them. Every grade by hand.
#include <gtest/gtest.h>

#include "reckon/grade/grade.h"

namespace reckon {
namespace {

struct Pair {
  const char* gold;
  const char* pred;
};

void expect_unpaid(std::initializer_list<Pair> pairs) {
  for (const Pair& pair : pairs) {
    EXPECT_NE(GoldAnswer(pair.gold).grade(pair.pred).grade, Grade::equal)
        << pair.gold << "   for   " << pair.pred;
  }
}

void expect_equal(std::initializer_list<Pair> pairs) {
  for (const Pair& pair : pairs) {
    const GradeResult result = GoldAnswer(pair.gold).grade(pair.pred);
    EXPECT_EQ(result.grade, Grade::equal)
        << pair.gold << "   for   " << pair.pred << ": " << enum_name(result.grade) << " " << result.reason;
  }
}

/// (5, 3) is a point. Read as an interval it has no numbers, and so have very many others.
TEST(GradeLoopholes, APointIsNotTheEmptySet) {
  expect_unpaid({{"(5,3)", "[9,2)"},
                 {"(5,3)", "(9,2]"},
                 {"(5,3)", "]5,3["},
                 {"(0,0)", "[0,0)"},
                 {"(5,3)", "[7,7)"},
                 {"(5,3)", "\\emptyset"},
                 {"(5,3)", "\\{\\}"},
                 {"(5,3)", "(9,2)\\cup(5,4)"},
                 {"(5,3)", "\\{1\\}\\setminus\\{1\\}"},
                 {"(5,3)", "[1,2]\\cap[3,4]"},
                 {"(3,3)", "\\{x|x<1,x>2\\}"},
                 {"(1,2),(5,3)", "(1,2),[9,8)"}});
  expect_equal({{"(1,2)", "]1,2["}, {"(1,2)", "\\{x | 1<x<2\\}"}, {"\\emptyset", "\\{\\}"}});
}

TEST(GradeLoopholes, InfinityIsInNoInterval) {
  expect_unpaid({{"(-\\infty,3]", "[-\\infty,3]"},
                 {"[3,\\infty)", "[3,\\infty]"},
                 {"(3,\\infty)", "(3,\\infty]"},
                 {"(-\\infty,1)\\cup(2,\\infty)", "[-\\infty,1)\\cup(2,\\infty)"},
                 {"(-\\infty,1)\\cup(2,\\infty)", "(-\\infty,1)\\cup(2,\\infty]"}});
}

/// a : b = c : d where a d = b c, but 0 : 0 is no ratio.
TEST(GradeLoopholes, NothingToNothingIsNoRatio) {
  expect_unpaid({{"1:2", "0:0"},
                 {"2:3:5", "0:0:0"},
                 {"2:3:5", "2:3:0"},
                 {"2:3:5", "0:3:5"},
                 {"a:b", "0:0"},
                 {"1:2", "x-x:0"},
                 {"\\frac{1}{2}", "0:0"}});
  expect_equal({{"1:2", "3:6"}, {"0:1", "0:5"}, {"2:3:5", "4:6:10"}});
}

TEST(GradeLoopholes, ACongruenceHasItsModulus) {
  expect_unpaid({{"x \\equiv 2 \\pmod 5", "x \\equiv 2 \\pmod 7"},
                 {"n \\equiv 0 \\mod 4", "n \\equiv 0 \\mod 2"},
                 {"x \\equiv 2 \\pmod 5", "x \\equiv 2"},
                 {"x \\equiv 2 \\pmod 5", "x \\equiv 3 \\pmod 5"},
                 {"x \\equiv 2 \\pmod 5", "x = 2"}});
  expect_equal({{"x \\equiv 2 \\pmod 5", "x \\equiv 7 \\pmod{5}"}});
}

/// Three digits behind the point are enough to round an exact gold only where they say something of it.
TEST(GradeLoopholes, ASmallGoldIsNotRoundedToNothing) {
  expect_unpaid({{"\\frac{1}{2^{98}}", "0.000"},
                 {"\\frac{1}{3000}", "0.000"},
                 {"10^{-30}", "0.000"},
                 {"10^{-30}", "-0.000"},
                 {"e^{-100}", "0.0000"},
                 {"0", "0.0001"}});
  expect_equal({{"\\frac{1}{1024}", "0.0009765625"}, {"0", "0.000"}, {"\\frac{1}{3}", "0.333"}});
}

TEST(GradeLoopholes, InfinityIsNoNumber) {
  expect_unpaid({{"1", "\\frac{\\infty}{\\infty}"},
                 {"1", "\\infty^0"},
                 {"1", "1^\\infty"},
                 {"0", "0 \\cdot \\infty"},
                 {"0", "\\infty-\\infty"},
                 {"\\infty", "-\\infty"},
                 {"\\infty", "\\frac{1}{0}"}});
}

/// What nothing equals, itself included, would be a problem that nobody can solve.
TEST(GradeLoopholes, AGoldThatDividesByZeroCannotBeRead) {
  for (const char* gold : {"\\frac{1}{0}", "\\frac{0}{0}", "\\frac{1}{\\sqrt{3+2\\sqrt{2}}-1-\\sqrt{2}}"}) {
    EXPECT_FALSE(GoldAnswer(gold).is_readable()) << gold;
    EXPECT_EQ(GoldAnswer(gold).grade(gold).grade, Grade::gold_unparseable) << gold;
  }
}

/// Functions with steps agree at almost every point: the whole numbers tell them apart.
TEST(GradeLoopholes, StepsAreToldApartAtWholeNumbers) {
  expect_unpaid({{"\\lfloor x \\rfloor + 1", "\\lceil x \\rceil"},
                 {"\\lceil x \\rceil - \\lfloor x \\rfloor", "1"},
                 {"\\lfloor x \\rfloor", "x"},
                 {"\\lfloor x \\rfloor + \\lfloor -x \\rfloor", "-1"}});
}

TEST(GradeLoopholes, OneOfTwoAlternativesIsNotBoth) {
  expect_unpaid({{"x>1 \\text{ and } x<4", "x>1 \\text{ or } x<4"}, {"x=1 \\text{ or } x=2", "x=1"}});
}

/// A set is not its member, for a gold that is a number or a letter.
TEST(GradeLoopholes, ASetIsNoScalar) {
  expect_unpaid(
      {{"18", "\\{18\\}"}, {"\\text{B}", "\\{B\\}"}, {"18", "\\{18, 19\\}"}, {"18", "\\{\\{18\\}\\}"}});
}

/// Units come from a closed list: other words may say that the number is not the answer, or scale it.
TEST(GradeLoopholes, WordsBehindANumberAreNotDropped) {
  expect_unpaid({{"5", "5 \\text{ dozen}"},
                 {"5", "5 \\text{ tenths}"},
                 {"5", "5 \\text{ thousandths}"},
                 {"5", "5 \\text{ factorial}"},
                 {"5", "5 \\text{ hundred}"},
                 {"5", "5 \\text{ percent}"},
                 {"5", "5 \\text{ not}"},
                 {"5", "5 \\text{ is wrong}"},
                 {"5", "5 \\text{ or more}"},
                 {"5", "\\text{at least } 5"}});
}

TEST(GradeLoopholes, TwoExclamationMarksAreADoubleFactorial) {
  expect_equal({{"15", "5!!"}, {"48", "6!!"}, {"5!!", "15"}, {"720!", "(6!)!"}});
  expect_unpaid({{"5!!", "(5!)!"}, {"120!", "5!!"}});
}

TEST(GradeLoopholes, MatricesKeepTheirShape) {
  expect_unpaid({{"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&2&3&4\\end{pmatrix}"},
                 {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"},
                 {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "1,2"},
                 {"5", "\\begin{pmatrix}5\\end{pmatrix}"}});
  expect_equal({{"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"},
                {"2\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}2\\\\4\\end{pmatrix}"}});
}

/// What differs too little for any sampling or rounding, and is no answer all the same.
TEST(GradeLoopholes, NearlyIsNotEqual) {
  expect_unpaid({{"\\pi", "\\pi+10^{-60}"},
                 {"\\pi", "\\pi+e^{-1000}"},
                 {"\\pi", "\\frac{355}{113}"},
                 {"x", "x+\\frac{1}{10^{40}}"},
                 {"x", "x+\\sin(10^{-40})"},
                 {"x", "x \\cdot \\frac{10^{30}+1}{10^{30}}"},
                 {"\\sqrt{2}", "\\sqrt{2+10^{-200}}"},
                 {"262537412640768744", "e^{\\pi\\sqrt{163}}"},
                 {"0", "2^{-70000}"},
                 {"\\sqrt{2}+\\sqrt{3}", "\\pi"},
                 {"0", "\\sin(\\pi x)"},
                 {"x", "\\sqrt{x^2}"},
                 {"x", "\\arcsin(\\sin x)"}});
}

}  // namespace
}  // namespace reckon
