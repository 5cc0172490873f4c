#include "reckon/recipe/problems.h"

#include <gtest/gtest.h>

#include "reckon/base/error.h"

namespace reckon {
namespace {

const std::vector<std::string> kKnown = {"temperature", "steps", "seed", "from", "kl_coef"};

TomlPlace in_file(std::uint32_t line, std::uint32_t column) {
  return {.line = line, .column = column, .override_path = {}};
}

TEST(NearestName, FindsOneWrongLetterOfEachSort) {
  EXPECT_EQ(nearest_name("temprature", kKnown), "temperature");  // left out
  EXPECT_EQ(nearest_name("stepps", kKnown), "steps");            // put in
  EXPECT_EQ(nearest_name("seet", kKnown), "seed");               // replaced
  EXPECT_EQ(nearest_name("form", kKnown), "from");               // neighbours swapped: one mistake, not two
}

TEST(NearestName, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("lr", kKnown), "");
  EXPECT_EQ(nearest_name("", kKnown), "");
  EXPECT_EQ(nearest_name("fmor", kKnown), "");  // two mistakes in four letters
  const std::vector<std::string> one_letter = {"a"};
  EXPECT_EQ(nearest_name("b", one_letter), "");
}

TEST(NearestName, TakesTheNearerOfTwo) {
  const std::vector<std::string> known = {"eval_prompts", "eval_prompt"};
  EXPECT_EQ(nearest_name("eval_promt", known), "eval_prompt");
}

TEST(RecipeProblems, AreListedInTheOrderOfTheFileThenOfTheCommandLine) {
  RecipeProblems problems("r.toml");
  EXPECT_NO_THROW(problems.throw_if_any());
  problems.add({.line = 2, .column = 1, .override_path = "b.c"}, "sixth");
  problems.add(in_file(10, 1), "fourth");
  problems.add({.line = 1, .column = 1, .override_path = "z"}, "fifth");
  problems.add(in_file(9, 12), "second");
  problems.add(in_file(9, 3), "first");
  problems.add(in_file(9, 12), "third, as added");
  try {
    problems.throw_if_any();
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_STREQ(error.what(),
                 "r.toml:9:3: first\nr.toml:9:12: second\nr.toml:9:12: third, as added\nr.toml:10:1: fourth\n"
                 "--set z: fifth\n--set b.c: sixth");
  }
}

TEST(RecipeProblems, AreALineEachWhateverTheirTextHolds) {
  RecipeProblems problems("r.toml");
  problems.add({.line = 1, .column = 1, .override_path = "a\nb"}, "no \x1B[2J");
  EXPECT_EQ(problems.text(), R"(--set a\u000Ab: no \u001B[2J)");
  problems.add(in_file(1, 1), std::string(100'000, 'x'));
  EXPECT_LT(problems.text().size(), 5000U);
}

TEST(Quotes, KeepAMessageOnOneLine) {
  EXPECT_EQ(in_quotes("a\"b\\c\nd\te\x7f"), R"("a\"b\\c\u000Ad\u0009e\u007F")");
  EXPECT_EQ(in_quotes("Grüße"), "\"Grüße\"");
}

TEST(Shown, CutsLongValuesBetweenCharacters) {
  TomlNode node;
  node.kind = TomlNode::Kind::string;
  // The quote and 58 letters, then a character of two bytes over the limit of 60.
  node.text = std::string(58, 'a') + "\u00fc" + std::string(58, 'b');
  EXPECT_EQ(shown(node), "\"" + std::string(58, 'a') + "...");
}

}  // namespace
}  // namespace reckon
