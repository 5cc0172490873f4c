#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/commands.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::vector<json> grade(const std::string& arguments, const std::vector<json>& pairs) {
  CLI::App program;
  add_grade_command(program);
  std::string text;
  for (const json& pair : pairs) text += pair.dump() + "\n";
  std::istringstream in(text);
  std::ostringstream out;
  auto* const real_in = std::cin.rdbuf(in.rdbuf());
  auto* const real_out = std::cout.rdbuf(out.rdbuf());
  try {
    program.parse("grade " + arguments);
  } catch (...) {
    std::cin.rdbuf(real_in);
    std::cout.rdbuf(real_out);
    throw;
  }
  std::cin.rdbuf(real_in);
  std::cout.rdbuf(real_out);
  std::vector<json> lines;
  std::istringstream written(out.str());
  for (std::string line; std::getline(written, line);) lines.push_back(json::parse(line));
  return lines;
}

json pair(const std::string& gold, const std::string& pred) {
  return {{"gold", gold}, {"pred", pred}};
}

TEST(GradeCommand, GradesTextsThatHoldAnswers) {
  const auto lines = grade("", {pair("\\frac{3}{4}", "so we get $\\boxed{0.75}$."), pair("$3$", "it is 4"),
                                pair("3", ""), pair("((", "3")});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["verdict"], "right");
  EXPECT_EQ(lines[0]["correct"], true);
  EXPECT_EQ(lines[0]["grade"], "equal");
  EXPECT_EQ(lines[0]["extracted"], "0.75");
  EXPECT_TRUE(lines[0]["micros"].is_number_integer());
  EXPECT_EQ(lines[1]["verdict"], "wrong");
  EXPECT_EQ(lines[1]["correct"], false);
  EXPECT_EQ(lines[1]["grade"], "different");
  EXPECT_EQ(lines[2]["verdict"], "no_answer");
  EXPECT_EQ(lines[3]["verdict"], "grader_failed");
  EXPECT_EQ(lines[3]["grade"], "gold_unparseable");
  EXPECT_NE(lines[3]["reason"], "");
}

TEST(GradeCommand, TakesAnswersAsTheyStandOrAsInTraining) {
  const std::vector<json> text = {pair("3", "so it is 3 in all")};
  EXPECT_EQ(grade("", text)[0]["verdict"], "right");
  EXPECT_EQ(grade("--kind answer", text)[0]["verdict"], "wrong");
  EXPECT_EQ(grade("--kind completion", text)[0]["verdict"], "no_answer");
  const std::vector<json> tagged = {pair("3", "<think>2</think><answer>3</answer>")};
  EXPECT_EQ(grade("--kind completion", tagged)[0]["verdict"], "right");
  const std::vector<json> boxed = {pair("3", "<think>\\boxed{3}</think> it is \\boxed{3}")};
  EXPECT_EQ(grade("--kind completion --form boxed", boxed)[0]["extracted"], "3");
  EXPECT_EQ(grade("--kind completion --form tag", boxed)[0]["verdict"], "no_answer");
  const std::vector<json> list = {pair("1, 2", "\\boxed{1}, \\boxed{2}")};
  EXPECT_EQ(grade("--kind completion --form boxed", list)[0]["verdict"], "right");
  EXPECT_EQ(grade("--kind completion --form boxed", {pair("2", "\\boxed{1}, \\boxed{2}")})[0]["extracted"],
            "2");
}

TEST(GradeCommand, HasOptionsForWhatGradersDoDifferently) {
  const std::vector<json> lists = {pair("10, 4", "4, 10")};
  EXPECT_EQ(grade("", lists)[0]["verdict"], "right");
  EXPECT_EQ(grade("--ordered-lists", lists)[0]["verdict"], "wrong");
  const std::vector<json> sets = {pair("x \\in [-2,7]", "-2 \\le x \\le 7")};
  EXPECT_EQ(grade("", sets)[0]["verdict"], "wrong");
  EXPECT_EQ(grade("--inequality-for-interval", sets)[0]["verdict"], "right");
}

TEST(GradeCommand, NamesTheMalformedLine) {
  try {
    grade("", {pair("1", "1"), json{{"gold", "1"}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("standard input:2: no \"pred\""));
  }
}

}  // namespace
}  // namespace reckon
