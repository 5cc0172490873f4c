// The recipe of a real model, two steps from end to end: a stand-in of two layers with random weights, the
// real vocabulary of Qwen2.5 and the real questions of GSM8K.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/model/pretrained.h"
#include "reckon/record/rollout_log.h"
#include "reckon/text/text_folder.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

class RealVocabulary : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path model = folder.path() / "model";
  fs::path data;

  void SetUp() override {
    if (!testing::shared_data()) GTEST_SKIP() << "the shared test data is not there";
    data = *testing::shared_data();
    DecoderConfig config;
    config.family = ModelFamily::qwen2;
    config.qk_norm = false;
    config.qkv_bias = true;
    config.vocab_size = 151936;  // Qwen2.5-0.5B's rows: 271 more than it has tokens
    config.hidden_size = 32;
    config.intermediate_size = 64;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.num_key_value_heads = 1;
    config.head_dim = 16;
    config.max_position_embeddings = 1024;
    config.rope.theta = 1e6;
    config.eos_token_ids = {151645, 151643};
    Decoder decoder(config);
    decoder.initialise(1, 0.05);
    save_pretrained(
        model, decoder,
        {{"tokenizer.json", testing::read_text(data / "tokenizers" / "qwen2.5" / "tokenizer.json")},
         {"tokenizer_config.json",
          testing::read_text(data / "tokenizers" / "qwen2.5" / "tokenizer_config.json")},
         {"chat_template.jinja", testing::read_text(data / "templates" / "Qwen-Qwen2.5-7B-Instruct.jinja")}});
  }

  [[nodiscard]] testing::CommandResult train(int ranks, const fs::path& out) const {
    const fs::path recipe = testing::source_dir() / "recipes" / "grpo-gsm8k-qwen2.5-0.5b.toml";
    std::string command = "mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) + " " +
                          (testing::binary_dir() / "bin" / "reckon").string() + " train " + recipe.string() +
                          " --out " + out.string();
    for (const std::string& setting :
         {"model.path=" + model.string(), "task.gsm8k.path=" + (data / "gsm8k" / "test.jsonl").string(),
          "task.gsm8k-test.path=" + (data / "gsm8k" / "test.jsonl").string(),
          std::string("stage.eval-before.eval_prompts=2"), std::string("stage.eval-rl-1.eval_prompts=2"),
          std::string("stage.eval-before.eval_samples=1"), std::string("stage.eval-rl-1.eval_samples=1"),
          std::string("stage.eval-before.max_new_tokens=8"), std::string("stage.eval-rl-1.max_new_tokens=8"),
          std::string("stage.rl-1.steps=2"), std::string("stage.rl-1.prompts_per_step=2"),
          std::string("stage.rl-1.group_size=4"), std::string("stage.rl-1.max_new_tokens=12"),
          // Random weights answer nothing: a coin pays, so that there are gradients.
          std::string("stage.rl-1.reward.random=1"), std::string("stage.rl-1.learning_rate=1e-3")}) {
      command += " --set " + setting;
    }
    return testing::run_command(command);
  }
};

TEST_F(RealVocabulary, TheGsm8kRecipeRunsTwoStepsFromEndToEnd) {
  const fs::path out = folder.path() / "run";
  const auto result = train(1, out);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  std::istringstream metrics(testing::read_text(out / "metrics.jsonl"));
  int steps = 0;
  for (std::string line; std::getline(metrics, line);) {
    const json row = json::parse(line);
    if (row["stage"] != "rl-1") continue;
    ++steps;
    EXPECT_EQ(row["sampler_policy_max_diff"], 0.0);
    EXPECT_GT(row["grad_norm"].get<double>(), 0.0);
    EXPECT_NEAR(row["entropy"].get<double>(), std::log(151665.0), 0.5) << "over the tokens, nearly uniform";
    EXPECT_EQ(row["prompts_too_long"], 0.0);
  }
  EXPECT_EQ(steps, 2);

  // The prompt is what the template makes of the question; the tokens have text.
  const TextFolder text = load_text_folder(model);
  const RolloutLogReader reader(rollout_segments(out / "rollouts" / "rl-1", 0).at(0));
  const Group group = reader.read(0).batch.groups.at(0);
  EXPECT_THAT(group.prompt.text, HasSubstr("<|im_start|>system\nReason step by step inside <think>"));
  EXPECT_THAT(group.prompt.text, ::testing::EndsWith("<|im_end|>\n<|im_start|>assistant\n"));
  EXPECT_EQ(text.tokenizer.encode(group.prompt.text), group.prompt.token_ids);
  for (const Completion& completion : group.completions) {
    for (const std::uint32_t id : completion.token_ids) EXPECT_LT(id, 151665u);
  }

  // The checkpoint is the model's folder again: its text files byte for byte, weights in the dtype of the
  // recipe.
  const fs::path checkpoint = out / "checkpoints" / "rl-1" / "step-000002";
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}) {
    EXPECT_TRUE(testing::read_text(checkpoint / name) == testing::read_text(model / name)) << name;
  }
  const json config = json::parse(testing::read_text(checkpoint / "config.json"));
  EXPECT_EQ(config["dtype"], "bfloat16");
  const auto before = load_pretrained(model), after = load_pretrained(checkpoint);
  EXPECT_EQ(after->config().eos_token_ids, (std::vector<std::int64_t>{151645, 151643}));
  EXPECT_EQ(after->config().vocab_size, 151936);
  double moved = 0, largest = 0;
  for (std::size_t i = 0; i < before->parameters().size(); ++i) {
    const double change = std::abs(static_cast<double>(after->parameters()[i]) - before->parameters()[i]);
    moved += change > 1e-4 ? 1 : 0;
    largest = std::max(largest, change);
  }
  EXPECT_GT(moved, 1000.0);
  EXPECT_LT(largest, 0.02) << "two steps of Adam at 1e-3, and the rounding to bf16";
}

TEST_F(RealVocabulary, TwoRanksGiveTheSameWeights) {
  ASSERT_EQ(train(1, folder.path() / "one").exit_code, 0);
  const auto two = train(2, folder.path() / "two");
  ASSERT_EQ(two.exit_code, 0) << two.output;
  const fs::path file = fs::path("checkpoints") / "rl-1" / "step-000002" / "model.safetensors";
  EXPECT_TRUE(testing::read_text(folder.path() / "one" / file) ==
              testing::read_text(folder.path() / "two" / file));
}

TEST_F(RealVocabulary, AModelWithFewerRowsThanTokensIsRefused) {
  DecoderConfig config = load_decoder_config(model);
  config.vocab_size = 151646;
  Decoder decoder(config);
  ModelFiles files = read_model_files(model);
  files.erase("config.json");
  fs::remove_all(model);
  save_pretrained(model, decoder, files);
  const auto result = train(1, folder.path() / "run");
  EXPECT_EQ(result.exit_code, 65) << result.output;
  EXPECT_THAT(result.output, HasSubstr("the tokenizer has ids up to 151664, the model has 151646 rows"));
  EXPECT_FALSE(fs::exists(folder.path() / "run"));
}

}  // namespace
}  // namespace reckon
