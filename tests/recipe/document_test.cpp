#include "reckon/recipe/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/base/error.h"
#include "reckon/recipe/problems.h"
#include "support/paths.h"

namespace reckon {
namespace {
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kText = R"([run]
seed = 7
[[stage]]
name = "rl"
[[stage]]
name = "rl-1.5"
steps = 3
reward = { accuracy = 1.0 }
mix = [{ until = 1.0 }]
)";

TomlDocument document(const std::vector<std::string>& overrides, RecipeProblems& problems) {
  TomlDocument result = parse_toml(kText, "r.toml", problems);
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    apply_override(result, overrides[i], static_cast<std::uint32_t>(i + 1), problems);
  }
  return result;
}

/// What one override complains of.
std::string complaint(const std::string& override_text) {
  RecipeProblems problems("r.toml");
  document({override_text}, problems);
  return problems.text();
}

std::string usage_error(const std::string& text) {
  RecipeProblems problems("r.toml");
  try {
    (void)parse_toml(text, "r.toml", problems);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return problems.text();
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(ParseToml, KeepsTheOrderOfTheFileAndThePlaces) {
  RecipeProblems problems("r.toml");
  const TomlDocument parsed = document({}, problems);
  ASSERT_EQ(parsed.root.items.size(), 2u);
  EXPECT_EQ(parsed.root.items[0].key, "run");
  const TomlNode& stage = parsed.root.find("stage")->items.at(1);
  EXPECT_EQ(stage.items.at(0).key, "name");  // not sorted by key
  const TomlNode* accuracy = stage.find("reward")->find("accuracy");
  EXPECT_EQ(accuracy->key_place, (TomlPlace{.line = 8, .column = 12, .override_path = {}}));
  EXPECT_EQ(accuracy->place, (TomlPlace{.line = 8, .column = 23, .override_path = {}}));
  EXPECT_TRUE(problems.empty());
}

TEST(ParseToml, NamesThePlaceOfASyntaxError) {
  EXPECT_THAT(usage_error("a = 1\nb = = 2\n"), StartsWith("r.toml:2:5: not TOML: "));
  EXPECT_THAT(usage_error("a = \"\xff\"\n"), HasSubstr("utf-8"));
}

/// The parser asserts that a key follows, in debug builds.
TEST(ParseToml, RefusesATableWhoseNameIsNoKey) {
  for (const char* text : {"[=]", "[\nrun]", "[[\nstage]]", "[#]", "[,"}) {
    EXPECT_THAT(usage_error(text), StartsWith("r.toml:1:")) << text;
    EXPECT_THAT(usage_error(text), HasSubstr(": not TOML: ")) << text;
  }
}

/// Undefined behaviour in the parser, as UBSan sees it.
TEST(ParseToml, RefusesLettersBesideStrings) {
  for (const char* text : {"a = 1 \u00e9", "\u041e = 1", "a.\u041e = 1", "[\u00fc]", "a = [1 \u03c0]"}) {
    EXPECT_THAT(usage_error(text), StartsWith("r.toml:1:")) << text;
    EXPECT_THAT(usage_error(text), HasSubstr(": not TOML: ")) << text;
  }
}

TEST(ParseToml, RefusesWhatIsTooLongBeforeItParses) {
  // Not TOML at all: only the length is looked at.
  EXPECT_EQ(usage_error(std::string(65537, '=')),
            "r.toml: 65537 bytes long (need at most 65536). Is it a recipe?");
  EXPECT_THAT(usage_error(std::string(65536, '=')), HasSubstr("not TOML"));
}

TEST(ParseToml, SurvivesDeepNesting) {
  EXPECT_EQ(usage_error(repeated("a.", 32000) + "a = 1"),
            "r.toml: holds 32000 dots (need at most 4096). Is it a recipe?");
  EXPECT_THAT(usage_error(repeated("a.", 4096) + "a = 1"), HasSubstr("nested more than 8 deep"));
  EXPECT_THAT(usage_error("a = " + repeated("[", 30000)), HasSubstr("not TOML"));
  EXPECT_THAT(usage_error("a = " + repeated("[", 200) + repeated("]", 200)),
              HasSubstr("nested more than 8 deep"));
}

TEST(ReadToml, TellsAMissingFileFromALongOne) {
  const testing::TempDir folder;
  RecipeProblems problems("");
  const std::string file = (folder.path() / "r.toml").string();
  try {
    (void)read_toml(file, problems);
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::missing_input);
    EXPECT_THAT(error.what(), StartsWith(file + ": cannot read"));
  }
  testing::write_text(file, std::string(200000, '#'));
  try {
    (void)read_toml(file, problems);
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_EQ(error.what(), file + ": longer than 65536 bytes (need at most that). Is it a recipe?");
  }
}

TEST(Override, ReplacesAValueAndItsPlace) {
  RecipeProblems problems("r.toml");
  const TomlDocument changed = document({"run.seed=3"}, problems);
  const TomlNode* seed = changed.root.find("run")->find("seed");
  EXPECT_EQ(seed->integer, 3);
  EXPECT_EQ(seed->place, (TomlPlace{.line = 1, .column = 1, .override_path = "run.seed"}));
  EXPECT_TRUE(problems.empty());
}

TEST(Override, FindsElementsByNameEvenWithDotsInIt) {
  RecipeProblems problems("r.toml");
  const TomlDocument changed = document(
      {"stage.rl-1.5.steps=4", "stage.rl.steps=9", "stage.rl-1.5.reward.accuracy=2", "stage.rl.reward.x=1"},
      problems);
  const auto& stages = changed.root.find("stage")->items;
  EXPECT_EQ(problems.text(), "");
  EXPECT_EQ(stages[1].find("steps")->integer, 4);
  EXPECT_EQ(stages[0].find("steps")->integer, 9);
  EXPECT_EQ(stages[1].find("reward")->find("accuracy")->integer, 2);
  EXPECT_EQ(stages[0].find("reward")->find("x")->place.override_path, "stage.rl.reward.x");
}

TEST(Override, TakesWhatIsNoTomlForAString) {
  RecipeProblems problems("r.toml");
  const TomlDocument changed = document(
      {"a=models/m", "b=[1, 2]", "c=true", "d=", "e=\"x\"", "f=1 = 2", "g=1\nh = 2", "i={ until = 0.5 }"},
      problems);
  const TomlNode& root = changed.root;
  EXPECT_EQ(root.text_of("a"), "models/m");
  EXPECT_EQ(root.find("b")->items.at(1).integer, 2);
  EXPECT_TRUE(root.find("c")->boolean);
  EXPECT_EQ(root.find("d")->kind, TomlNode::Kind::string);
  EXPECT_EQ(root.text_of("e"), "x");
  EXPECT_EQ(root.text_of("f"), "1 = 2");
  EXPECT_EQ(root.text_of("g"), "1\nh = 2");  // a line break does not smuggle in a second setting
  EXPECT_EQ(root.find("h"), nullptr);
  EXPECT_EQ(root.find("i")->find("until")->place.override_path, "i");
  EXPECT_EQ(problems.text(), "");
}

TEST(Override, SaysWhyItCannotBeFollowed) {
  EXPECT_EQ(
      complaint("stage.rl-1.6.steps=4"),
      "--set stage.rl-1.6.steps: no stage is named \"rl-1\" (need stage.NAME.KEY with one of rl, rl-1.5).");
  EXPECT_EQ(complaint("stage.lr.steps=4"),
            "--set stage.lr.steps: no stage is named \"lr\" (need stage.NAME.KEY with one of rl, rl-1.5)."
            " Did you mean \"rl\"?");
  EXPECT_EQ(complaint("run.seed.low=4"),
            "--set run.seed.low: \"seed\" is 7, which has no \"low\" (need a table)");
  EXPECT_EQ(complaint("stage.rl-1.5.mix.0.until=1"),
            "--set stage.rl-1.5.mix.0.until: the tables of \"mix\" have no names to set them by (set the "
            "whole array)");
  EXPECT_EQ(complaint("run.seed"),
            "--set run.seed: no setting with a value (need --set path=value, for example --set run.seed=3)");
  EXPECT_EQ(complaint("=3"),
            "--set =: no setting with a value (need --set path=value, for example --set run.seed=3)");
  EXPECT_THAT(complaint(repeated("a.", 30) + "a=1"), HasSubstr("the path is too deep (need at most 8 dots)"));
  EXPECT_THAT(complaint("a={ " + repeated("a.", 32000) + "a = 1 }"), HasSubstr("holds 32000 dots"));
  EXPECT_THAT(complaint("a=\xff"), HasSubstr("--set a: the value is not text (need UTF-8)"));
}

}  // namespace
}  // namespace reckon
