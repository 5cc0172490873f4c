#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/commands.h"
#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What `reckon ARGUMENTS` prints.
std::string output_of(std::vector<std::string> arguments) {
  CLI::App program;
  add_recipe_command(program);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  ::testing::internal::CaptureStdout();
  try {
    program.parse(arguments);
  } catch (...) {
    ::testing::internal::GetCapturedStdout();
    throw;
  }
  return ::testing::internal::GetCapturedStdout();
}

std::string r1_mini() {
  return (testing::source_dir() / "recipes" / "r1-mini.toml").string();
}

TEST(RecipeCommand, CheckPrintsTheStagesInTheirOrder) {
  EXPECT_EQ(output_of({"recipe", "check", r1_mini()}),
            r1_mini() + ": ok, 5 stages: teach -> cold-start -> eval-cold-start -> rl-1 -> eval-rl-1\n");
}

TEST(RecipeCommand, CheckThrowsWhatIsWrong) {
  EXPECT_THROW(output_of({"recipe", "check", r1_mini(), "--set", "run.sed=1"}), Error);
}

TEST(RecipeCommand, SetTakesOneArgumentEachTimeAndKeepsCommas) {
  const std::string text =
      output_of({"recipe", "show", "--set", "run.seed=3", "--set", "task.chains.levels=[1, 2]", r1_mini()});
  EXPECT_THAT(text, HasSubstr("\nseed = 3                                # --set\n"));
  EXPECT_THAT(text, HasSubstr("\nlevels = [1, 2]                         # --set\n"));
  EXPECT_THAT(text, HasSubstr("\nname = \"r1-mini\"                        # " + r1_mini() + ":"));
}

TEST(RecipeCommand, DocsPrintsTheReference) {
  EXPECT_THAT(output_of({"recipe", "docs"}), StartsWith("# Recipe reference\n"));
}

TEST(RecipeCommand, NeedsASubcommandAndAFile) {
  EXPECT_THROW(output_of({"recipe"}), CLI::ParseError);
  EXPECT_THROW(output_of({"recipe", "check"}), CLI::ParseError);
}

}  // namespace
}  // namespace reckon
