// tokenize, score, generate and inspect, as programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lineage/sample_lineage.h"
#include "reckon/model/pretrained.h"
#include "reckon/rollout/sampler.h"
#include "reckon/text/tokenizer.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kTemplate =
    "{% for m in messages %}{{ m.role[0] + ':' + m.content + ';' }}{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}";

class ModelCommands : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path model = folder.path() / "model";
  Tokenizer tokenizer = Tokenizer::character_level("abcdefgstu:;\xC3\xA9");

  void SetUp() override {
    DecoderConfig config;
    config.family = ModelFamily::qwen2;
    config.qk_norm = false;
    config.qkv_bias = true;
    config.vocab_size = 40;  // more rows than tokens
    config.hidden_size = 32;
    config.intermediate_size = 48;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.num_key_value_heads = 1;
    config.head_dim = 16;
    config.max_position_embeddings = 64;
    config.eos_token_ids = {static_cast<std::int64_t>(tokenizer.eos_id())};
    Decoder decoder(config);
    decoder.initialise(5, 0.4);
    save_pretrained(model, decoder,
                    {{"tokenizer.json", tokenizer.to_json()},
                     {"tokenizer_config.json", tokenizer.tokenizer_config_json()},
                     {"chat_template.jinja", kTemplate}},
                    {.max_shard_bytes = 20'000});
  }

  /// Standard output alone; standard error goes to `error`.
  testing::CommandResult reckon(const std::string& arguments, const std::string& input = "") {
    testing::write_text(folder.path() / "in", input);
    const std::string binary = (testing::binary_dir() / "bin" / "reckon").string();
    testing::CommandResult result =
        testing::run_command("(" + binary + " " + arguments + " <" + (folder.path() / "in").string() + " 2>" +
                             (folder.path() / "err").string() + ")");
    error = testing::read_text(folder.path() / "err");
    return result;
  }

  std::string error;
};

std::vector<json> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_F(ModelCommands, TokenizeGoesThereAndBackInOrder) {
  const std::string texts = "{\"text\": \"abc\"}\n{\"text\": \"\"}\n{\"text\": \"<think>\xC3\xA9\"}\n";
  auto result = reckon("tokenize --model " + model.string(), texts);
  ASSERT_EQ(result.exit_code, 0) << error;
  const auto ids = lines_of(result.output);
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0]["ids"], json(tokenizer.encode("abc")));
  EXPECT_EQ(ids[1]["ids"], json::array());
  EXPECT_EQ(ids[2]["ids"].size(), 2u);
  result = reckon("tokenize --decode --model " + model.string(), result.output);
  ASSERT_EQ(result.exit_code, 0) << error;
  EXPECT_EQ(result.output, "{\"text\":\"abc\"}\n{\"text\":\"\"}\n{\"text\":\"<think>\xC3\xA9\"}\n");
}

TEST_F(ModelCommands, TokenizeNamesTheLineThatIsWrong) {
  auto result = reckon("tokenize --model " + model.string(), "{\"text\": \"a\"}\n{\"text\": \"z\"}\n");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_EQ(lines_of(result.output).size(), 1u) << "what came before is answered";
  EXPECT_THAT(error, HasSubstr("standard input:2: encode: U+007A 'z'"));
  result = reckon("tokenize --model " + model.string(), "{\"ids\": [1]}\n");
  EXPECT_THAT(error, HasSubstr("standard input:1: no \"text\" (need a string of that name)"));
  result = reckon("tokenize --decode --model " + model.string(), "{\"ids\": [1, -1]}\n");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(error, HasSubstr("standard input:1: ids holds -1 (need whole numbers, 0 or more)"));
  result = reckon("tokenize --decode --model " + model.string(), "{\"ids\": [1, 39]}\n");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(error, HasSubstr("standard input:1: decode: "));
  result = reckon("tokenize --model " + (folder.path() / "none").string());
  EXPECT_EQ(result.exit_code, 66);
  result = reckon("tokenize --model " + model.string() + " " + (folder.path() / "none.jsonl").string());
  EXPECT_EQ(result.exit_code, 66);
}

TEST_F(ModelCommands, ScoreIsTheLogSoftmaxOfTransformers) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "the Python oracles are not installed";
  fs::remove(model / "tokenizer.json");  // it needs none
  fs::remove(model / "tokenizer_config.json");
  const std::string input =
      "{\"ids\": [3, 1, 4, 1, 5, 9, 2, 6, 39, 38]}\n{\"ids\": [7]}\n{\"ids\": []}\n"
      "{\"ids\": [3, 1, 4]}\n";
  const auto result = reckon("score --model " + model.string(), input);
  ASSERT_EQ(result.exit_code, 0) << error;
  const auto ours = lines_of(result.output);
  ASSERT_EQ(ours.size(), 4u);
  EXPECT_EQ(ours[1]["logprobs"], json::array());
  EXPECT_EQ(ours[2]["logprobs"], json::array());
  // The company that a line comes in does not show: the same prefix, the same bits.
  EXPECT_EQ(ours[3]["logprobs"][0], ours[0]["logprobs"][0]);
  EXPECT_EQ(ours[3]["logprobs"][1], ours[0]["logprobs"][1]);
  testing::write_text(folder.path() / "oracle.py", R"(
import json, sys, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 39, 38]])
with torch.no_grad():
    logprobs = model(ids).logits[0].double().log_softmax(-1)
print(json.dumps([logprobs[i, ids[0, i + 1]].item() for i in range(9)]))
)");
  const auto oracle =
      testing::run_command("(" + python->string() + " " + (folder.path() / "oracle.py").string() + " " +
                           model.string() + " 2>/dev/null)");
  ASSERT_EQ(oracle.exit_code, 0) << oracle.output;
  const json theirs = json::parse(oracle.output);
  ASSERT_EQ(ours[0]["logprobs"].size(), 9u);
  double lowest = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(ours[0]["logprobs"][i].get<double>(), theirs[i].get<double>(), 1e-4);
    lowest = std::min(lowest, theirs[i].get<double>());
  }
  EXPECT_LT(lowest, -4.0) << "a uniform distribution would pass: log 40 is 3.7";
}

TEST_F(ModelCommands, ScoreRefusesWhatTheModelCannotRead) {
  auto result = reckon("score --model " + model.string(), "{\"ids\": [1, 40]}\n");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(error, HasSubstr("standard input:1: token id 40 (need 0 to 39)"));
  json ids = json::array();
  for (int i = 0; i < 65; ++i) ids.push_back(1);
  result = reckon("score --model " + model.string(), json{{"ids", ids}}.dump() + "\n");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(error, HasSubstr("65 token ids (need at most max_position_embeddings, 64)"));
}

TEST_F(ModelCommands, GenerateStreamsWhatTheSamplerChooses) {
  const std::string base = "generate --model " + model.string() + " --prompt abc --max-new-tokens 20 ";
  const auto greedy = reckon(base + "--temperature 0");
  ASSERT_EQ(greedy.exit_code, 0) << error;
  const auto decoder = load_pretrained(model);
  decoder->limit_vocabulary(static_cast<std::int64_t>(tokenizer.vocab_size()));
  Sampler sampler(*decoder);
  const auto prompt = tokenizer.encode("abc");
  const SampleRequest request{prompt, {}};
  const Sample sample =
      sampler.generate({&request, 1}, {.max_new_tokens = 20, .decoding = Decoding::greedy}).front();
  std::span<const std::uint32_t> ids = sample.token_ids;
  if (sample.finish_reason == FinishReason::eos) ids = ids.first(ids.size() - 1);
  EXPECT_EQ(greedy.output, "abc" + tokenizer.decode(ids) + "\n");
  EXPECT_THAT(error, HasSubstr("[3 prompt tokens, " + std::to_string(sample.token_ids.size()) + " new in "));

  const auto one = reckon(base + "--seed 1");
  EXPECT_EQ(reckon(base + "--seed 1").output, one.output);
  EXPECT_NE(reckon(base + "--seed 2").output, one.output);
}

TEST_F(ModelCommands, ChatGoesThroughTheTemplateAndKeepsTheConversation) {
  const std::string base = "generate --chat --temperature 0 --max-new-tokens 4 --model " + model.string();
  const auto single = reckon(base + " --prompt abc --system sus");
  ASSERT_EQ(single.exit_code, 0) << error;
  EXPECT_THAT(error, HasSubstr("[14 prompt tokens, "));  // s:sus;u:abc;a:
  const auto talk = reckon(base, "abc\n\nde\n");
  ASSERT_EQ(talk.exit_code, 0) << error;
  const std::size_t first = error.find(" prompt tokens"), second = error.find(" prompt tokens", first + 1);
  ASSERT_NE(second, std::string::npos) << error;
  EXPECT_THAT(error, HasSubstr("[8 prompt tokens, "));  // u:abc;a:
  EXPECT_EQ(std::count(talk.output.begin(), talk.output.end(), '\n'), 2);
}

TEST_F(ModelCommands, GenerateSaysWhatItNeeds) {
  EXPECT_EQ(reckon("generate --prompt 'a z' --model " + model.string()).exit_code, 65);
  EXPECT_THAT(error, HasSubstr("is not in the tokenizer's vocabulary"));
  EXPECT_EQ(reckon("generate --model " + model.string()).exit_code, 2);
  EXPECT_THAT(error, HasSubstr("need --prompt TEXT, or --chat"));
  EXPECT_EQ(reckon("generate --prompt a --system b --model " + model.string()).exit_code, 2);
  EXPECT_THAT(error, HasSubstr("--system needs --chat"));
  fs::remove(model / "chat_template.jinja");
  EXPECT_EQ(reckon("generate --chat --prompt a --model " + model.string()).exit_code, 2);
  EXPECT_THAT(error,
              HasSubstr("--chat needs a chat template, and this folder has none (need chat_template.jinja"));
  EXPECT_EQ(reckon("generate --prompt a --temperature -1 --model " + model.string()).exit_code, 2);
}

TEST_F(ModelCommands, InspectShowsWhatTheFolderHolds) {
  const auto result = reckon("inspect " + model.string());
  ASSERT_EQ(result.exit_code, 0) << error;
  EXPECT_THAT(result.output, HasSubstr("family       qwen2\n"));
  // By hand: 40 x 32 + 2 layers of (64 norms + 64 x 32 + 64 qkv + 32 x 32 out + 3 x 48 x 32 mlp) + 32 norm.
  EXPECT_THAT(result.output, HasSubstr("parameters   16,928 (16.9k)\n"));
  EXPECT_THAT(result.output, HasSubstr("2 layers, width 32, MLP 48, 2 query and 1 key heads of 16\n"));
  EXPECT_THAT(result.output, HasSubstr("tied embeddings, biases on q, k, v\n"));
  EXPECT_THAT(result.output, HasSubstr("F32, 0.1 MB in 4 shards, 26 tensors\n"));
  EXPECT_THAT(result.output, HasSubstr("sha256       " + load_pretrained(model)->sha256() + "\n"));
  EXPECT_THAT(result.output, HasSubstr("vocabulary   40 rows, 18 tokens\n"));
  EXPECT_THAT(result.output, HasSubstr("sha256 of tokenizer.json " + tokenizer.sha256() + "\n"));
  EXPECT_THAT(result.output, HasSubstr("end tokens   <|eos|> (4)\n"));
  EXPECT_THAT(result.output, HasSubstr("template     " + std::to_string(std::string(kTemplate).size())));
}

TEST_F(ModelCommands, InspectShowsTheLineageOfAModelAndOfARun) {
  const std::string rows = reckon("inspect " + model.string()).output;
  const std::string lineage = lineage_json(testing::sample_lineage());
  const std::string tree = lineage_tree(testing::sample_lineage(), 80);  // the output is no terminal
  testing::write_text(model / "lineage.json", lineage);
  auto result = reckon("inspect " + model.string());
  ASSERT_EQ(result.exit_code, 0) << error;
  EXPECT_EQ(result.output, rows + "\n" + tree);

  const fs::path run = folder.path() / "run";
  fs::create_directories(run);
  testing::write_text(run / "lineage.json", lineage);
  result = reckon("inspect " + run.string());
  ASSERT_EQ(result.exit_code, 0) << error;
  EXPECT_EQ(result.output, tree);

  testing::write_text(run / "lineage.json", lineage.substr(0, lineage.size() / 2));
  EXPECT_EQ(reckon("inspect " + run.string()).exit_code, 65);
  EXPECT_THAT(error, HasSubstr((run / "lineage.json").string() + ": not JSON: "));
}

TEST_F(ModelCommands, InspectRefusesABrokenFolder) {
  EXPECT_EQ(reckon("inspect " + (folder.path() / "none").string()).exit_code, 66);
  fs::remove(model / "model-00002-of-00004.safetensors");
  EXPECT_EQ(reckon("inspect " + model.string()).exit_code, 66);
  EXPECT_THAT(error, HasSubstr("shard model-00002-of-00004.safetensors is missing"));
  testing::write_text(model / "config.json", R"({"model_type": "gpt2"})");
  EXPECT_EQ(reckon("inspect " + model.string()).exit_code, 65);
  EXPECT_THAT(error, HasSubstr("model_type is \"gpt2\" (supported: \"qwen2\", \"qwen3\", \"llama\")"));
}

}  // namespace
}  // namespace reckon
