#include "reckon/model/pretrained.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/text/tokenizer.h"
#include "support/logits.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;

ModelFiles tokenizer_files(const Tokenizer& tokenizer) {
  return {{"tokenizer.json", tokenizer.to_json()},
          {"tokenizer_config.json", tokenizer.tokenizer_config_json()}};
}

/// The default shape with the tokenizer's vocabulary.
std::unique_ptr<Decoder> default_model(const Tokenizer& tokenizer) {
  ModelInitConfig shape;
  shape.max_position_embeddings = 1024;
  auto model = std::make_unique<Decoder>(
      decoder_config_from(shape, static_cast<std::int64_t>(tokenizer.vocab_size()), tokenizer.eos_id()));
  model->initialise(3, 0.08);
  return model;
}

TEST(Pretrained, LogitsAgreeWithTransformersOn1000Tokens) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "the Python oracles are not installed";
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("0123456789+-=;ABC");
  const auto model = default_model(tokenizer);
  save_pretrained(folder.path() / "model", *model, tokenizer_files(tokenizer));
  std::vector<std::uint32_t> ids;
  RandomStream random(1, 2);
  std::string words;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back(random.below(static_cast<std::uint32_t>(tokenizer.vocab_size())));
    words += " " + std::to_string(ids.back());
  }
  const auto script = testing::source_dir() / "tests" / "model" / "decoder_oracle.py";
  const testing::CommandResult result =
      testing::run_command("(" + python->string() + " " + script.string() + " " +
                           (folder.path() / "model").string() + words + " 2>/dev/null)");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto answer = nlohmann::json::parse(result.output);
  EXPECT_EQ(answer["parameters"].get<std::size_t>(), model->parameters().size());
  const std::vector<float> ours = testing::all_logits(*model, ids);
  double worst = 0;
  double largest = 0;
  const std::size_t vocab = tokenizer.vocab_size();
  for (std::size_t t = 0; t < ids.size(); ++t) {
    for (std::size_t v = 0; v < vocab; ++v) {
      const double theirs = answer["logits"][t][v];
      worst = std::max(worst, std::abs(theirs - ours[t * vocab + v]));
      largest = std::max(largest, std::abs(theirs));
    }
  }
  EXPECT_LE(worst, 1e-4);
  EXPECT_GT(largest, 0.5) << "logits of nearly zero would agree whatever the model does";
}

TEST(Pretrained, WhatIsSavedIsReadBackBitForBit) {
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("abc");
  for (const bool tied : {true, false}) {
    const auto model = testing::tiny_model(1, 8, tied);
    const fs::path path = folder.path() / (tied ? "tied" : "untied");
    save_pretrained(path, *model, tokenizer_files(tokenizer));
    EXPECT_EQ(load_pretrained(path)->sha256(), model->sha256());
    EXPECT_EQ(load_pretrained(path)->config(), model->config());
    EXPECT_FALSE(fs::exists(path.string() + ".tmp"));
  }
}

TEST(Pretrained, EqualWeightsAreEqualFiles) {
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("abc");
  for (const char* name : {"a", "b"}) {
    save_pretrained(folder.path() / name, *testing::tiny_model(1, 8), tokenizer_files(tokenizer));
  }
  EXPECT_EQ(testing::read_text(folder.path() / "a" / "model.safetensors"),
            testing::read_text(folder.path() / "b" / "model.safetensors"));
}

TEST(Pretrained, NamesEveryTensorThatDoesNotFit) {
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("abc");
  const fs::path path = folder.path() / "model";
  save_pretrained(path, *testing::tiny_model(1, 8), tokenizer_files(tokenizer));
  std::string config = testing::read_text(path / "config.json");
  const std::string key = "\"intermediate_size\": 20";
  ASSERT_NE(config.find(key), std::string::npos) << config;
  config.replace(config.find(key), key.size(), "\"intermediate_size\": 36");
  testing::write_text(path / "config.json", config);
  try {
    (void)load_pretrained(path);
    FAIL() << "loaded weights of another shape";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    const std::string text = error.what();
    for (const char* layer : {"0", "1"}) {
      for (const char* part : {"gate_proj", "up_proj", "down_proj"}) {
        EXPECT_NE(text.find("model.layers." + std::string(layer) + ".mlp." + part), std::string::npos)
            << text;
      }
    }
  }
}

TEST(Pretrained, RefusesWeightsThatAreNotFiniteByTheirTensor) {
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("abc");
  for (const TensorDtype dtype : {TensorDtype::f32, TensorDtype::bf16}) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      const auto model = testing::tiny_model(1, 8);
      const ParameterTensor& tensor = model->tensors().at(3);
      model->parameters()[tensor.offset + 5] = bad;
      model->parameters()[tensor.offset + 7] = bad;
      const fs::path path = folder.path() / "model";
      fs::remove_all(path);
      save_pretrained(path, *model, tokenizer_files(tokenizer), {.dtype = dtype});
      try {
        (void)load_pretrained(path);
        FAIL() << "took weights that are not finite";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        EXPECT_EQ(error.what(), path.string() + ": tensor \"" + tensor.name + "\" has 2 of " +
                                    std::to_string(tensor.size) + " values that are not finite, the first " +
                                    (std::isnan(bad) ? "nan" : "inf") +
                                    " at 5 (need finite numbers). Is the folder a checkpoint of a run that "
                                    "diverged?");
      }
    }
  }
}

TEST(Pretrained, RefusesAFolderThatIsThereOrMissing) {
  const testing::TempDir folder;
  const Tokenizer tokenizer = Tokenizer::character_level("abc");
  EXPECT_THROW(save_pretrained(folder.path(), *testing::tiny_model(1, 8), tokenizer_files(tokenizer)), Error);
  try {
    (void)load_pretrained(folder.path() / "nothing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::missing_input);
  }
}

}  // namespace
}  // namespace reckon
