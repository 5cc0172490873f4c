// `reckon plan` on all recipes, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

testing::CommandResult plan(const std::string& arguments) {
  // A recipe of a program of the user's names it from where the recipe is tried.
  return testing::run_command("cd " + testing::source_dir().string() + " && " +
                              (testing::binary_dir() / "bin" / "reckon").string() + " plan " + arguments);
}

std::string recipe(const std::string& name) {
  return (testing::source_dir() / "recipes" / name).string();
}

TEST(PlanCommand, PlansEveryRecipeForGpus) {
  for (const auto& entry : fs::directory_iterator(testing::source_dir() / "recipes")) {
    if (entry.path().extension() != ".toml") continue;
    const auto result = plan(entry.path().string() + " --gpu h200 --nodes 2 --json");
    ASSERT_EQ(result.exit_code, 0) << entry.path() << "\n" << result.output;
    const auto json = nlohmann::json::parse(result.output);
    EXPECT_EQ(json["ranks"], 16);
    EXPECT_GT(json["largest_model"]["parameters"].get<double>(), 1e9);
    for (const auto& stage : json["stages"]) {
      EXPECT_GT(stage["step_s"].get<double>(), 0) << stage;
      double memory = 0;
      for (const auto& part : stage["memory"]) memory += part.get<double>();
      EXPECT_NEAR(memory, stage["memory_mb"].get<double>(), 1e-6) << stage;
    }
  }
}

TEST(PlanCommand, TriesThisMachine) {
  const auto result = plan(recipe("r1-mini-arithmetic.toml") + " --ranks-per-node 2");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("4 layers of 128"));
  EXPECT_THAT(result.output, HasSubstr("tried just now, a rank: products "));
  EXPECT_THAT(result.output, HasSubstr("as long as the tasks' reference solutions"));
  EXPECT_THAT(result.output, HasSubstr("largest model without tensor parallelism"));
  EXPECT_THAT(result.output, HasSubstr("split, max_staleness 1"));
}

TEST(PlanCommand, SimulatesJobsOfManyRanks) {
  const std::string arguments =
      recipe("grpo-math-qwen2.5-7b.toml") + " --gpu h200 --simulate --ranks 16,32 --json";
  const auto result = plan(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto rows = nlohmann::json::parse(result.output);
  ASSERT_EQ(rows.size(), 18U);
  for (const auto& row : rows) {
    EXPECT_EQ(row["issued"].get<int>(),
              row["trained"].get<int>() + row["dropped"].get<int>() + row["in_flight"].get<int>());
  }
  EXPECT_EQ(plan(arguments).output, result.output) << "the same numbers again";
}

TEST(PlanCommand, RefusesWhatItCannotPlan) {
  const std::string mini = recipe("r1-mini.toml");
  const std::vector<std::tuple<std::string, int, std::string>> cases = {
      {mini + " --gpu h20", 2,
       "--gpu: \"h20\" is not known (need one of a100, h100, h200, b200). Did you mean"},
      {mini + " --gpu h200 --nodes 0", 2, "--nodes: got 0 (need at least 1)"},
      {mini + " --gpu h200 --gpus-per-node 0", 2, "--gpus-per-node: got 0 (need at least 1)"},
      {mini + " --gpus-per-node 8", 2, "--gpu"},
      {mini + " --gpu h200 --simulate --ranks 1", 2, "--ranks: got 1 (need 2 to 100000)"},
      {mini + " --gpu h200 --mean-tokens 50 --p95-tokens 300", 2,
       "need from the mean to 3.86 times the mean"},
      {mini + " --gpu h200 --p95-tokens 300", 2, "--p95-tokens: needs --mean-tokens"},
      {mini + " --gpu h200 --shard weights", 2, "--shard"},
      {mini + " --gpu h200 --from-run /no/such/run", 66, "--from-run /no/such/run: has no rollouts/"},
      {mini + " --gpu h200 --set model.path=models/nothing", 66, "there is no such model folder"},
      {mini + " --gpu h200 --set stage.rl-1.group_sise=16", 2, "group_size"},
      {"no-such-recipe.toml --gpu h200", 66, "no-such-recipe.toml"},
  };
  for (const auto& [arguments, code, message] : cases) {
    const auto result = plan(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments << "\n" << result.output;
    EXPECT_THAT(result.output, HasSubstr(message)) << arguments;
  }
}

}  // namespace
}  // namespace reckon
