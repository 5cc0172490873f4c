// Model folders that transformers made, of every supported kind: logits, greedy continuations, and back
// again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/model/pretrained.h"
#include "reckon/rollout/sampler.h"
#include "support/logits.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Ids = std::vector<std::uint32_t>;

/// The folders, made once for all tests of this program.
class Families : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto python = testing::oracle_python();
    if (!python) return;
    folder_ = std::make_unique<testing::TempDir>();
    const auto script = testing::source_dir() / "tests" / "model" / "families_oracle.py";
    const auto result =
        testing::run_command("(" + python->string() + " " + script.string() + " " + folder_->path().string() +
                             " 2>" + (folder_->path() / "stderr").string() + ")");
    ASSERT_EQ(result.exit_code, 0) << testing::read_text(folder_->path() / "stderr");
    std::istringstream names(result.output);
    for (std::string name; std::getline(names, name);) names_.push_back(name);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "the Python oracles are not installed";
    ASSERT_GE(names_.size(), 12u);
  }

  static fs::path root() { return folder_->path(); }
  static json answers(const std::string& name) {
    return json::parse(testing::read_text(root() / (name + ".json")));
  }

  static std::unique_ptr<testing::TempDir> folder_;
  static std::vector<std::string> names_;
};

std::unique_ptr<testing::TempDir> Families::folder_;
std::vector<std::string> Families::names_;

struct Difference {
  double worst = 0;
  double largest = 0;  // of theirs
};

Difference compare(const std::vector<float>& ours, const json& theirs) {
  Difference difference;
  const std::size_t vocab = theirs[0].size();
  for (std::size_t t = 0; t < theirs.size(); ++t) {
    for (std::size_t v = 0; v < vocab; ++v) {
      const auto value = theirs[t][v].get<double>();
      difference.worst = std::max(difference.worst, std::abs(value - ours[t * vocab + v]));
      difference.largest = std::max(difference.largest, std::abs(value));
    }
  }
  return difference;
}

TEST_F(Families, LogitsAgreeWithTransformersWithin1e4) {
  for (const std::string& name : names_) {
    const json theirs = answers(name);
    const auto model = load_pretrained(root() / name);
    const Difference found =
        compare(testing::all_logits(*model, theirs["prompt"].get<Ids>()), theirs["logits"]);
    EXPECT_LE(found.worst, 1e-4) << name;
    EXPECT_GT(found.largest, 3.0) << name << ": logits of nearly zero would agree whatever the model does";
    std::printf("%-24s worst %.2e, largest logit %.1f\n", name.c_str(), found.worst, found.largest);
  }
}

// What transformers computes in 16 bits differs from our float32 by its own rounding. A value passes through
// some nine roundings a block (norm, projection, rotation, scores, weights, sum, output, SwiGLU, residual),
// each of at most half a unit in the last place: u = 2^-9 for bf16, 2^-12 for f16. In the worst case they all
// add up.
TEST_F(Families, SixteenBitArithmeticDiffersByItsOwnRounding) {
  int compared = 0;
  for (const std::string& name : names_) {
    const json theirs = answers(name);
    if (!theirs.contains("logits_own")) continue;
    const auto model = load_pretrained(root() / name);
    const double unit = model->config().dtype == TensorDtype::bf16 ? 0x1p-9 : 0x1p-12;
    const double roundings = 9.0 * static_cast<double>(model->config().num_hidden_layers) + 3.0;
    const Difference found =
        compare(testing::all_logits(*model, theirs["prompt"].get<Ids>()), theirs["logits_own"]);
    EXPECT_LE(found.worst, roundings * unit * found.largest) << name;
    EXPECT_GT(found.worst, 0.1 * unit) << name << ": not computed in 16 bits";
    std::printf("%-24s worst %.2e, bound %.2e\n", name.c_str(), found.worst,
                roundings * unit * found.largest);
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

TEST_F(Families, GreedyContinuationsAreThoseOfTransformers) {
  for (const std::string& name : names_) {
    const json theirs = answers(name);
    const auto model = load_pretrained(root() / name);
    const auto prompt = theirs["greedy_prompt"].get<Ids>();
    const SampleRequest request{prompt, {}};
    ASSERT_EQ(theirs["greedy"].size(), 64u) << name;
    Sampler sampler(*model);
    SampleOptions options;
    options.max_new_tokens = 64;
    options.decoding = Decoding::greedy;
    EXPECT_EQ(sampler.generate({&request, 1}, options).front().token_ids, theirs["greedy"].get<Ids>())
        << name;
  }
}

// Read and written in its own dtype, a model is the same state dict, and its configuration the same object.
TEST_F(Families, WhatWeSaveIsTheSameModelToTransformers) {
  const auto python = testing::oracle_python();
  const fs::path saved = root() / "saved";
  for (const std::string& name : names_) {
    const auto model = load_pretrained(root() / name);
    SaveOptions options;
    options.dtype = model->config().dtype;
    options.max_shard_bytes = name.find("qwen3") == 0 ? 50'000 : kMaxShardBytes;
    save_pretrained(saved / name, *model, read_model_files(root() / name), options);
    EXPECT_EQ(load_pretrained(saved / name)->sha256(), model->sha256()) << name;
  }
  testing::write_text(root() / "compare.py", R"(
import pathlib, sys, torch
from transformers import AutoModelForCausalLM
root = pathlib.Path(sys.argv[1])
for name in sys.argv[2:]:
    a, b = (AutoModelForCausalLM.from_pretrained(root / part / name, dtype="auto") for part in ("", "saved"))
    ours, theirs = b.state_dict(), a.state_dict()
    assert ours.keys() == theirs.keys(), name
    for key in ours:
        assert ours[key].dtype == theirs[key].dtype and torch.equal(ours[key], theirs[key]), (name, key)
    c, d = a.config.to_dict(), b.config.to_dict()
    c.pop("_name_or_path", None), d.pop("_name_or_path", None)
    assert c == d, (name, c, d)
    assert a.generation_config.to_dict() == b.generation_config.to_dict(), name
    print(name, len(ours))
)");
  std::string words;
  for (const std::string& name : names_) words += " " + name;
  const auto result =
      testing::run_command("(" + python->string() + " " + (root() / "compare.py").string() + " " +
                           root().string() + words + " 2>" + (root() / "stderr").string() + ")");
  EXPECT_EQ(result.exit_code, 0) << testing::read_text(root() / "stderr");
  EXPECT_EQ(static_cast<std::size_t>(std::count(result.output.begin(), result.output.end(), '\n')),
            names_.size());
  EXPECT_TRUE(fs::exists(saved / "qwen3-tied" / "model.safetensors.index.json"));
}

}  // namespace
}  // namespace reckon
