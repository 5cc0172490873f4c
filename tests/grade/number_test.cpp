#include "reckon/grade/number.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

#include "reckon/base/philox.h"
#include "reckon/grade/grade.h"

namespace reckon {
namespace {

TEST(CompareNumbers, AcceptsNumbersAsPeopleWriteThem) {
  for (const std::string_view pred : {"1000", "1,000", "$1000", "$1,000", "1000.", "1,000.00", "+1000",
                                      " 1000 \n", "$ 1000", "01000", "2000/2", "3000 / 3", "1000/1"}) {
    EXPECT_EQ(compare_numbers("1,000", pred), Grade::equal) << pred;
    EXPECT_EQ(compare_numbers(pred, "1000"), Grade::equal) << pred;
  }
  for (const std::string_view pred : {"-3", "- 3", "-3.0", "-$3", "$-3",
                                      "\xE2\x88\x92"
                                      "3",
                                      "-6/2"}) {
    EXPECT_EQ(compare_numbers("-3", pred), Grade::equal) << pred;
  }
  EXPECT_EQ(compare_numbers("3/4", ".75"), Grade::equal);
  EXPECT_EQ(compare_numbers("0.750", "6/8"), Grade::equal);
  EXPECT_EQ(compare_numbers("0", "-0.00"), Grade::equal);
  EXPECT_EQ(compare_numbers("0", "0/5"), Grade::equal);
}

TEST(CompareNumbers, IsExact) {
  EXPECT_EQ(compare_numbers("1/3", "0.333333333333333333333333333333"), Grade::different);
  EXPECT_EQ(compare_numbers("0.1", "0.1000000000000000055511151231257827"),
            Grade::different);                                                           // the double 0.1
  EXPECT_EQ(compare_numbers("9007199254740993", "9007199254740992"), Grade::different);  // 2^53 + 1
  EXPECT_EQ(compare_numbers("123456789123456789/987654321987654321", "13717421013717421/109739369109739369"),
            Grade::equal);  // both divided by 9
}

TEST(CompareNumbers, RefusesToPayAnythingElse) {
  for (const std::string_view pred : {"17",
                                      "-18",
                                      "180",
                                      "1 8",
                                      "18 18",
                                      "18 or 17",
                                      "17, 18",
                                      "18,",
                                      "1,8",
                                      "18.0.0",
                                      "18..",
                                      "--18",
                                      "+-18",
                                      "18-",
                                      "18%",
                                      "x=18",
                                      "eighteen",
                                      "18 dollars",
                                      "0x12",
                                      "1.8e1",
                                      "18/0",
                                      "18/",
                                      "/18",
                                      "18/1/1",
                                      "36/2.0",
                                      "36./2",
                                      "(18)",
                                      "\\boxed{18}",
                                      "#### 18",
                                      "18</answer>",
                                      "\xEF\xBC\x91\xEF\xBC\x98",
                                      "1\xE2\x80\x8B"
                                      "8",
                                      "18\xC2\xA0",
                                      "$",
                                      "$$18",
                                      "-",
                                      ".",
                                      "/",
                                      ",",
                                      "it is false that 18",
                                      "nan",
                                      "inf",
                                      "18\xFF"}) {
    EXPECT_EQ(compare_numbers("18", pred), Grade::different) << pred;
  }
  EXPECT_EQ(compare_numbers("18", std::string_view("18\0", 3)), Grade::different);
}

TEST(CompareNumbers, ReadsCommasBetweenGroupsOfThreeOnly) {
  EXPECT_EQ(compare_numbers("1450000", "1,450,000"), Grade::equal);
  for (const std::string_view pred :
       {"1,45,0000", "1450,000", "1,4500,00", "1,450,00", ",450", "1,,450", "1,450,", "1,450,0000"}) {
    EXPECT_EQ(compare_numbers("1450000", pred), Grade::different) << pred;
  }
}

TEST(CompareNumbers, BlankIsNoAnswer) {
  EXPECT_EQ(compare_numbers("18", ""), Grade::no_answer);
  EXPECT_EQ(compare_numbers("18", " \n\t"), Grade::no_answer);
}

TEST(CompareNumbers, SaysWhenTheGoldIsNoNumber) {
  EXPECT_EQ(compare_numbers("x", "18"), Grade::gold_unparseable);
  EXPECT_EQ(compare_numbers("", ""), Grade::gold_unparseable);
  EXPECT_EQ(compare_numbers("1/0", "1"), Grade::gold_unparseable);
  EXPECT_EQ(compare_numbers(std::string(1001, '1'), "1"), Grade::gold_unparseable);
}

TEST(CompareNumbers, RefusesMoreThanAThousandDigits) {
  const std::string ones(1000, '1');
  EXPECT_EQ(compare_numbers(ones, ones), Grade::equal);
  EXPECT_EQ(compare_numbers(ones, ones.substr(0, 999) + "2"), Grade::different);
  EXPECT_EQ(compare_numbers("18", ones + "1"), Grade::refused);
  EXPECT_EQ(compare_numbers("18", "18." + std::string(5'000'000, '0')), Grade::refused);
  EXPECT_EQ(compare_numbers("18", "18/" + std::string(1000, '1')), Grade::refused);
}

TEST(CompareNumbers, AgreesWithWholeNumberArithmetic) {
  RandomStream random(11, 1);
  int equal = 0;
  for (int i = 0; i < 20'000; ++i) {
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
    ASSERT_EQ(compare_numbers(x, y), expected) << x << " " << y;
    ASSERT_EQ(compare_numbers(y, x), expected) << x << " " << y;
  }
  EXPECT_GT(equal, 100);  // the loop saw both outcomes
}

TEST(GradeAnswer, ReadsNumbers) {
  EXPECT_EQ(grade_answer("$1,000", "1000.0"), Grade::equal);
  EXPECT_EQ(grade_answer("18", "19"), Grade::different);
}

}  // namespace
}  // namespace reckon
