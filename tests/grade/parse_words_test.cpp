// Trees of quantities and words, and what is not seen of an answer: its markup.
#include <gtest/gtest.h>

#include "parsed.h"

namespace reckon {
namespace {

using testing::expect_trees;

TEST(ParseUnits, KnowsUnitsByWordsOnly) {
  expect_trees({{"15\\mbox{ cm}^2", "(quantity \"cm^2\" 15)"},
                {"125\\textnormal{ miles}", "(quantity \"mile\" 125)"},
                {"$125$ miles", "(quantity \"mile\" 125)"},
                {"\\frac{1}{3} \\text{meters}", "(quantity \"m\" (divide 1 3))"},
                {"5cm", "(quantity \"cm\" 5)"},
                {"10 km", "(quantity \"km\" 10)"},
                {"5 \\text{ m}", "(quantity \"m\" 5)"},
                {"5\\mathrm{m}", "(quantity \"m\" 5)"},
                {"5 \\text{ m/s}^2", "(quantity \"m/s^2\" 5)"},
                {"5 km/h", "(quantity \"km/h\" 5)"},
                {"5\\,\\mathrm{m\\cdot s^{-1}}", "(quantity \"m*s^-1\" 5)"},
                {"60 miles per hour", "(quantity \"mile/h\" 60)"},
                {"12 square feet", "(quantity \"ft^2\" 12)"},
                {"3 meters cubed", "(quantity \"m^3\" 3)"},
                {"12 \\text{ square units}", "(quantity \"unit^2\" 12)"},
                {"25\\pi\\text{ square feet}", "(quantity \"ft^2\" (multiply 25 pi))"},
                {"2+\\sqrt3 \\text{ cm}", "(quantity \"cm\" (add 2 (root 3 2)))"},
                {"5 cm + 3 cm", "(add (quantity \"cm\" 5) (quantity \"cm\" 3))"},
                {"3 hours 20 minutes", "(add (quantity \"h\" 3) (quantity \"min\" 20))"},
                {"1 1/2 hours", "(quantity \"h\" (add 1 (divide 1 2)))"},
                {"x = 5 \\text{ cm}", "(relation x equal (quantity \"cm\" 5))"},
                {"5 \\text{ red apples}", "(quantity \"red apples\" 5)"},
                {"20 degrees Celsius", "(quantity \"celsius\" 20)"},
                {"90^\\circ C", "(quantity \"celsius\" 90)"},
                // Bare letters are mathematics.
                {"2t", "(multiply 2 t)"},
                {"7g", "(multiply 7 g)"},
                {"5 m", "(multiply 5 m)"},
                {"x^2+3s", "(add (power x 2) (multiply 3 s))"},
                {"2\\mathrm{e}", "(multiply 2 euler)"}});
}

TEST(ParseUnits, KnowsMoney) {
  expect_trees({{"\\$10", "(quantity \"dollar\" 10)"},
                {"$10", "(quantity \"dollar\" 10)"},
                {"$10$", "10"},
                {"-\\$5.50", "(negate (quantity \"dollar\" 5.50))"},
                {"\\$32{,}348", "(quantity \"dollar\" 32348)"},
                {"\\$1.5 million", "(quantity \"dollar\" 1.5e6)"},
                {"\\$\\infty", "(quantity \"dollar\" infinity)"},
                {"\\$5 per hour", "(quantity \"dollar/h\" 5)"},
                {"10 dollars", "(quantity \"dollar\" 10)"},
                {"0.06 \\text{ yuan}", "(quantity \"yuan\" 0.06)"},
                {"€5", "(quantity \"euro\" 5)"},
                {"5€", "(quantity \"euro\" 5)"},
                {"50¢", "(quantity \"cent\" 50)"}});
}

TEST(ParseWords, FoldsThem) {
  expect_trees({{"odd", "(text \"odd\")"},
                {"$\\text{odd}$", "(text \"odd\")"},
                {"Odd.", "(text \"odd\")"},
                {"YES", "(text \"yes\")"},
                {"\\text{Yes}", "(text \"yes\")"},
                {"no  solution", "(text \"no solution\")"},
                {"\"None of the above\"", "(text \"none of the above\")"},
                {"July 4, 1776", "(text \"july 4, 1776\")"},
                {"the answer is 5", "(text \"the answer is 5\")"},
                {"5 apples", "(text \"5 apples\")"},
                {"5 of 6", "(text \"5 of 6\")"},
                {"red, blue and Green", "(list (text \"red\") (text \"blue\") (text \"green\"))"},
                {"Area = 5", "(relation (text \"area\") equal 5)"},
                {"x = even", "(relation x equal (text \"even\"))"},
                {"偶数", "(text \"偶数\")"},
                {"ДА", "(text \"да\")"},
                {"Élan", "(text \"élan\")"}});
}

TEST(ParseWords, LeavesLettersToMathematics) {
  expect_trees({{"2abc", "(multiply 2 a b c)"},
                {"abc^2", "(multiply a b (power c 2))"},
                {"abc + 1", "(add (multiply a b c) 1)"},
                {"abc", "(text \"abc\")"},
                {"\\frac{NO}{BO}", "(divide NO BO)"},
                {"value_{1}", "value_{1}"}});
}

TEST(ParseWords, ReadsEveryWayToWriteAChoice) {
  for (const std::string_view choice : {"B", "B.", "(B)", "\\text{B}", "\\textbf{(B)}", "\\textbf{B}",
                                        "\\text{(B)}", "$\\mathrm{(B)}$", "\\boxed{B}", "**B**", "Ｂ"}) {
    EXPECT_EQ(testing::tree(choice), "B") << choice;
  }
  EXPECT_EQ(testing::tree("d"), "d");
}

TEST(ParseMarkup, IsNotSeen) {
  for (const std::string_view seven : {"$7$",
                                       "$$7$$",
                                       "\\(7\\)",
                                       "\\[ 7 \\]",
                                       "7.",
                                       "7,",
                                       " 7 \n",
                                       "**7**",
                                       "\\boxed{7}",
                                       "\\boxed 7",
                                       "\\fbox{7}",
                                       "$\\boxed{7}$.",
                                       "\\displaystyle 7",
                                       "\\mathbf{7}",
                                       "\\text{7}",
                                       "\\left(7\\right)",
                                       "\\bigl( 7 \\bigr)",
                                       "{7}",
                                       "~7~",
                                       "\\,7\\!",
                                       "\\begin{align*}7\\end{align*}"}) {
    EXPECT_EQ(testing::tree(seven), "7") << seven;
  }
}

TEST(ParseMarkup, ReadsDoubledBackslashes) {
  expect_trees({{"\\\\frac{1}{2}", "(divide 1 2)"},
                {"\\\\left(\\\\frac{1}{5},\\\\frac{1}{6}\\\\right)", "(tuple (divide 1 5) (divide 1 6))"},
                {"\\\\boxed{840}", "840"},
                {"x=1 \\\\ y=2", "(list (relation x equal 1) (relation y equal 2))"}});
}

TEST(ParseMarkup, CollectsBoxes) {
  expect_trees(
      {{"\\boxed{1}\\boxed{2}", "(list 1 2)"},
       {"$$\\boxed{2}, \\boxed{3}, \\boxed{5}$$", "(list 2 3 5)"},
       {"\\boxed{1} papers and \\boxed{2} bins", "(list 1 2)"},
       {"$\\boxed{12 $ and $13 }", "(list 12 13)"},
       {"$$\\boxed{(3, 3)} \\text{ for part (a) and } \\boxed{(1, 1)}$$", "(list (tuple 3 3) (tuple 1 1))"},
       {"So the answer is: \\[ \\boxed{11} \\]", "11"},
       {"x = \\boxed{5}", "(relation x equal 5)"},
       {"\\($y_1 = \\boxed{2x} \\) and \\( y_2 = \\boxed{5} \\)",
        "(list (relation y_{1} equal (multiply 2 x)) (relation y_{2} equal 5))"},
       {"\\boxed{28 percent}", "(percent 28)"}});
}

}  // namespace
}  // namespace reckon
