#include "reckon/recipe/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_settings.h"

namespace reckon {
namespace {
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Outcome {
  testing::Settings settings;
  std::string problems;
};

Outcome read(const std::string& text) {
  RecipeProblems problems("r.toml");
  const TomlDocument document = parse_toml(text, "r.toml", problems);
  auto settings = read_document<testing::Settings>(document, problems);
  return {std::move(settings), problems.text()};
}

std::string problems_of(const std::string& setting) {
  return read("[[item]]\nname = \"a\"\n" + setting + "\n").problems;
}

TEST(Reader, ReadsEveryType) {
  const auto [settings, problems] = read(R"([top]
share = 1
words = ["x", "y"]
[[item]]
name = "a"
on = true
count = 9
rate = 2
colour = "deep_blue"
weights = [0, 0.25]
phases = [{ share = 0.1 }, { words = ["z"] }]
inner.share = 0.75
)");
  ASSERT_EQ(problems, "");
  EXPECT_EQ(settings.top.share, 1.0);  // an integer stands for a number
  EXPECT_THAT(settings.top.words, ElementsAre("x", "y"));
  ASSERT_EQ(settings.item.size(), 1u);
  const testing::Item& item = settings.item[0];
  EXPECT_TRUE(item.on);
  EXPECT_EQ(item.count, 9);
  EXPECT_EQ(item.rate, 2.0);
  EXPECT_EQ(item.colour, testing::Colour::deep_blue);
  EXPECT_THAT(item.weights, ElementsAre(0.0, 0.25));
  EXPECT_EQ(item.inner.share, 0.75);
  ASSERT_EQ(item.phases.size(), 2u);
  EXPECT_EQ(item.phases[0].share, 0.1);
  EXPECT_EQ(item.phases[1].share, 0.5);
  EXPECT_THAT(item.phases[1].words, ElementsAre("z"));
}

TEST(Reader, LeavesDefaultsWhereNothingIsSaid) {
  const auto [settings, problems] = read("");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(settings.top.share, 0.5);
  EXPECT_THAT(settings.item, IsEmpty());
}

TEST(Reader, SaysWhatIsWrongWithAValue) {
  EXPECT_EQ(problems_of("on = 1"), "r.toml:3:6: \"item.a.on\" is 1, an integer (need true or false)");
  EXPECT_EQ(problems_of("count = 3.0"),
            "r.toml:3:9: \"item.a.count\" is 3.0, a float (need an integer between 1 and 9)");
  EXPECT_EQ(problems_of("count = 10"),
            "r.toml:3:9: \"item.a.count\" is 10 (need an integer between 1 and 9)");
  EXPECT_EQ(problems_of("rate = 0"), "r.toml:3:8: \"item.a.rate\" is 0 (need a number above 0)");
  EXPECT_EQ(problems_of("rate = \"fast\""),
            "r.toml:3:8: \"item.a.rate\" is \"fast\", a string (need a number above 0)");
  EXPECT_EQ(problems_of("rate = nan"), "r.toml:3:8: \"item.a.rate\" is nan (need a finite number above 0)");
  EXPECT_EQ(problems_of("rate = +inf"), "r.toml:3:8: \"item.a.rate\" is inf (need a finite number above 0)");
  EXPECT_EQ(problems_of("rate = 2026-01-31"),
            "r.toml:3:8: \"item.a.rate\" is 2026-01-31, a date or time (need a number above 0)");
  EXPECT_EQ(problems_of("colour = \"reed\""),
            "r.toml:3:10: \"item.a.colour\" is \"reed\" (need one of red, deep_blue). Did you mean \"red\"?");
  EXPECT_EQ(problems_of("inner = []"), "r.toml:3:9: \"item.a.inner\" is [], an array (need a table)");
  EXPECT_EQ(problems_of("phases = [1]"), "r.toml:3:11: \"item.a.phases[0]\" is 1, an integer (need a table)");
}

TEST(Reader, ReportsEachWrongElement) {
  EXPECT_EQ(problems_of("weights = [1, -1, \"x\"]"),
            "r.toml:3:15: \"item.a.weights[1]\" is -1 (need a number of at least 0)\n"
            "r.toml:3:19: \"item.a.weights[2]\" is \"x\", a string (need a number of at least 0)");
}

TEST(Reader, KeepsTheDefaultOfAWrongValue) {
  const auto [settings, problems] = read("[[item]]\nname = \"a\"\ncount = 0\nweights = [2, -1]\n");
  ASSERT_EQ(settings.item.size(), 1u);
  EXPECT_EQ(settings.item[0].count, 3);
  EXPECT_THAT(settings.item[0].weights, ElementsAre(1.0));
}

TEST(Reader, ReportsUnknownAndMissingKeys) {
  const std::string text = "[[item]]\ncuont = 3\n[item.inner]\nzzz = 1\n";
  EXPECT_EQ(read(text).problems,
            "r.toml:1:1: missing key \"item[0].name\" (need a string: its name)\n"
            "r.toml:2:1: unknown key \"item[0].cuont\". Did you mean \"count\"?\n"
            "r.toml:4:1: unknown key \"item[0].inner.zzz\" (known here: share, words)");
}

TEST(Reader, NamesTheFormOfAnArrayOfTables) {
  EXPECT_EQ(read("[item]\n").problems,
            "r.toml:1:1: \"item\" is {  }, a table (need an array of tables, [[item]])");
}

}  // namespace
}  // namespace reckon
