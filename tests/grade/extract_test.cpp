#include "reckon/grade/extract.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace reckon {
namespace {

std::string answer_of(std::string_view completion) {
  const Extracted extracted = extract_answer(completion);
  return extracted.found ? std::string(extracted.answer) : "(none)";
}

TEST(ExtractAnswer, TakesTheLastAnswerAfterTheLastThink) {
  EXPECT_EQ(answer_of("<think>3+5=8</think><answer>8</answer>"), "8");
  EXPECT_EQ(answer_of("<answer>8</answer>"), "8");
  EXPECT_EQ(answer_of("<answer>7</answer> no, <answer> 8 \n</answer>"), "8");
  EXPECT_EQ(answer_of("<think>a</think><answer>1</answer><think>b</think><answer>2</answer>"), "2");
  EXPECT_EQ(answer_of("3+5=8</think><answer>8</answer>"), "8");  // the prompt opened the thinking
}

TEST(ExtractAnswer, FindsNothingElsewhere) {
  EXPECT_EQ(answer_of(""), "(none)");
  EXPECT_EQ(answer_of("8"), "(none)");
  EXPECT_EQ(answer_of("the answer is 8"), "(none)");
  EXPECT_EQ(answer_of("<answer>8"), "(none)");
  EXPECT_EQ(answer_of("8</answer>"), "(none)");
  EXPECT_EQ(answer_of("</answer>8<answer>"), "(none)");
  EXPECT_EQ(answer_of("<answer></answer>"), "(none)");
  EXPECT_EQ(answer_of("<answer> \t\n</answer>"), "(none)");
  EXPECT_EQ(answer_of("<ANSWER>8</ANSWER>"), "(none)");
}

TEST(ExtractAnswer, NeverLooksInsideThinking) {
  EXPECT_EQ(answer_of("<think><answer>8</answer></think>"), "(none)");
  EXPECT_EQ(answer_of("<think>3+5=8<answer>8</answer>"), "(none)");  // never closed
  EXPECT_EQ(answer_of("<think></think><answer>1</answer><think><answer>2</answer>"), "1");
  EXPECT_EQ(answer_of("<answer>8</answer></think>"), "(none)");
}

TEST(ExtractAnswer, CountsAnswersAndTakesTheInnermost) {
  EXPECT_EQ(extract_answer("<answer>1</answer><answer>2</answer>").num_answers, 2u);
  EXPECT_EQ(extract_answer("<think><answer>1</answer></think><answer>2</answer>").num_answers, 1u);
  EXPECT_EQ(answer_of("<answer>1<answer>2</answer>"), "2");
  EXPECT_EQ(answer_of("<answer>1</answer></answer>"), "1");
  // A blank last answer does not fall back to an earlier one.
  EXPECT_EQ(answer_of("<answer>1</answer><answer></answer>"), "(none)");
}

TEST(ExtractAnswer, TakesLinearTimeOnRepeatedTags) {
  for (const std::string piece :
       {"<answer>", "</answer>", "<think>", "<answer>1</answer>", "<", "<answer>1"}) {
    std::string text;
    while (text.size() < 4'000'000) text += piece;
    const auto start = std::chrono::steady_clock::now();
    (void)extract_answer(text);
    (void)well_formed(text);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << piece;
  }
}

TEST(WellFormed, PaysBothModesAlike) {
  EXPECT_TRUE(well_formed("<think>3+5=8</think><answer>8</answer>"));
  EXPECT_TRUE(well_formed("<think></think><answer>8</answer>"));
  EXPECT_TRUE(well_formed("<answer>8</answer>"));
}

// As models of words write it: with newlines between and around the two parts.
TEST(WellFormed, TakesBlanksAroundTheParts) {
  EXPECT_TRUE(well_formed("<think>\nso 8\n</think>\n\n<answer>\n8\n</answer>\n"));
  EXPECT_TRUE(well_formed(" <answer>8</answer> "));
  EXPECT_FALSE(well_formed("<think>a</think>\n8\n<answer>8</answer>"));
  EXPECT_FALSE(well_formed("<think>a</think>\n<answer>\n</answer>"));
}

TEST(WellFormed, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "8",
                                      "<answer></answer>",
                                      "<answer> </answer>",
                                      "<answer>8",
                                      "8</answer>",
                                      "<think>a</think>",
                                      "x<answer>8</answer>",
                                      "<answer>8</answer>x",
                                      "<think>a</think>x<answer>8</answer>",
                                      "<answer>8</answer><answer>8</answer>",
                                      "<answer><answer>8</answer>",
                                      "<answer>8</answer></answer>",
                                      "<think>a<answer>8</answer>",
                                      "<think>a</think></think><answer>8</answer>",
                                      "<think><think>a</think><answer>8</answer>",
                                      "<think>a</think><think>b</think><answer>8</answer>",
                                      "<think><answer>7</answer></think><answer>8</answer>",
                                      "<answer>8</answer><think>a</think>",
                                      "<answer>8<think></answer>",
                                      "a</think><answer>8</answer>",
                                      "<answer>",
                                      "<answer></answe"}) {
    EXPECT_FALSE(well_formed(text)) << text;
  }
}

}  // namespace
}  // namespace reckon
