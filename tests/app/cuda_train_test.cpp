// Training on a GPU by the program itself: with RECKON_CUDA on one, else on the emulator, which a variable
// lets it use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/cuda/runtime.h"
#include "reckon/record/metrics.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kRecipe = R"(
[run]
name = "tiny"
seed = 5
[model]
device = "cuda"
compute_dtype = "bfloat16"
hidden_size = 32
intermediate_size = 48
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 16
max_position_embeddings = 128
[[task]]
name = "chains"
kind = "arithmetic"
levels = [2]
[[stage]]
name = "cold-start"
kind = "sft"
from = "model"
steps = 6
tokens_per_step = 250
learning_rate = 6e-3
leaf_sequences = 4
[[stage]]
name = "rl-1"
kind = "grpo"
from = "cold-start"
steps = 2
prompts_per_step = 4
group_size = 4
max_new_tokens = 12
learning_rate = 1e-3
leaf_sequences = 4
kl_coef = 0.01
updates_per_step = 2
[stage.reward]
random = 0.5
[[stage]]
name = "eval-rl-1"
kind = "eval"
from = "rl-1"
max_new_tokens = 12
eval_prompts = 4
eval_samples = 1
)";

class CudaTrainTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path recipe = folder.path() / "tiny.toml";

  void SetUp() override {
    if (cuda::device_count() == 0) GTEST_SKIP() << "no CUDA device";
    testing::write_text(recipe, kRecipe);
  }

  /// Runs the recipe into a folder of that name. \return its metrics
  std::vector<json> train(const std::string& name, int ranks, const std::string& settings = "") {
    const fs::path out = folder.path() / name;
    const auto result = testing::run_command(
        "RECKON_EMULATE_CUDA=1 mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " " +
        (testing::binary_dir() / "bin" / "reckon").string() + " train " + recipe.string() + " --out " +
        out.string() + " " + settings);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    output = result.output;
    std::istringstream in(testing::read_text(out / "metrics.jsonl"));
    std::vector<json> rows;
    for (std::string line; std::getline(in, line);) {
      json kept = json::object();
      const json row = json::parse(line);
      for (const auto& [key, value] : row.items()) {
        if (!is_measurement(key)) kept[key] = value;
      }
      rows.push_back(kept);
    }
    return rows;
  }
  [[nodiscard]] std::string weights_of(const std::string& name, int step = 2) const {
    return testing::read_text(folder.path() / name / "checkpoints/rl-1" /
                              ("step-00000" + std::to_string(step)) / "model.safetensors");
  }

  std::string output;
};

TEST_F(CudaTrainTest, ASecondRunGivesTheSameBitsAndTwoRanksNearlyThose) {
  const std::vector<json> rows = train("first", 1);
  EXPECT_THAT(output, HasSubstr("numerics: bfloat16, keys and values bfloat16 on "));
  EXPECT_THAT(output, HasSubstr(", exact, fingerprint "));
  ASSERT_EQ(rows.size(), 6u + 2u + 1u);
  EXPECT_LT(rows[5]["loss"], 0.98 * rows[0]["loss"].get<double>());
  for (std::size_t i = 6; i < 8; ++i) {
    EXPECT_EQ(rows[i]["sampler_policy_max_diff"], 0.0);
    EXPECT_GT(rows[i]["grad_norm"], 0.0);  // the random reward gives every group a gradient
  }
  EXPECT_EQ(train("second", 1), rows);
  EXPECT_TRUE(weights_of("second") == weights_of("first"));

  // Gradients of a rank are summed before those of the ranks: the last places differ.
  const std::vector<json> ranks = train("two", 2);
  ASSERT_EQ(ranks.size(), rows.size());
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(ranks[i]["loss"], rows[i]["loss"].get<double>(), 0.02) << i;
  EXPECT_EQ(ranks[6]["sampler_policy_max_diff"], 0.0);
}

TEST_F(CudaTrainTest, AResumedRunIsTheRunThatWasNotInterruptedAndItsStepsComeOutAgain) {
  const std::string settings = "--set checkpoint.every_steps=1 --set stage.rl-1.steps=3";
  const std::vector<json> rows = train("whole", 1, settings);
  const fs::path out = folder.path() / "killed";
  const auto killed = testing::run_command("RECKON_EMULATE_CUDA=1 RECKON_FAIL_AT=train.exchanged:3 " +
                                           (testing::binary_dir() / "bin" / "reckon").string() + " train " +
                                           recipe.string() + " --out " + out.string() + " " + settings);
  EXPECT_NE(killed.exit_code, 0) << killed.output;
  EXPECT_EQ(train("killed", 1, settings + " --resume"), rows);
  EXPECT_THAT(output, HasSubstr("goes on from checkpoint rl-1/step-00000"));
  EXPECT_TRUE(weights_of("killed", 3) == weights_of("whole", 3));
  EXPECT_EQ(testing::read_text(out / "chain.jsonl"), testing::read_text(folder.path() / "whole/chain.jsonl"));

  (void)train("two", 2);  // whose bits are not those of one rank
  const auto verified =
      testing::run_command("RECKON_EMULATE_CUDA=1 " + (testing::binary_dir() / "bin" / "reckon").string() +
                           " verify " + (folder.path() / "two").string() + " --all");
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("log-probs may differ by 0.0625, loss and gradient norm by 5.0 %"));
  EXPECT_THAT(verified.output, HasSubstr("largest differences: log-prob "));
  EXPECT_THAT(verified.output, ::testing::Not(HasSubstr("log-prob 0, loss 0 %, gradient norm 0 %")));
}

TEST_F(CudaTrainTest, FastNumericsReportTheDifferenceAndTheImportanceWeights) {
  const std::vector<json> rows =
      train("fast", 1,
            "--set 'model.numerics=\"fast\"' --set 'stage.rl-1.off_policy=\"tis\"' --set "
            "'stage.rl-1.exactness=\"report\"'");
  EXPECT_THAT(output, HasSubstr(", fast, fingerprint "));
  const json& row = rows.at(6);
  EXPECT_LT(row["sampler_policy_max_diff"], 0.1);
  EXPECT_NEAR(row["mean_importance"], 1.0, 0.05);
  EXPECT_EQ(row["importance_truncated"], 0.0);
}

}  // namespace
}  // namespace reckon
