// The program itself, under mpirun, on a task that a program of the user makes and grades.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/paths.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kModelAndStages = R"(
[run]
name = "own"
seed = 5
[model]
hidden_size = 32
intermediate_size = 48
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 16
max_position_embeddings = 128
[[stage]]
name = "practice"
kind = "sft"
from = "model"
steps = 20
tokens_per_step = 600
learning_rate = 3e-3
leaf_sequences = 4
[[stage]]
name = "rl"
kind = "grpo"
from = "practice"
steps = 2
prompts_per_step = 4
group_size = 4
max_new_tokens = 32
learning_rate = 1e-3
leaf_sequences = 4
[[stage]]
name = "eval"
kind = "eval"
from = "rl"
max_new_tokens = 32
eval_prompts = 8
eval_samples = 1
)";

class OwnTaskTraining : public ::testing::Test {
 protected:
  /// Trains on a program, which gets the folder's name as an argument, to be found by.
  testing::CommandResult train(const std::string& program, int ranks, const fs::path& out) const {
    const fs::path script = testing::source_dir() / program;
    testing::write_text(folder_.path() / "own.toml",
                        std::string(kModelAndStages) +
                            "[[task]]\nname = \"reverse\"\nkind = \"command\"\nsource = { "
                            "command = [\"python3\", \"" +
                            script.string() + "\", \"" + folder_.path().string() + "\"] }\n");
    return testing::run_command("mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) +
                                " " + (testing::binary_dir() / "bin/reckon").string() + " train " +
                                (folder_.path() / "own.toml").string() + " --out " + out.string());
  }
  [[nodiscard]] bool nothing_is_left() const { return testing::all_gone(folder_.path().string()); }

  testing::TempDir folder_;
};

TEST_F(OwnTaskTraining, GivesTheSameWeightsForAnyNumberOfRanks) {
  std::string weights;
  for (const int ranks : {1, 2}) {
    const fs::path out = folder_.path() / std::to_string(ranks);
    const auto result = train("examples/reverse_words.py", ranks, out);
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_TRUE(nothing_is_left());
    const std::string file = testing::read_text(out / "checkpoints/rl/step-000002/model.safetensors");
    if (ranks == 1) weights = file;
    EXPECT_TRUE(file == weights) << ranks << " ranks";
    const auto summary = nlohmann::json::parse(testing::read_text(out / "summary.json"));
    EXPECT_EQ(summary["stages"]["rl"]["eval"]["reverse"]["n"], 8);
  }
}

TEST_F(OwnTaskTraining, AProgramThatDoesNotStartIsToldOnceByOneRank) {
  const auto result = train("examples/none.py", 2, folder_.path() / "run");
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("error: task \"reverse\": program \"python3 "));
  const std::size_t first = result.output.find("before its first line");
  EXPECT_NE(first, std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("before its first line", first + 1), std::string::npos) << result.output;
  EXPECT_FALSE(fs::exists(folder_.path() / "run"));
}

}  // namespace
}  // namespace reckon
