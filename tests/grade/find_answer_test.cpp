#include "reckon/grade/find_answer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace reckon {
namespace {

std::string found(std::string_view text) {
  return find_answer(text).text;
}

TEST(FindAnswer, TakesAnAnswerAsItStands) {
  EXPECT_EQ(found(" 42 "), "42");
  EXPECT_EQ(found("$\\frac12$"), "$\\frac12$");
  EXPECT_EQ(found("x = 5"), "x = 5");
  EXPECT_EQ(found("1 and 2"), "1 and 2");
  EXPECT_EQ(found("not enough information"), "not enough information");
  EXPECT_EQ(found("B"), "B");
}

TEST(FindAnswer, PrefersBoxes) {
  EXPECT_EQ(found("We get $x=3$, so \\boxed{\\frac{1}{2}}. Done with 7."), "\\frac{1}{2}");
  EXPECT_EQ(found("$2+\\frac53+1=\\boxed{\\frac{14}{3}}$"), "\\frac{14}{3}");
  EXPECT_EQ(found("\\boxed{5} is wrong.\n\nIt is \\boxed{6}."), "6");  // corrected, not a list
  EXPECT_EQ(found("\\boxed{\\text{a \\} b}}"), "\\text{a \\} b}");
  EXPECT_EQ(found("\\fbox{3}"), "3");
  EXPECT_EQ(found("\\boxed{\\boxed{3}}"), "\\boxed{3}");
  EXPECT_EQ(found("it is \\boxed{3"), "3");  // never closed: the last number
}

TEST(FindAnswer, JoinsBoxesThatListMembers) {
  EXPECT_EQ(found("$\\boxed{1}\\boxed{2}$"), "1, 2");
  EXPECT_EQ(found("$\\boxed{(98, 2)} \\quad \\text{and} \\quad \\boxed{(99, 503)}$"), "(98, 2), (99, 503)");
  EXPECT_EQ(found("\\boxed{1} papers and \\boxed{2} bins"), "1, 2");
  EXPECT_EQ(found("so \\boxed{143} **Final Answer** \\boxed{143}"), "143");
}

TEST(FindAnswer, ReadsWhatFollowsAnAnnouncement) {
  EXPECT_EQ(found("Final Answer: The final answer is $\\frac{1}{5}$. I hope it is correct."),
            "$\\frac{1}{5}$");
  EXPECT_EQ(found("Final Answer: The volume of $ABC$ is 120. I hope it is correct."), "120");
  EXPECT_EQ(found("We know 7 of them. The answer is 12. There are 99 more."), "12");
  EXPECT_EQ(found("Answer: 3/4\nThat took 5 steps."), "3/4");
  EXPECT_EQ(found("Final answer is B"), "B");
}

TEST(FindAnswer, FallsBackToTheLastFormulaThenTheLastNumber) {
  EXPECT_EQ(found("We find that $x \\lt 3$."), "x \\lt 3");
  EXPECT_EQ(found("Answer \\[ 9 \\]"), "9");
  EXPECT_EQ(found("the number is not 10 which is 1,000.99 in all"), "1,000.99");
  EXPECT_EQ(found("Therefore the probability that she wins is 2/3."), "2/3");
  EXPECT_EQ(found("so it fell by -3 degrees, I think"), "-3");
  EXPECT_EQ(found("1 1 1 1"), "1 1 1 1");  // no words: to be graded as it stands
  EXPECT_EQ(found("((((5"), "((((5");
  EXPECT_EQ(found("I do not know what to say here"), "");
  EXPECT_EQ(found(""), "");
}

TEST(FindAnswer, LooksBehindThinkingAlone) {
  EXPECT_EQ(found("<think>\\boxed{1}</think> It is 2."), "2");
  EXPECT_EQ(found("<think>\\boxed{1}</think>"), "");
  EXPECT_EQ(found("<think>3</think><answer> 8 </answer> 9"), "8");
}

TEST(FindAnswer, TakesLinearTime) {
  for (const std::string piece :
       {"\\boxed{", "{", "}", "$", "\\(", "answer is ", "1 ", "1,", "-", "\\", "is ", "\\boxed{1} "}) {
    std::string text;
    while (text.size() < 4'000'000) text += piece;
    const auto start = std::chrono::steady_clock::now();
    (void)find_answer(text);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << piece;
  }
}

}  // namespace
}  // namespace reckon
