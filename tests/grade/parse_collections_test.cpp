// Trees of sets, points, intervals, matrices, lists and statements, written by hand.
#include <gtest/gtest.h>

#include "parsed.h"

namespace reckon {
namespace {

using testing::expect_trees;
using testing::tree;

TEST(ParseBrackets, TellsPointsIntervalsSetsAndGroups) {
  expect_trees(
      {{"(1,2)", "(tuple 1 2)"},
       {"(0;0;0)", "(tuple 0 0 0)"},
       {"(1,1;2,2)", "(tuple 1 1 2 2)"},
       {"\\langle 1,2\\rangle", "(tuple \"vector\" 1 2)"},
       {"\\left<1,2\\right>", "(tuple \"vector\" 1 2)"},
       {"[a,b]", "(interval closed closed a b)"},
       {"[0,1)", "(interval closed open 0 1)"},
       {"(a,b]", "(interval open closed a b)"},
       {"]1,2[", "(interval open open 1 2)"},
       {"]1,2]", "(interval open closed 1 2)"},
       {"[1,2[", "(interval closed open 1 2)"},
       {"\\left[ -\\frac{\\pi}{4}, \\pi \\right]", "(interval closed closed (negate (divide pi 4)) pi)"},
       {"[a + b]", "(sequence (add a b))"},
       {"[1,2,3]", "(sequence 1 2 3)"},
       {"\\{1,2\\}", "(set 1 2)"},
       {"\\{1\\}", "(set 1)"},
       {"{1,2,3}", "(set 1 2 3)"},
       {"{x}", "x"},
       {"{{1},{2}}", "(set (set 1) (set 2))"},
       {"\\left{1,2\\right}", "(set 1 2)"},
       {"\\{(1,2),(3,4)\\}", "(set (tuple 1 2) (tuple 3 4))"},
       {"\\{1\\pm\\sqrt{5},-2\\}", "(set (add 1 (plus_minus (root 5 2))) (negate 2))"},
       {"\\{\\}", "empty_set"},
       {"\\varnothing", "empty_set"},
       {"((1,2),3)", "(tuple (tuple 1 2) 3)"},
       {"(5,\\infty)", "(tuple 5 infinity)"}});
}

TEST(ParseBrackets, BuildsAndCombinesSets) {
  expect_trees(
      {{"\\{x | x > 0\\}", "(set_builder x (relation x greater 0))"},
       {"\\{x : x > 0\\}", "(set_builder x (relation x greater 0))"},
       {"\\{x \\mid x \\ne 1, x > 0\\}",
        "(set_builder x (all_of (relation x not_equal 1) (relation x greater 0)))"},
       {"{x|x>1}", "(set_builder x (relation x greater 1))"},
       {"\\left\\{x \\left| x<2\\right.\\right\\}", "(set_builder x (relation x less 2))"},
       {"\\{|x|, 2\\}", "(set (absolute x) 2)"},
       {"x^{2|y|}", "(power x (multiply 2 (absolute y)))"},
       {"(1,2) \\cup (3,4]", "(set_union (tuple 1 2) (interval open closed 3 4))"},
       {"(1,2)U(3,4)U\\{5\\}", "(set_union (tuple 1 2) (tuple 3 4) (set 5))"},
       {"2U", "(multiply 2 U)"},
       {"]-\\infty,2[\\cup]3,4[",
        "(set_union (interval open open (negate infinity) 2) (interval open open 3 4))"},
       {"({1,2} \\cup {3,4}) \\cap {2,3}", "(intersection (set_union (set 1 2) (set 3 4)) (set 2 3))"},
       {"A \\cup B \\cap C", "(set_union A (intersection B C))"},
       {"[0,1] \\setminus {0.5}", "(set_difference (interval closed closed 0 1) (set 0.5))"},
       {"\\mathbb R \\setminus \\{0\\}", "(set_difference (number_set R) (set 0))"},
       {"\\mathbb{R} - \\{0\\}", "(set_difference (number_set R) (set 0))"},
       {"x \\in {1,2}", "(relation x element (set 1 2))"},
       {"x \\notin {1}", "(relation x not_element (set 1))"}});
}

TEST(ParseMatrices, ReadsRowsOfAnyEnvironment) {
  expect_trees(
      {{"\\begin{matrix}1&2\\\\3&4\\end{matrix}", "(matrix 2 1 2 3 4)"},
       {"\\begin{pmatrix} 1 \\\\ -2 \\\\\\end{pmatrix}", "(matrix 1 1 (negate 2))"},
       {"\\begin{bmatrix}x&x^2\\\\\\sqrt{x}&x\\end{bmatrix}", "(matrix 2 x (power x 2) (root x 2) x)"},
       {"\\left[\\begin{array}{cc}1 & 2 \\\\3 & 4\\end{array}\\right]", "(matrix 2 1 2 3 4)"},
       {"\\left(\\begin{smallmatrix}1&2\\end{smallmatrix}\\right)", "(matrix 2 1 2)"},
       {"\\\\begin{pmatrix} 1 \\\\\\\\ 2 \\\\end{pmatrix}", "(matrix 1 1 2)"},  // escaped once too often
       {"[[1,2],[3,4]]", "(matrix 2 1 2 3 4)"},
       {"{\\begin{pmatrix}1\\\\2\\end{pmatrix}}", "(set (matrix 1 1 2))"},
       {"\\theta\\begin{matrix}1\\\\3\\end{matrix}", "(multiply theta (matrix 1 1 3))"},
       {"\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}", "(call \"det\" (matrix 2 1 2 3 4))"}});
  EXPECT_EQ(tree("\\begin{pmatrix}1&2\\\\3\\end{pmatrix}"), "malformed: rows of a matrix of 2 and 1 members");
}

TEST(ParseMatrices, ReadsPiecewiseValuesAndSystems) {
  expect_trees(
      {{"\\begin{cases} x & x>0 \\\\ -x & \\text{otherwise} \\end{cases}",
        "(cases x (relation x greater 0) (negate x) (text \"otherwise\"))"},
       {"\\begin{cases} x, & \\text{if } x>0 \\\\ 0, & \\text{if } x\\le 0\\end{cases}",
        "(cases x (relation x greater 0) 0 (relation x less_equal 0))"},
       {"a = \\begin{cases}1, n=1\\\\2, n > 1\\end{cases}",
        "(relation a equal (cases 1 (relation n equal 1) 2 (relation n greater 1)))"},
       {"\\begin{cases} 1 & x=0 \\\\ 2 & \\end{cases}", "malformed: \"cases\" where a value should be"},
       {"\\begin{cases} x=1 \\\\ y=2 \\end{cases}", "(list (relation x equal 1) (relation y equal 2))"},
       {"\\left\\{\\begin{array}{l}x=1\\\\y=2\\end{array}\\right.",
        "(list (relation x equal 1) (relation y equal 2))"},
       {"\\begin{align*}x&=1\\\\y&=2\\\\\\end{align*}", "(list (relation x equal 1) (relation y equal 2))"}});
}

TEST(ParseLists, JoinsMembersBySeparatorsAndWords) {
  expect_trees({{"1,2,3", "(list 1 2 3)"},
                {"-12;-11;-10", "(list (negate 12) (negate 11) (negate 10))"},
                {"1,2;3,4;5,6", "(list (tuple 1 2) (tuple 3 4) (tuple 5 6))"},
                {"1 and 2", "(list 1 2)"},
                {"$1$ and $2$ and $3$", "(list 1 2 3)"},
                {"12\\text{ and }13", "(list 12 13)"},
                {"1, 2, and 3", "(list 1 2 3)"},
                {"\\frac{1}{2}\\text{ or }2", "(list (divide 1 2) 2)"},
                {"(11,7)or(7,11)", "(list (tuple 11 7) (tuple 7 11))"},
                {"x=1orx=-1", "(list (relation x equal 1) (relation x equal (negate 1)))"},
                {"1,2,\\ldots,n", "(list 1 2 ... n)"},
                {"1,2,3,...", "(list 1 2 3 ...)"},
                {"n=1, 2, 3", "(list (relation n equal 1) 2 3)"},
                {"a=4,\\,-8", "(list (relation a equal 4) (negate 8))"},
                {"x_{1}=1,\\quadx_{2}=2", "(list (relation x_{1} equal 1) (relation x_{2} equal 2))"},
                {"AB=4,CD=5", "(list (relation AB equal 4) (relation CD equal 5))"}});
}

TEST(ParseStatements, ReadsRelationsAndChains) {
  expect_trees(
      {{"a^2 + b^2 = c^2", "(relation (add (power a 2) (power b 2)) equal (power c 2))"},
       {"= 5", "5"},
       {"z = 1+1 = 2", "(relation z equal (add 1 1) equal 2)"},
       {"-2 \\le x < 7", "(relation (negate 2) less_equal x less 7)"},
       {"-2 \\\\le x \\\\le 7", "(relation (negate 2) less_equal x less_equal 7)"},
       {"x \\lt 3", "(relation x less 3)"},
       {"x=<3", "(relation x less_equal 3)"},
       {"x \\geqslant 3", "(relation x greater_equal 3)"},
       {"x != 5", "(relation x not_equal 5)"},
       {"x \\not= 5", "(relation x not_equal 5)"},
       {"x! = 5", "(relation (factorial x) equal 5)"},
       {"x\\approx11", "(relation x approximately 11)"},
       {"a := 3", "(relation a equal 3)"},
       {"AB \\parallel CD", "(relation AB parallel CD)"},
       {"AB \\perp CD", "(relation AB perpendicular CD)"},
       {"\\triangle ABC \\sim \\triangle DEF", "(relation \"triangle ABC\" similar \"triangle DEF\")"},
       {"A \\subseteq B", "(relation A subset_equal B)"},
       {"x \\mapsto x+1", "(relation x maps_to (add x 1))"},
       {"(x, y) = (5, 8)", "(relation (tuple x y) equal (tuple 5 8))"},
       {"f(2) < f(1)", "(relation (call \"f\" 2) less (call \"f\" 1))"}});
}

TEST(ParseStatements, JoinsStatements) {
  expect_trees({{"a=1 and b=2", "(list (relation a equal 1) (relation b equal 2))"},
                {"a=1 \\text{ or } b=2", "(list (relation a equal 1) (relation b equal 2))"},
                {"x < 1 or x > 3", "(any_of (relation x less 1) (relation x greater 3))"},
                {"x > 1 \\text{ and } x < 3", "(all_of (relation x greater 1) (relation x less 3))"},
                {"x>3, x<5", "(list (relation x greater 3) (relation x less 5))"},
                {"p \\land q \\lor \\neg r", "(any_of (all_of p q) (not_of r))"},
                {"p \\implies q", "(relation p implies q)"},
                {"x=1 \\iff y=2", "(relation (relation x equal 1) equivalent (relation y equal 2))"}});
}

TEST(ParseStatements, TellsRatiosFromTimes) {
  expect_trees({{"7:32", "(ratio 7 32)"},
                {"1:2:3", "(ratio 1 2 3)"},
                {"S_{MBCN}:S=7:32", "(relation (ratio S_{MBCN} S) equal (ratio 7 32))"},
                {"10:30", "(ratio 10 30)"},
                {"12:00", "(ratio clock 12 0)"},
                {"9:05 pm", "(ratio clock \"pm\" 9 5)"},
                {"\\text{8:15 a.m.}", "(ratio clock \"am\" 8 15)"},
                {"12:00:30", "(ratio clock 12 0 30)"},
                {"25:00", "(ratio 25 0)"},
                {"7:75 pm", "(text \"7:75 pm\")"}});
}

}  // namespace
}  // namespace reckon
