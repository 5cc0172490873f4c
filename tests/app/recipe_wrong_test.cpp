// Each file of tests/recipe/wrong says in comments at its top, `# error: LINE`, what must be reported: all of
// it, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "app/recipe.h"
#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;

fs::path folder() {
  return testing::source_dir() / "tests" / "recipe" / "wrong";
}

std::vector<std::string> wrong_recipes() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder())) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string expected_errors(const std::string& text) {
  static const std::string kMark = "# error: ";
  std::istringstream lines(text);
  std::string expected;
  for (std::string line; std::getline(lines, line) && line.starts_with(kMark);) {
    expected += (expected.empty() ? "" : "\n") + line.substr(kMark.size());
  }
  return expected;
}

class WrongRecipe : public ::testing::TestWithParam<std::string> {};

TEST_P(WrongRecipe, IsReportedAsTheFileSays) {
  const std::string file = GetParam() + ".toml";
  const std::string text = testing::read_text(folder() / file);
  const std::string expected = expected_errors(text);
  ASSERT_NE(expected, "");
  try {
    (void)parse_recipe(text, file, {});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_EQ(error.what(), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, WrongRecipe, ::testing::ValuesIn(wrong_recipes()),
                         [](const auto& test) { return test.param; });

TEST(WrongRecipes, AreAtLeastTwenty) {
  EXPECT_GE(wrong_recipes().size(), 20u);
}

}  // namespace
}  // namespace reckon
