#include "../../../src/task/puzzles/search_expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>

namespace reckon {
namespace {

using ::testing::ElementsAre;

/// The value as text; "refused" where the text is no expression.
std::string value_of(std::string_view text) {
  const auto expression = read_expression(text);
  return expression ? fraction_text(expression->value) : "refused";
}

TEST(SearchExpression, EvaluatesExactlyFromTheLeft) {
  EXPECT_EQ(value_of("7"), "7");
  EXPECT_EQ(value_of("1+2*3"), "7");
  EXPECT_EQ(value_of("(1+2)*3"), "9");
  EXPECT_EQ(value_of("10-4-3"), "3");
  EXPECT_EQ(value_of("24/4/3"), "2");
  EXPECT_EQ(value_of("24/(4/3)"), "18");
  EXPECT_EQ(value_of("8/(3-8/3)"), "24");  // 3 - 8/3 = 1/3
  EXPECT_EQ(value_of("1/3+1/6"), "1/2");
  EXPECT_EQ(value_of("1/(2-5)"), "-1/3");
  EXPECT_EQ(value_of("(1-2)/(3-9)"), "1/6");
  EXPECT_EQ(value_of("0/5"), "0");
  EXPECT_EQ(value_of("((((7))))"), "7");
  EXPECT_THAT(read_expression("12*(3+12)-0")->literals, ElementsAre(12, 3, 12, 0));
}

TEST(SearchExpression, ToleratesWhatMeansTheSame) {
  EXPECT_EQ(value_of("  ( 1 +\n2 )\t* 3 "), "9");
  EXPECT_EQ(value_of("(1+2)*3."), "9");
  EXPECT_EQ(value_of("6 \xC3\x97 4"), "24");
  EXPECT_EQ(value_of("6 \xC3\xB7 4"), "3/2");
  EXPECT_EQ(value_of("6 \xE2\x88\x92 4"), "2");
  EXPECT_EQ(value_of("6*4 = 24"), "24");
  EXPECT_EQ(value_of("6*4=24."), "24");
}

TEST(SearchExpression, RefusesEverythingElse) {
  for (const std::string_view text :
       {"",           "+",        "1+",         "*2",         "1 2",       "(1)2",         "3(4)",
        "(1)(2)",     "(1+2",     "1+2)",       "()",         "-1",        "+1",           "3*-2",
        "(-3)+5",     "1--2",     "2**3",       "7//2",       "3.5",       "1.5*2",        "2. ..",
        "2^3",        "2!",       "01+2",       "00",         "1e3",       "0x10",         "12345",
        "1,000",      "a",        "x",          "2x3",        "6x4",       "sqrt(4)",      "factorial(3)+2",
        "1/0",        "1/(2-2)",  "0/0",        "6*4=25",     "6*4=",      "6*4=24=24",    "24=6*4",
        "6*4==24",    "6*4=20+4", "6*4 = 24 !", "1+2;3",      "1+2, 2+1",  "1+2 or 2+1",   "1+2\n2+1",
        "$1+2$",      "1+2#",     "[1+2]",      "{1+2}",      "\"1+2\"",   "1_0",          "5%3",
        "1|2",        "6\xC3",    "6\xC3\x97",  "\xC3\x97 6", "6\xE2\x88", "\xEF\xBC\x91", "1\xE2\x80\x8B+2",
        "\xD9\xA1+2", "6*4..",    "6*4=24..",   "1+2 <3",     "open('x')", "__import__"}) {
    EXPECT_EQ(value_of(text), "refused") << text;
  }
  EXPECT_EQ(value_of(std::string("1\0+2", 4)), "refused");
}

TEST(SearchExpression, HasLimits) {
  EXPECT_EQ(value_of(std::string(24, '(') + "7" + std::string(24, ')')), "7");
  EXPECT_EQ(value_of(std::string(25, '(') + "7" + std::string(25, ')')), "refused");
  const auto ones = [](int count) {
    std::string text = "1";
    for (int i = 1; i < count; ++i) text += "+1";
    return text;
  };
  EXPECT_EQ(value_of(ones(24)), "24");
  EXPECT_EQ(value_of(ones(25)), "refused");
  EXPECT_EQ(value_of("1" + std::string(397, ' ') + "+1"), "2");
  EXPECT_EQ(value_of("1" + std::string(398, ' ') + "+1"), "refused");
  EXPECT_EQ(value_of("9999*9999*9999*9999"), "9996000599960001");
  EXPECT_EQ(value_of("9999*9999*9999*9999*9999"), "refused");    // 9.995e19 > 2^63
  EXPECT_EQ(value_of("1/9999/9998/9997/9996/9995"), "refused");  // so is the denominator
  EXPECT_EQ(value_of("1/9999/9998/9997/9996+1/9991/9989"), "refused");
  EXPECT_EQ(value_of(std::string(10'000'000, '(')), "refused");
}

TEST(SearchExpression, FractionsKeepTheirBounds) {
  const SearchFraction lowest{INT64_MIN + 1, 1};
  EXPECT_EQ(apply_operation(lowest, '-', {1, 1}), std::nullopt);  // -2^63 has no opposite
  EXPECT_EQ(apply_operation({INT64_MAX, 1}, '+', {1, 1}), std::nullopt);
  EXPECT_EQ(apply_operation({1, 1}, '/', {INT64_MIN + 1, 1}), (SearchFraction{-1, INT64_MAX}));
  EXPECT_EQ(apply_operation({1, INT64_MAX}, '+', {1, INT64_MAX}), std::nullopt);
}

TEST(GradeExpression, CountsTheNumbers) {
  const std::array numbers = {2, 3, 3, 8};
  const auto some = [&](std::string_view answer, int target) {
    return grade_expression(answer, numbers, NumbersUsed::some, target);
  };
  const auto all = [&](std::string_view answer, int target) {
    return grade_expression(answer, numbers, NumbersUsed::all, target);
  };
  EXPECT_EQ(some("3 * 8", 24), Grade::equal);
  EXPECT_EQ(some("8", 8), Grade::equal);
  EXPECT_EQ(some("3 * 3 * 2", 18), Grade::equal);
  EXPECT_EQ(some("3 * 8", 23), Grade::different);
  EXPECT_EQ(some("8 + 8 + 8", 24), Grade::different);
  EXPECT_EQ(some("8 * 3 + 3 - 3", 24), Grade::different);  // 3 stands twice, not three times
  EXPECT_EQ(some("24", 24), Grade::different);
  EXPECT_EQ(some("38 - 8", 30), Grade::different);  // digits are not put together
  EXPECT_EQ(all("8 * 3 * (3 - 2)", 24), Grade::equal);
  EXPECT_EQ(all("3 * 8", 24), Grade::different);
  EXPECT_EQ(all("8 * 3 * (3 - 2) * 1", 24), Grade::different);
  EXPECT_EQ(all(" ", 24), Grade::no_answer);
  EXPECT_EQ(all("", 24), Grade::no_answer);
}

/// A random tree, written and evaluated in 128 bits without reducing.
struct Tree {
  std::string text;
  __extension__ typedef __int128 Wide;
  Wide numerator = 0;
  Wide denominator = 1;  ///< 0: a division by 0 stands inside
};

Tree random_tree(int leaves) {
  if (leaves == 1) {
    const int number = *rc::gen::inRange(0, 30);
    return {std::to_string(number), number, 1};
  }
  const int left_leaves = *rc::gen::inRange(1, leaves);
  const Tree left = random_tree(left_leaves);
  const Tree right = random_tree(leaves - left_leaves);
  const char operation = *rc::gen::element('+', '-', '*', '/');
  Tree tree;
  tree.text = "(" + left.text + ") " + operation + " (" + right.text + ")";
  tree.denominator = left.denominator * right.denominator;
  if (operation == '*') tree.numerator = left.numerator * right.numerator;
  if (operation == '+')
    tree.numerator = left.numerator * right.denominator + right.numerator * left.denominator;
  if (operation == '-')
    tree.numerator = left.numerator * right.denominator - right.numerator * left.denominator;
  if (operation == '/') {
    tree.numerator = left.numerator * right.denominator;
    tree.denominator = right.denominator == 0 ? 0 : left.denominator * right.numerator;
  }
  return tree;
}

TEST(SearchExpression, AgreesWithFractionsThatAreNotReduced) {
  EXPECT_TRUE(rc::check([] {
    const Tree tree = random_tree(*rc::gen::inRange(1, 8));
    const auto read = read_expression(tree.text);
    RC_ASSERT(read.has_value() == (tree.denominator != 0));
    if (read) RC_ASSERT(read->value.numerator * tree.denominator == tree.numerator * read->value.denominator);
  }));
}

}  // namespace
}  // namespace reckon
