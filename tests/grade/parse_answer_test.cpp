// Trees of numbers, arithmetic and functions, written by hand. Literals are shown plain, see parsed.h.
#include "grade/parse_answer.h"

#include <gtest/gtest.h>

#include "parsed.h"

namespace reckon {
namespace {

using testing::expect_trees;
using testing::tree;

TEST(ToText, ShowsEveryPartOfANode) {
  EXPECT_EQ(to_text(parse_answer("x-3.50").expr), "(add x (negate (number 3.50)))");
  EXPECT_EQ(to_text(parse_answer("-.05").expr), "(negate (number 0.05))");
  EXPECT_EQ(to_text(parse_answer("1.5E-3").expr), "(number 1.5e-3)");
  EXPECT_EQ(to_text(parse_answer("(1,2]").expr), "(interval open closed (number 1) (number 2))");
  EXPECT_EQ(to_text(parse_answer("\\angle ABC").expr), "\"angle ABC\"");
  EXPECT_EQ(to_text(parse_answer("x \\in \\mathbb{R}").expr), "(relation x element (number_set R))");
}

TEST(ParseNumber, KeepsDigitsPointAndExponent) {
  const Expr decimal = parse_answer("03.50").expr;
  EXPECT_EQ(decimal.op, Op::number);
  EXPECT_EQ(decimal.digits, "350");
  EXPECT_EQ(decimal.num_fraction_digits, 2);
  EXPECT_TRUE(decimal.has_point);
  EXPECT_EQ(decimal.exponent10, 0);
  const Expr integer = parse_answer("004").expr;
  EXPECT_EQ(integer.digits, "4");
  EXPECT_FALSE(integer.has_point);
  const Expr stop = parse_answer("18.").expr;  // the full stop of a sentence
  EXPECT_EQ(stop.digits, "18");
  EXPECT_FALSE(stop.has_point);
  EXPECT_EQ(parse_answer("0.00").expr.digits, "0");
  EXPECT_EQ(parse_answer("12E2").expr.exponent10, 2);
  EXPECT_EQ(parse_answer("-143E-13").expr.args[0].exponent10, -13);
}

TEST(ParseNumber, ReadsGroupsOfThree) {
  expect_trees({{"7,425,000", "7425000"},
                {"1 000", "1000"},
                {"12 345 678", "12345678"},
                {"1{,}000", "1000"},
                {"1,\\!000", "1000"},
                {"14 {, }916", "14916"},
                {"10,\\!080", "10080"},
                {"11,\\! 111,\\! 111,\\! 100", "11111111100"},
                {"1,000.99", "1000.99"},
                {"\\frac{1,000}{3}", "(divide 1000 3)"},
                {"(1,000)", "1000"},  // no member of a point begins with 0
                // No groups:
                {"32, 349", "(list 32 349)"},
                {"-14,-7", "(list (negate 14) (negate 7))"},
                {"1,2,3", "(list 1 2 3)"},
                {"1000,200", "(list 1000 200)"},
                {"1,0000", "(list 1 0)"},
                {"0,111", "(list 0 111)"},
                {"10,200,30", "(list 10 200 30)"},
                {"(1,250)", "(tuple 1 250)"},
                {"(0,100]", "(interval open closed 0 100)"},
                {"\\{100,200\\}", "(set 100 200)"},
                {"\\gcd(6,321,429)", "(gcd 6 321 429)"},
                {"\\max(9,876,543)", "(max 9 876 543)"}});
}

TEST(ParseNumber, ReadsADecimalCommaWhereTheCallerSaysSo) {
  const auto decimal = [](std::string_view text) { return tree(text, Comma::is_decimal_point); };
  EXPECT_EQ(decimal("1,22"), "1.22");
  EXPECT_EQ(decimal("0,111"), "0.111");
  EXPECT_EQ(decimal("\\frac{1,5}{2}"), "(divide 1.5 2)");
  EXPECT_EQ(decimal("1,5; 2,5"), "(list 1.5 2.5)");
  EXPECT_EQ(decimal("7,425,000"), "7425000");
  EXPECT_EQ(decimal("1,2,3"), "(list 1 2 3)");
  EXPECT_EQ(decimal("1, 22"), "(list 1 22)");
  EXPECT_EQ(decimal("(1,22)"), "(tuple 1 22)");
  EXPECT_EQ(tree("1,22"), "(list 1 22)");
}

TEST(ParseNumber, ReadsFractionsAndMixedNumbers) {
  expect_trees({{"\\frac12", "(divide 1 2)"},
                {"\\frac1{72}", "(divide 1 72)"},
                {"\\frac{1}2", "(divide 1 2)"},
                {"\\frac 59", "(divide 5 9)"},
                {"\\tfrac83", "(divide 8 3)"},
                {"\\dfrac{n}{mk}", "(divide n (multiply m k))"},
                {"\\cfrac{1}{1+\\cfrac1x}", "(divide 1 (add 1 (divide 1 x)))"},
                {"{a \\over b}", "(divide a b)"},
                {"3/4", "(divide 3 4)"},
                {"-10/9", "(negate (divide 10 9))"},
                {"1 \\frac{1}{2}", "(add 1 (divide 1 2))"},
                {"-3\\frac12", "(negate (add 3 (divide 1 2)))"},
                {"2\\frac34x", "(multiply (add 2 (divide 3 4)) x)"},
                {"3 1\\frac{1}{2}", "(multiply 3 (add 1 (divide 1 2)))"},
                {"1 1/2", "(add 1 (divide 1 2))"},
                {"-1 1/2", "(negate (add 1 (divide 1 2)))"},
                // Products:
                {"3.1 \\frac12", "(multiply 3.1 (divide 1 2))"},
                {"1 \\frac{1}{x}", "(multiply 1 (divide 1 x))"},
                {"x\\frac12", "(multiply x (divide 1 2))"},
                {"2\\cdot\\frac12", "(multiply 2 (divide 1 2))"}});
}

TEST(ParseNumber, ReadsWhatStandsBehind) {
  expect_trees({{"28\\%", "(percent 28)"},
                {"$28$ %", "(percent 28)"},
                {"28 percent", "(percent 28)"},
                {"\\infty\\%", "(percent infinity)"},
                {"90^\\circ", "(degrees 90)"},
                {"90^{\\circ}", "(degrees 90)"},
                {"90°", "(degrees 90)"},
                {"90 degrees", "(degrees 90)"},
                {"\\frac{270}7\\text{ degrees}", "(degrees (divide 270 7))"},
                {"18 million", "18e6"},
                {"3.5 thousand", "3.5e3"},
                {"2 trillion", "2e12"},
                {"0.\\overline{3}", "(divide 3 9)"},
                {"0.1\\overline{6}", "(divide 15 90)"},           // (16 - 1) / 90
                {"1.\\overline{27}", "(divide 126 99)"},          // (127 - 1) / 99
                {"2.10\\overline{05}", "(divide 20795 9900)"}});  // (21005 - 210) / 9900
}

TEST(ParseNumber, ReadsExponentsButNotEulersNumber) {
  expect_trees({{"3e5", "3e5"},
                {"3E-5", "3e-5"},
                {"1e-5", "1e-5"},
                {"2.5e-3", "2.5e-3"},
                {"1e-05", "1e-5"},
                {"2e", "(multiply 2 euler)"},
                {"2e^3", "(multiply 2 (power euler 3))"},
                {"2e-3", "(add (multiply 2 euler) (negate 3))"},
                {"2e+1", "(add (multiply 2 euler) 1)"}});
}

TEST(ParseNumber, ReadsBases) {
  expect_trees({{"204_5", "(based_number \"204\" 5)"},
                {"204_{5}", "(based_number \"204\" 5)"},
                {"(1112112)_3", "(based_number \"1112112\" 3)"},
                {"101_{\\text{two}}", "(based_number \"101\" 2)"},
                {"1112_{three}", "(based_number \"1112\" 3)"},
                {"1A_{16}", "(based_number \"1A\" 16)"},
                {"2B3_{12}", "(based_number \"2B3\" 12)"},
                {"2A_1", "(multiply 2 A_{1})"},
                {"A_{16}", "A_{16}"},
                {"1_2+10_2", "(add (based_number \"1\" 2) (based_number \"10\" 2))"}});
  EXPECT_EQ(tree("29_8"), "malformed: digits of 29 that base 8 does not have");
  EXPECT_EQ(tree("12_1"), "malformed: \"1\" where the base of a number should be (need 2 to 36)");
}

TEST(ParseNumber, ReadsWords) {
  expect_trees({{"zero", "0"},
                {"Twelve", "12"},
                {"twenty-one", "21"},
                {"ninety nine", "99"},
                {"three hundred five", "305"},
                {"two million", "2000000"},
                {"two thousand nineteen", "2019"},
                {"two and three", "(list 2 3)"},
                {"x = two", "(relation x equal 2)"},
                {"two three", "(text \"two three\")"}});
}

TEST(ParseArithmetic, GivesSignsProductsAndPowersTheirPlaces) {
  expect_trees({{"a+b-a", "(add a b (negate a))"},
                {"--5", "(negate (negate 5))"},
                {"+5", "5"},
                {"-x^2", "(negate (power x 2))"},
                {"-3y + 2x", "(add (negate (multiply 3 y)) (multiply 2 x))"},
                {"2x2y", "(multiply 2 x 2 y)"},
                {"x \\cdot y \\times z * w", "(multiply x y z w)"},
                {"a \\div b", "(divide a b)"},
                {"a / b c", "(multiply (divide a b) c)"},
                {"1/2x", "(multiply (divide 1 2) x)"},
                {"(a+b) / 8y", "(divide (add a b) (multiply 8 y))"},
                {"1/(2x)", "(divide 1 (multiply 2 x))"},
                {"849/-21", "(divide 849 (negate 21))"},
                {"(-7.13)(1.5)", "(multiply (negate 7.13) 1.5)"},
                {"(2x+1)(x-3)", "(multiply (add (multiply 2 x) 1) (add x (negate 3)))"},
                {"\\{1+2\\}\\{3-4\\}", "(multiply (add 1 2) (add 3 (negate 4)))"},
                {"\\left[1+2\\right]\\left[3-4\\right]", "(multiply (add 1 2) (add 3 (negate 4)))"},
                {"x^10", "(power x 10)"},
                {"x^-1", "(power x (negate 1))"},
                {"2^3^2", "(power 2 (power 3 2))"},
                {"2**3", "(power 2 3)"},
                {"x^{2/3}", "(power x (divide 2 3))"},
                {"x^{\\left{3 + 1\\right}}", "(power x (add 3 1))"},
                {"x!", "(factorial x)"},
                {"x!!!", "(factorial (factorial (factorial x)))"},
                {"(2n)!", "(factorial (multiply 2 n))"},
                {"\\pm 2021", "(plus_minus 2021)"},
                {"1 \\pm \\sqrt5 \\mp x", "(add 1 (plus_minus (root 5 2)) (minus_plus x))"}});
}

TEST(ParseArithmetic, BindsModuloAsAProductAndSignsBeforeIt) {
  expect_trees({{"1+1\\mod 2", "(add 1 (mod 1 2))"},
                {"876123\\mod 128\\times 10^300", "(multiply (mod 876123 128) (power 10 300))"},
                {"141\\mod 9/3", "(divide (mod 141 9) 3)"},
                {"-1\\mod 2", "(mod (negate 1) 2)"},
                {"6/2 \\bmod 3", "(mod (divide 6 2) 3)"},
                {"17 mod 5", "(mod 17 5)"},
                {"mod(17, 5)", "(mod 17 5)"},
                {"x \\equiv 3 \\pmod 5", "(relation x congruent (mod 3 5))"},
                {"x \\equiv a+1 (mod 7)", "(relation x congruent (mod (add a 1) 7))"},
                {"a \\equiv b", "(relation a identical b)"}});
}

TEST(ParseArithmetic, ReadsRootsBarsAndBinomials) {
  expect_trees({{"\\sqrt3", "(root 3 2)"},
                {"\\sqrt12", "(root 12 2)"},
                {"10\\sqrt3 + \\sqrt{4}", "(add (multiply 10 (root 3 2)) (root 4 2))"},
                {"\\sqrt[3]{x}", "(root x 3)"},
                {"\\sqrt[n] x", "(root x n)"},
                {"\\sqrt[3]{x}^2", "(power (root x 3) 2)"},
                {"2sqrt(3)", "(multiply 2 (root 3 2))"},
                {"sqrt3", "(root 3 2)"},
                {"cbrt(2)", "(root 2 3)"},
                {"|x-1|+|y|", "(add (absolute (add x (negate 1))) (absolute y))"},
                {"|x||y|", "(multiply (absolute x) (absolute y))"},
                {"||x|-1|", "(absolute (add (absolute x) (negate 1)))"},
                {"||x||y||", "(absolute (multiply (absolute x) (absolute y)))"},
                {"2|x|", "(multiply 2 (absolute x))"},
                {"\\left\\vertx + y\\right\\vert", "(absolute (add x y))"},
                {"\\lvertx\\rvert", "(absolute x)"},
                {"\\|v\\|", "(absolute v)"},
                {"\\lfloor x\\rfloor", "(floor x)"},
                {"\\left\\lceil 6.9\\right\\rceil", "(ceil 6.9)"},
                {"\\operatorname{ceil}(b)", "(ceil b)"},
                {"\\binom nk", "(binomial n k)"},
                {"\\dbinom{16}{2}", "(binomial 16 2)"},
                {"{\\theta \\choose \\gamma}", "(binomial theta gamma)"},
                {"n \\choose k", "(binomial n k)"},
                {"C(5,2)", "(binomial 5 2)"},
                {"C_5^2", "(binomial 5 2)"},
                {"C_{5}^{2}", "(binomial 5 2)"},
                {"{}_5C_2", "(binomial 5 2)"},
                {"C_n", "C_{n}"}});
}

TEST(ParseFunctions, FindsTheArgument) {
  expect_trees({{"\\sin x", "(sin x)"},
                {"\\sin(\\theta )", "(sin theta)"},
                {"\\sin\\{\\theta \\}", "(sin theta)"},
                {"\\sin{\\left(x \\right)}", "(sin x)"},
                {"\\sin 2x\\cos y", "(multiply (sin (multiply 2 x)) (cos y))"},
                {"\\sin \\cos \\theta", "(sin (cos theta))"},
                {"\\sin x^2", "(sin (power x 2))"},
                {"\\sin(x)^2", "(power (sin x) 2)"},
                {"\\sin^2 x", "(power (sin x) 2)"},
                {"\\sin^{-1} a", "(arcsin a)"},
                {"\\cosh^{-1}(a)", "(arcosh a)"},
                {"\\sin^{\\frac{1}{y}}{\\left(x \\right)}", "(power (sin x) (divide 1 y))"},
                {"\\arccos{-1}", "(arccos (negate 1))"},
                {"\\sin -x", "(sin (negate x))"},
                {"\\cos 2(x+y)", "(cos (multiply 2 (add x y)))"},
                {"\\sin x (y+1)", "(multiply (sin x) (add y 1))"},
                {"\\sin x / x", "(divide (sin x) x)"},
                {"\\cos 60^\\circ", "(cos (degrees 60))"},
                {"sin x", "(sin x)"},
                {"2sinx", "(multiply 2 (sin x))"},
                {"xcosy", "(multiply x (cos y))"},
                {"\\operatorname{arcsinh}(a)", "(arsinh a)"},
                {"\\mathrm{tg}\\, x", "(tan x)"},
                {"\\exp3", "(exp 3)"},
                {"\\log xy", "(log10 (multiply x y))"},
                {"\\log_2 8", "(log 8 2)"},
                {"log_2(8)", "(log 8 2)"},
                {"\\log_{a^2} x", "(log x (power a 2))"},
                {"\\log_2 8 \\cdot 3", "(multiply (log 8 2) 3)"},
                {"\\ln 2\\sqrt3", "(ln (multiply 2 (root 3 2)))"},
                {"\\ln^2 x", "(power (ln x) 2)"},
                {"\\lg 5", "(log10 5)"},
                {"\\operatorname{lcm}(x, y)", "(lcm x y)"},
                {"\\max\\{a, b, c\\}", "(max a b c)"},
                {"\\gcd(92.0, 000+2)", "(gcd 92.0 (add 0 2))"},
                {"\\det(A)", "(call \"det\" A)"}});
}

TEST(ParseNames, TellsNamesFromProducts) {
  expect_trees({{"ab", "(multiply a b)"},
                {"xyz", "(multiply x y z)"},
                {"AB", "AB"},
                {"\\overline{AB}", "bar{AB}"},
                {"2\\bar{x}_n", "(multiply 2 bar{x}_{n})"},
                {"\\overrightarrow{AB}", "vec{AB}"},
                {"\\overline{a+bi}", "(conjugate (add a (multiply b imaginary)))"},
                {"x_i^2", "(power x_{i} 2)"},
                {"x^2_i", "(power x_{i} 2)"},
                {"x_{ i , j }", "x_{i,j}"},
                {"x_10", "x_{10}"},
                {"\\lambda_{x^2}", "lambda_{x^2}"},
                {"\\alpha _2^{2}", "(power alpha_{2} 2)"},
                {"\\varepsilon", "epsilon"},
                {"2\\pi r", "(multiply 2 pi r)"},
                {"2pi", "(multiply 2 pi)"},
                {"e^x", "(power euler x)"},
                {"\\mathrm{e}", "euler"},
                {"e_1", "e_{1}"},
                {"3+4i", "(add 3 (multiply 4 imaginary))"},
                {"I+j", "(add I j)"},
                {"e^{I\\pi}", "(power euler (multiply imaginary pi))"},
                {"x'", "x'"},
                {"\\variable{value1}\\variable{value_2}", "(multiply value_{1} value_{2})"},
                {"\\variable{x_{i,j}}", "x_{i,j}"},
                {"m\\angle A", "(multiply m \"angle A\")"},
                {"\\triangle ABC", "\"triangle ABC\""}});
}

TEST(ParseNames, CallsFunctionsAndMultipliesNumbers) {
  expect_trees({{"f(x)", "(call \"f\" x)"},
                {"1-f{\\left(x \\right)}", "(add 1 (negate (call \"f\" x)))"},
                {"f'(x)", "(call \"f'\" x)"},
                {"f^{-1}(x)", "(call \"f^{-1}\" x)"},
                {"f^2(x)", "(power (call \"f\" x) 2)"},
                {"f_1(x)", "(call \"f_{1}\" x)"},
                {"g(f(x))", "(call \"g\" (call \"f\" x))"},
                {"P(A,B)", "(call \"P\" A B)"},
                {"C(n,k)", "(call \"C\" n k)"},
                {"P(X=1)", "(call \"P\" (relation X equal 1))"},
                {"P(A \\cap B)", "(call \"P\" (intersection A B))"},
                {"P(A)", "(multiply P A)"},
                {"x(x+1)", "(multiply x (add x 1))"},
                {"r(2+h)", "(multiply r (add 2 h))"},
                {"h(2+h)", "(multiply h (add 2 h))"},
                {"n(n+1)/2", "(divide (multiply n (add n 1)) 2)"},
                {"x(x+1)^2", "(multiply x (power (add x 1) 2))"}});
}

TEST(ParseCalculus, ReadsBoundVariables) {
  expect_trees({{"\\sum_{k = 1}^{10} k^2", "(sum (power k 2) k 1 10)"},
                {"\\sum^3_{k=1} c", "(sum c k 1 3)"},
                {"\\sum_{i=0}^{n} i \\cdot x", "(sum (multiply i x) i 0 n)"},
                {"\\prod_{k=1}^n(1+k) + 1", "(add (product (add 1 k) k 1 n) 1)"},
                {"\\int x + a dx", "(integral (add x a) x)"},
                {"\\int_0^1 x^2\\,dx + 1", "(add (integral (power x 2) x 0 1) 1)"},
                {"\\int^b_a x d\\theta", "(integral x theta a b)"},
                {"\\int \\frac{3 dz}{z}", "(integral (divide 3 z) z)"},
                {"\\int \\left\\lgroupx dx\\right\\rgroup", "(integral x x)"},
                {"\\int (x+a)", "(integral (add x a) x)"},
                {"\\int_{  }^{}x dx", "(integral x x)"},
                {"\\int da", "(integral 1 a)"},
                {"\\lim_{x \\to 3^{-}} a", "(limit \"-\" a x 3)"},
                {"\\lim_{x \\to 0+} a", "(limit \"+\" a x 0)"},
                {"\\lim_{x \\rightarrow \\infty} \\frac{1}{x}", "(limit (divide 1 x) x infinity)"},
                {"\\frac{d}{dx} x^2", "(derivative (power x 2) x)"},
                {"\\frac{dy}{dx} = 2x", "(relation (derivative y x) equal (multiply 2 x))"}});
}

}  // namespace
}  // namespace reckon
