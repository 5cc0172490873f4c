#include "reckon/grade/format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "support/paths.h"

namespace reckon {
namespace {

TEST(StrictFormat, IsExactlyTheTwoParts) {
  EXPECT_TRUE(strict_format("<think>\na\nb\n</think>\n<answer>\n8\n</answer>"));
  for (const char* text :
       {"", "<answer>\n8\n</answer>", "<think>a</think><answer>8</answer>",
        "<think>\na\n</think>\n<answer>8</answer>", "<think>\na\n</think>\n\n<answer>\n8\n</answer>",
        " <think>\na\n</think>\n<answer>\n8\n</answer>", "<think>\na\n</think>\n<answer>\n8\n</answer>\n",
        "<think>\na\n</think>\n<answer>\n8\n</answer> more", "<think>\na\n</think>\n<answer>\n \n</answer>",
        "<think>\na\n</think>\n<answer>\n</answer>",
        "<think>\na\n<think>\nb\n</think>\n<answer>\n8\n</answer>",
        "<think>\na\n</think>\n<answer>\n7\n</answer>\n<answer>\n8\n</answer>"}) {
    EXPECT_FALSE(strict_format(text)) << text;
  }
}

TEST(ThinkFormat, StartsWithThinkingThatIsClosed) {
  EXPECT_TRUE(think_format("<think></think>"));
  EXPECT_TRUE(think_format("<think>a</think> then </think>"));
  EXPECT_FALSE(think_format(""));
  EXPECT_FALSE(think_format("<think>a"));
  EXPECT_FALSE(think_format("a</think>"));
  EXPECT_FALSE(think_format(" <think>a</think>"));
  EXPECT_FALSE(think_format("<think>a</think><think>b"));
}

TEST(TagCountFormat, PaysAQuarterForEachPiece) {
  EXPECT_EQ(tag_count_format("<think>\na\n</think>\n<answer>\n8\n</answer>"), 1.0);
  EXPECT_EQ(tag_count_format("<think>\na\n</think>\n<answer>8</answer>"), 0.5);
  EXPECT_EQ(tag_count_format("<think>\na\n<think>\n</think>\n<answer>\n8\n</answer>"),
            0.75);  // <think> twice
  EXPECT_EQ(tag_count_format("\n</answer>"), 0.25);
  EXPECT_EQ(tag_count_format("<think>a</think><answer>8</answer>"), 0.0);
  EXPECT_EQ(tag_count_format(""), 0.0);
}

// The format tests of open-r1 and TRL, each by the form that its grader pays.
TEST(Formats, AgreeWithThePublicCases) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  std::ifstream in(*data / "grading" / "public_cases.jsonl");
  std::map<std::string, int> seen;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["kind"] != "format") continue;
    const std::string grader = row["flags"]["grader"];
    const std::string text = row["pred"];
    ++seen[grader];
    const bool paid = grader == "open_r1_format" ? strict_format(text) : think_format(text);
    EXPECT_EQ(paid, row["expected"].get<bool>()) << row["id"];
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"open_r1_format", 1}, {"trl_think_format", 8}}));
}

}  // namespace
}  // namespace reckon
