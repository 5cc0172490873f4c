// The program itself, under mpirun, on a recipe of a few seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/grade/answer_form.h"
#include "reckon/record/metrics.h"
#include "reckon/record/rollout_log.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kTinyRecipe = R"(
[run]
name = "tiny"
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
[[stage]]
name = "cold-start"
kind = "sft"
from = "model"
steps = 30
tokens_per_step = 600
learning_rate = 3e-3
leaf_sequences = 4
[[stage]]
name = "rl-1"
kind = "grpo"
from = "cold-start"
steps = 3
prompts_per_step = 6
group_size = 4
max_new_tokens = 40
learning_rate = 1e-3
leaf_sequences = 4
kl_coef = 0.01
updates_per_step = 2
[[stage]]
name = "eval-rl-1"
kind = "eval"
from = "rl-1"
max_new_tokens = 40
eval_prompts = 16
eval_samples = 2
)";

class TrainTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path recipe = folder.path() / "tiny.toml";
  fs::path out = folder.path() / "run";

  void SetUp() override { testing::write_text(recipe, kTinyRecipe); }

  static std::string mpirun(int ranks) {
    return "mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " ";
  }
  [[nodiscard]] std::string train(const std::string& arguments = "") const {
    return (testing::binary_dir() / "bin" / "reckon").string() + " train " + recipe.string() + " --out " +
           out.string() + " " + arguments;
  }
  /// Removes the MPI launcher's own paragraphs, to count our lines.
  static int lines_with(const std::string& text, const std::string& part) {
    std::istringstream in(text);
    int count = 0;
    for (std::string line; std::getline(in, line);) count += line.find(part) != std::string::npos ? 1 : 0;
    return count;
  }
};

/// metrics.jsonl without what clock or machine decide.
std::vector<json> rows_without_times(const fs::path& run) {
  std::istringstream in(testing::read_text(run / "metrics.jsonl"));
  std::vector<json> rows;
  for (std::string line; std::getline(in, line);) {
    const json row = json::parse(line);
    json kept = json::object();
    for (const auto& [name, value] : row.items()) {
      if (!is_measurement(name)) kept[name] = value;
    }
    rows.push_back(kept);
  }
  return rows;
}

TEST_F(TrainTest, OneTwoThreeAndFourRanksGiveTheSameWeightsAndMetrics) {
  std::string weights;
  std::vector<json> rows;
  for (const int ranks : {1, 2, 3, 4}) {
    out = folder.path() / ("run" + std::to_string(ranks));
    const auto result = testing::run_command(mpirun(ranks) + train());
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("stage "));
    EXPECT_THAT(result.output, HasSubstr("Written to " + out.string()));
    const std::string file = testing::read_text(out / "checkpoints/rl-1/step-000003/model.safetensors");
    if (ranks == 1) {
      weights = file;
      rows = rows_without_times(out);
      EXPECT_EQ(rows.size(), 30u + 3u + 1u);
    } else {
      EXPECT_TRUE(file == weights) << ranks << " ranks";
      EXPECT_EQ(rows_without_times(out), rows) << ranks << " ranks";
    }
    const json summary = json::parse(testing::read_text(out / "summary.json"));
    EXPECT_EQ(summary["complete"], true);
    EXPECT_EQ(summary["stages"]["rl-1"]["eval"]["chains"]["n"], 16);
    std::uint64_t completions = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto segments = rollout_segments(out / "rollouts" / "rl-1", static_cast<std::uint64_t>(rank));
      ASSERT_EQ(segments.size(), 1u);
      EXPECT_EQ(segments[0].extension(), ".h5");
      const RolloutLogReader reader(segments[0]);
      EXPECT_EQ(reader.num_steps(), 3u);
      for (const Group& group : reader.read(0).batch.groups) completions += group.completions.size();
    }
    EXPECT_EQ(completions, 24u);
  }
  // Sampler and learner agree bit for bit, at the first update of each step.
  for (const json& row : rows) {
    if (row.contains("sampler_policy_max_diff")) {
      EXPECT_EQ(row["sampler_policy_max_diff"], 0.0);
    }
  }
}

TEST_F(TrainTest, AGpuIsRefusedByAProgramBuiltWithoutCuda) {
  const auto result =
      testing::run_command(train("--set 'model.device=\"cuda\"' --set 'model.compute_dtype=\"bfloat16\"'"));
  EXPECT_EQ(result.exit_code, 78) << result.output;
  EXPECT_THAT(result.output, HasSubstr("model.device is \"cuda\": this program was built without CUDA (need "
                                       "the cuda preset)"));
  EXPECT_FALSE(fs::exists(out));
}

// The threads that grade beside sampling change no bit, and every completion is counted under its grade.
TEST_F(TrainTest, GradingThreadsDoNotChangeTheRun) {
  const std::string settings =
      "--set stage.rl-1.reward.random=0.5 --set stage.rl-1.reward.length_cosine=0.3 "
      "--set stage.rl-1.reward.repetition=0.1 --set stage.rl-1.max_batch=5 --set "
      "stage.rl-1.reward.grading_threads=";
  std::string weights;
  std::vector<json> rows;
  for (const char* threads : {"0", "1", "3"}) {
    out = folder.path() / (std::string("threads") + threads);
    const auto result = testing::run_command(mpirun(2) + train(settings + threads));
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::string file = testing::read_text(out / "checkpoints/rl-1/step-000003/model.safetensors");
    if (weights.empty()) {
      weights = file;
      rows = rows_without_times(out);
    }
    EXPECT_TRUE(file == weights) << threads << " threads";
    EXPECT_EQ(rows_without_times(out), rows) << threads << " threads";
  }
  const RolloutLogReader reader(rollout_segments(out / "rollouts" / "rl-1", 0).at(0));
  EXPECT_THAT(reader.reward_term_names(),
              ::testing::ElementsAre("accuracy", "format", "random", "length_cosine", "repetition"));
  for (const json& row : rows) {
    if (row["stage"] != "rl-1") continue;
    std::int64_t graded = 0;
    for (const auto& [grade, name] : enum_names(Grade{}))
      graded += row["grade_" + std::string(name)].get<int>();
    EXPECT_EQ(graded, 24);
    EXPECT_EQ(row["grade_equal"].get<double>() / 24, row["pass_rate"]);
    EXPECT_EQ(row["reward_accuracy"], row["pass_rate"]);
    EXPECT_EQ(row["multi_box"], 0);
    EXPECT_NEAR(row["reward"].get<double>(),
                row["reward_accuracy"].get<double>() + 0.1 * row["reward_format"].get<double>() +
                    0.5 * row["reward_random"].get<double>() +
                    0.3 * row["reward_length_cosine"].get<double>() +
                    0.1 * row["reward_repetition"].get<double>(),
                1e-6);  // means of 24 float32 of about 1
    EXPECT_FALSE(row.contains("reward_overlong"));
  }
}

TEST_F(TrainTest, OtherFormsOfAnswersAreTaughtAskedForAndRead) {
  for (const char* form : {"boxed", "hashes", "phrase"}) {
    out = folder.path() / form;
    testing::write_text(
        recipe, std::string(kTinyRecipe) + "\n[answer]\nform = \"" + form + "\"\nsentence = \"on\"\n");
    const auto result = testing::run_command(train("--set model.max_position_embeddings=192"));
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const RolloutLogReader reader(rollout_segments(out / "rollouts" / "rl-1", 0).at(0));
    for (const Group& group : reader.read(0).batch.groups) {
      EXPECT_THAT(
          group.prompt.text,
          HasSubstr("\n" + answer_sentence({.form = std::string(form) == "boxed"    ? AnswerForm::boxed
                                                    : std::string(form) == "hashes" ? AnswerForm::hashes
                                                                                    : AnswerForm::phrase,
                                            .sentence = "on"})));
    }
  }
}

TEST_F(TrainTest, AWrongRecipeIsToldOnceAndExitsWith2) {
  const auto result = testing::run_command(mpirun(2) + train("--set stage.rl-1.group_size=1"));
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_EQ(lines_with(result.output, "group_size"), 1) << result.output;
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(TrainTest, AFailingRankEndsTheJobNamingItselfAndTheCause) {
  // Rank 1 cannot list its segment: a folder stands in the place of its manifest.
  fs::create_directories(out / "rollouts" / "rl-1" / "manifest-rank-00001.jsonl");
  const auto result = testing::run_command("timeout 60 " + mpirun(2) + train());
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr("[rank 1/2 "));
  EXPECT_THAT(result.output, HasSubstr("manifest-rank-00001.jsonl"));
  EXPECT_EQ(lines_with(result.output, "error: "), 1) << result.output;
}

TEST_F(TrainTest, ARankThatDiesEndsTheJob) {
  const auto result =
      testing::run_command("RECKON_FAIL_AT=rollout_log.tokens:2 RECKON_FAIL_RANK=1 timeout 60 " + mpirun(2) +
                           "-x RECKON_FAIL_AT -x RECKON_FAIL_RANK " + train());
  EXPECT_EQ(result.exit_code, 137) << result.output;  // 128 + SIGKILL
  const auto segments = rollout_segments(out / "rollouts" / "rl-1", 1);
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].extension(), ".part");
  EXPECT_EQ(RolloutLogReader(segments[0]).num_steps(), 1u);  // the step in progress is lost, no more
}

TEST_F(TrainTest, SigUsr1StopsBetweenStepsWith75) {
  const auto result = testing::run_command("timeout --preserve-status -s USR1 4 " + mpirun(2) +
                                           train("--set stage.cold-start.steps=1000000"));
  EXPECT_EQ(result.exit_code, 75) << result.output;
  EXPECT_EQ(lines_with(result.output, ": stopped ("), 1) << result.output;
  EXPECT_GT(rows_without_times(out).size(), 3u);
}

TEST_F(TrainTest, CtrlCStopsWith75) {
  const auto result = testing::run_command("timeout --preserve-status -s INT 3 " +
                                           train("--set stage.cold-start.steps=1000000"));
  EXPECT_EQ(result.exit_code, 75) << result.output;
  EXPECT_EQ(lines_with(result.output, ": stopped ("), 1) << result.output;
}

/// A number of metrics.jsonl, added up over the rows of a stage.
double sum_of(const std::vector<json>& rows, const std::string& stage, const char* name) {
  double sum = 0;
  for (const json& row : rows) sum += row["stage"] == stage ? row[name].get<double>() : 0.0;
  return sum;
}

// A chain of level n is a prompt of 2 (n + 1) tokens, and its trace n steps of six and seven tokens more:
// level 1 is 4 and 12 tokens, level 5 is 12 and 35. 40 positions hold level 1 and its trace; less 30 new
// tokens, prompts of 10.
TEST_F(TrainTest, PromptsAndExamplesThatDoNotFitArePassedOverAndCounted) {
  const auto result =
      testing::run_command(train("--set task.chains.levels=[1,5] --set task.chains.eval_level=3 "
                                 "--set model.max_position_embeddings=40 --set stage.rl-1.max_new_tokens=30 "
                                 "--set stage.eval-rl-1.max_new_tokens=30"));
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::vector<json> rows = rows_without_times(out);
  EXPECT_GT(sum_of(rows, "cold-start", "examples_too_long"), 0.0);
  EXPECT_GT(sum_of(rows, "rl-1", "prompts_too_long"), 0.0);
  const RolloutLogReader reader(rollout_segments(out / "rollouts" / "rl-1", 0).at(0));
  for (const Group& group : reader.read(0).batch.groups) EXPECT_EQ(group.prompt.token_ids.size(), 4u);
}

TEST_F(TrainTest, ARecipeInWhichNothingFitsIsRefused) {
  const std::string settings =
      "--set task.chains.levels=[5] --set task.chains.eval_level=3 --set stage.rl-1.max_new_tokens=2 "
      "--set stage.eval-rl-1.max_new_tokens=2 --set model.max_position_embeddings=";
  auto result = testing::run_command(train(settings + "40"));
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("stage \"cold-start\": 10000 examples of one step are longer than "
                                       "max_position_embeddings, 40 tokens"));
  out = folder.path() / "prompts";
  result = testing::run_command(train(settings + "12"));
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("1000 prompts in a row are longer than 11 tokens: max_position_embeddings "
                        "12 less max_new_tokens 1"));
}

TEST_F(TrainTest, AStageThatTrainsOnATestSetIsRefused) {
  testing::write_text(folder.path() / "test.jsonl", R"({"question": "1+1=", "answer": "so #### 2"})"
                                                    "\n");
  const auto result = testing::run_command(
      train("--set task.chains.kind=jsonl --set task.chains.levels=[1] --set task.chains.split=held_out "
            "--set task.chains.path=" +
            (folder.path() / "test.jsonl").string()));
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("stage \"cold-start\": task \"chains\" has no training problem (its split "
                        "is held_out"));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(TrainTest, ATokenizerThatTrainingCannotUseIsRefused) {
  ASSERT_EQ(testing::run_command(train("--set stage.cold-start.steps=1 --set stage.rl-1.steps=1")).exit_code,
            0);
  const fs::path model = out / "checkpoints" / "rl-1" / "step-000001";
  std::string text = kTinyRecipe;
  const std::size_t from = text.find("hidden_size"), to = text.find("[[task]]");
  text.replace(from, to - from, "path = \"" + model.string() + "\"\n");
  testing::write_text(recipe, text);
  out = folder.path() / "again";
  const std::string config = testing::read_text(model / "tokenizer_config.json");
  testing::write_text(model / "tokenizer_config.json", "{}");
  auto result = testing::run_command(train());
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("tokenizer_config.json names no eos_token"));
  testing::write_text(model / "tokenizer_config.json", config);
  json tokenizer = json::parse(testing::read_text(model / "tokenizer.json"));
  const std::size_t last = tokenizer["model"]["vocab"].size() - 1;
  for (auto& [token, id] : tokenizer["model"]["vocab"].items()) {
    if (id == last) id = last + 1;  // leaves a gap
  }
  testing::write_text(model / "tokenizer.json", tokenizer.dump());
  result = testing::run_command(train());
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("no token has id " + std::to_string(last) + ", and there are higher ones"));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(TrainTest, AHeadThatTheKernelsCannotComputeIsRefused) {
  const auto result = testing::run_command(train("--set model.head_dim=24"));
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("model: head_dim 24 (need a multiple of 16, at most 256)"));
}

TEST_F(TrainTest, SaysWhereItCannotWrite) {
  testing::write_text(folder.path() / "file", "");
  out = folder.path() / "file" / "run";
  auto result = testing::run_command(train());
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr("error: " + out.string()));
  out = folder.path() / "other";
  testing::write_text(folder.path() / "x", "");
  fs::create_directories(out);
  testing::write_text(out / "recipe.toml", "");
  result = testing::run_command(train());
  EXPECT_EQ(result.exit_code, 78) << result.output;
  EXPECT_THAT(result.output, HasSubstr("holds a run already"));
}

TEST_F(TrainTest, StartsFromAModelFolderAndRefusesABrokenOne) {
  ASSERT_EQ(testing::run_command(train()).exit_code, 0);
  const fs::path model = out / "checkpoints" / "rl-1" / "step-000003";
  std::string text = kTinyRecipe;
  const std::size_t from = text.find("hidden_size"), to = text.find("[[task]]");
  text.replace(from, to - from, "path = \"" + model.string() + "\"\n");
  testing::write_text(recipe, text);
  out = folder.path() / "again";
  const auto good = testing::run_command(train());
  EXPECT_EQ(good.exit_code, 0) << good.output;
  fs::resize_file(model / "model.safetensors", fs::file_size(model / "model.safetensors") - 1);
  out = folder.path() / "broken";
  const auto result = testing::run_command(train());
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("model.safetensors"));
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace reckon
