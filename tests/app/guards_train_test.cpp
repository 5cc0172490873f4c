// The guards in a run of the program: what they print and write, what they stop, and that ranks agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kHead = R"(
[run]
name = "guarded"
seed = 5
[model]
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
levels = [3]
)";

// An untrained model earns nothing: every group has equal rewards.
constexpr const char* kHopeless = R"(
[[stage]]
name = "rl"
kind = "grpo"
from = "model"
steps = 4
prompts_per_step = 2
group_size = 2
max_new_tokens = 8
learning_rate = 1e-3
)";

constexpr const char* kSupervised = R"(
[[stage]]
name = "sft"
kind = "sft"
from = "model"
steps = 24
tokens_per_step = 200
learning_rate = 1e-3
leaf_sequences = 2
)";

class GuardedRun : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path out = folder.path() / "run";

  [[nodiscard]] testing::CommandResult train(const std::string& recipe, int ranks = 1) const {
    testing::write_text(folder.path() / "guarded.toml", recipe);
    return testing::run_command("mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) +
                                " " + (testing::binary_dir() / "bin" / "reckon").string() + " train " +
                                (folder.path() / "guarded.toml").string() + " --out " + out.string());
  }
  [[nodiscard]] std::vector<json> rows() const {
    std::istringstream in(testing::read_text(out / "metrics.jsonl"));
    std::vector<json> rows;
    for (std::string line; std::getline(in, line);) rows.push_back(json::parse(line));
    return rows;
  }
};

TEST_F(GuardedRun, AnAlarmIsSaidOnceAndStandsInMetricsAndSummary) {
  const auto result = train(kHead + std::string("[guard]\nzero_variance_steps = 2\n") + kHopeless);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string alarm =
      "rl step 2: alarm zero_variance: every group of the last 2 steps has equal rewards";
  const std::size_t first = result.output.find(alarm);
  ASSERT_NE(first, std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("alarm zero_variance", first + alarm.size()), std::string::npos);
  const std::vector<json> metrics = rows();
  ASSERT_EQ(metrics.size(), 4u);
  EXPECT_FALSE(metrics[0].contains("alarms"));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(metrics[i].value("alarms", ""), "zero_variance");
  const json summary = json::parse(testing::read_text(out / "summary.json"));
  EXPECT_EQ(summary["stages"]["rl"].value("alarms_zero_variance", 0.0), 1.0);
}

TEST_F(GuardedRun, AnAlarmStopsWhereTheRecipeSaysSo) {
  const auto result = train(
      kHead + std::string("[guard]\nzero_variance_steps = 2\non_zero_variance = \"stop\"\n") + kHopeless);
  EXPECT_EQ(result.exit_code, 70) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("rl step 2: every group of the last 2 steps has equal rewards: nothing "
                        "is learned (accuracy 0). Are the problems too hard"));
  EXPECT_EQ(rows().size(), 2u) << "the row of the step that stopped it is written";
}

// A factor of just above 1 makes spikes of ordinary norms.
TEST_F(GuardedRun, RanksSkipTheSameUpdates) {
  std::string weights;
  std::vector<std::string> alarms;
  for (const int ranks : {1, 2}) {
    out = folder.path() / ("run" + std::to_string(ranks));
    const auto result =
        train(kHead + std::string("[guard]\nspike_factor = 1.02\nspike_window = 4\n") + kSupervised, ranks);
    ASSERT_EQ(result.exit_code, 0) << result.output;
    std::vector<std::string> seen;
    for (const json& row : rows()) seen.push_back(row.value("alarms", ""));
    const std::string file = testing::read_text(out / "checkpoints/sft/step-000024/model.safetensors");
    if (ranks == 1) {
      EXPECT_THAT(seen, ::testing::Contains("spike"));
      EXPECT_THAT(seen, ::testing::Contains(""));
      weights = file;
      alarms = seen;
    }
    EXPECT_EQ(seen, alarms);
    EXPECT_EQ(file, weights);
  }
}

TEST_F(GuardedRun, ASpikeStopsBeforeTheWeightsChange) {
  const auto result =
      train(kHead + std::string("[guard]\nspike_factor = 1.02\nspike_window = 4\nspike_action = \"stop\"\n") +
            kSupervised);
  EXPECT_EQ(result.exit_code, 70) << result.output;
  EXPECT_THAT(result.output, HasSubstr(" times the usual "));
  EXPECT_THAT(result.output, HasSubstr("(guard.spike_factor is 1.02). The update was not applied."));
  EXPECT_EQ(rows().back().value("alarms", ""), "spike");
  EXPECT_FALSE(fs::exists(out / "checkpoints/sft"));
}

}  // namespace
}  // namespace reckon
