#include "reckon/recipe/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "reckon/recipe/reader.h"
#include "sample_settings.h"

namespace reckon {
namespace {
using ::testing::HasSubstr;

constexpr const char* kText = R"([top]
share = 1
[[item]]
name = "a \"b\" \u0001"
rate = 0.30000000000000004
inner.words = ["x"]
phases = [
  { share = 0.25 },
]
)";

std::string resolved(const std::string& text, const std::string& file,
                     const std::vector<std::string>& overrides = {}) {
  RecipeProblems problems(file);
  TomlDocument document = parse_toml(text, file, problems);
  for (const auto& assignment : overrides) apply_override(document, assignment, 1, problems);
  const auto settings = read_document<testing::Settings>(document, problems);
  EXPECT_EQ(problems.text(), "");
  return resolved_toml(settings, document);
}

TEST(ResolvedToml, NamesTheOriginOfEachValue) {
  const std::string text = resolved(kText, "r.toml", {"top.words=[\"s\"]"});
  EXPECT_EQ(text, R"(
[top]
share = 1.0                             # r.toml:2
words = ["s"]                           # --set

[[item]]
name = "a \"b\" \u0001"                 # r.toml:4
on = false                              # default
count = 3                               # default
rate = 0.30000000000000004              # r.toml:5
colour = "red"                          # default
weights = [1.0]                         # default
inner.share = 0.5                       # default
inner.words = ["x"]                     # r.toml:6
phases = [                              # r.toml:7
  { share = 0.25, words = [] },         # r.toml:8; default: words
]
)");
}

TEST(ResolvedToml, LoadsAgainToTheSameValues) {
  const std::string once = resolved(kText, "r.toml");
  const std::string twice = resolved(once, "r.toml");
  const auto without_origins = [](const std::string& text) {
    std::istringstream lines(text);
    std::string kept;
    for (std::string line; std::getline(lines, line);) kept += line.substr(0, line.find(" # ")) + "\n";
    return kept;
  };
  EXPECT_EQ(without_origins(once), without_origins(twice));
  EXPECT_THAT(twice, ::testing::Not(HasSubstr("default")));
}

TEST(ResolvedToml, KeepsAFileNameInItsComment) {
  EXPECT_THAT(resolved(kText, "a\nseed = 1"), HasSubstr("# a\\u000Aseed = 1:2\n"));
}

TEST(TomlText, IsTheShortestThatReadsBack) {
  EXPECT_EQ(toml_text(0.1), "0.1");
  EXPECT_EQ(toml_text(3.0), "3.0");  // not 3, an integer
  EXPECT_EQ(toml_text(1e300), "1e+300");
  EXPECT_EQ(toml_text(-0.0), "-0.0");
  EXPECT_EQ(toml_text(std::numeric_limits<double>::denorm_min()), "5e-324");
  EXPECT_EQ(toml_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
}

TEST(NeedText, PutsBoundsIntoWords) {
  EXPECT_EQ(need_text("a number", any()), "a number");
  EXPECT_EQ(need_text("a number", above(0)), "a number above 0");
  EXPECT_EQ(need_text("a number", Bounds{.low = 0, .high = 1, .high_open = true}),
            "a number of at least 0 and below 1");
  EXPECT_EQ(need_text("a number", Bounds{.high = 2.5}), "a number at most 2.5");
  EXPECT_EQ(need_text("an integer", between(1, 1e9)), "an integer between 1 and 1000000000");
}

TEST(ReferenceTable, HasARowForEachSetting) {
  EXPECT_EQ(reference_table(testing::Item{}), R"(| key | value | default | meaning |
|---|---|---|---|
| `name` | a string | required | its name |
| `on` | true or false | `false` | a switch |
| `count` | an integer between 1 and 9 | `3` | a count |
| `rate` | a number above 0 | `0.1` | a rate |
| `colour` | one of "red", "deep_blue" | `"red"` | red \| deep_blue |
| `weights` | an array, each a number of at least 0 | `[1.0]` | some weights |
| `inner.share` | a number between 0 and 1 | `0.5` | a share |
| `inner.words` | an array, each a string | `[]` | some words |
| `phases` | an array of tables | none | an array of tables |
| `phases[].share` | a number between 0 and 1 | `0.5` | a share |
| `phases[].words` | an array, each a string | `[]` | some words |
)");
}

}  // namespace
}  // namespace reckon
