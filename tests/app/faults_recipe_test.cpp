// What changed between a run and its resuming, and input that is no recipe, model or data.
#include <gmock/gmock.h>

#include "app/faulty_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_text;
using testing::write_text;

class Changed : public testing::FaultyRun {
 protected:
  void SetUp() override {
    FaultyRun::SetUp();
    put_killed_run();
  }
};

TEST_F(Changed, SettingsAreListedWithTheirOldAndNewValue) {
  const std::string output = expect_refused(
      2, "--resume --set stage.rl-1.steps=6 --set run.seed=6 --set stage.rl-1.reward.format=0.5");
  EXPECT_THAT(output, HasSubstr("tiny.toml: is not the recipe that " + train.out.string() +
                                " was begun with:\n"
                                "  run.seed: 5 -> 6\n"
                                "  stage.rl-1.reward.format: 0.1 -> 0.5\n"
                                "  stage.rl-1.steps: 5 -> 6\n"
                                "(need the same settings, or --allow-change run.seed and so on to go on with "
                                "others)"));
}

TEST_F(Changed, AllowingOneOfTwoOrAWrongKeyIsNotEnough) {
  std::string output =
      expect_refused(2, "--resume --set stage.rl-1.steps=6 --set run.seed=6 --allow-change stage.rl-1.steps");
  EXPECT_THAT(output, HasSubstr("begun with:\n  run.seed: 5 -> 6\n(need"));
  for (const char* wrong : {"stage.rl-1.step", "stage.rl", "steps", "rl-1.steps"}) {
    output = expect_refused(2, std::string("--resume --set stage.rl-1.steps=6 --allow-change ") + wrong);
    EXPECT_THAT(output, HasSubstr("begun with:\n  stage.rl-1.steps: 5 -> 6\n(need")) << wrong;
  }
}

TEST_F(Changed, AllowedKeysAndTablesAreUsedAndWrittenDown) {
  const std::string was = read_text(train.out / "recipe.toml");
  const auto run = train.run(
      "--resume --set stage.rl-1.steps=6 --set checkpoint.keep_last=9 --set checkpoint.every_steps=1 "
      "--allow-change stage.rl-1.steps --allow-change checkpoint");
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_TRUE(fs::exists(checkpoint("rl-1/step-000006")));
  EXPECT_TRUE(fs::exists(checkpoint("rl-1/step-000003")));
  EXPECT_THAT(read_text(train.out / "chain.jsonl"), AllOf(HasSubstr(R"("checkpoint.every_steps":"2 -> 1")"),
                                                          HasSubstr(R"("stage.rl-1.steps":"5 -> 6")")));
  int old_recipes = 0;
  for (const auto& entry : fs::directory_iterator(train.out)) {
    if (!entry.path().filename().string().starts_with("recipe-")) continue;
    ++old_recipes;
    EXPECT_EQ(read_text(entry.path()), was);
  }
  EXPECT_EQ(old_recipes, 1);
}

TEST_F(Changed, ACheckpointWithMoreStepsThanTheRecipeIsPassedOver) {
  EXPECT_THAT(expect_refused(65, "--resume --set stage.cold-start.steps=3 --allow-change stage"),
              HasSubstr("checkpoint cold-start/step-000004: 4 steps are done, and the recipe now says 3"));
  const auto run = train.run("--resume --set stage.rl-1.steps=1 --allow-change stage.rl-1.steps");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("passed over: checkpoint rl-1/step-000002: 2 steps are done, and the "
                                    "recipe now says 1"));
  EXPECT_TRUE(fs::exists(checkpoint("rl-1/step-000001")));
  EXPECT_TRUE(fs::exists(checkpoint("rl-1/step-000002.before-change")));
}

TEST_F(Changed, AllowChangeWithoutResumeIsRefused) {
  EXPECT_THAT(expect_refused(2, "--allow-change run.seed"), HasSubstr("--allow-change requires --resume"));
}

TEST_F(Changed, OtherInitialWeightsAreRefused) {
  EXPECT_THAT(expect_refused(65, "--resume --set run.seed=8 --allow-change run"), HasSubstr(": weights is "));
  EXPECT_THAT(expect_refused(65, "--resume --set run.seed=8 --allow-change run.seed"),
              HasSubstr("(need the same, or --allow-change weights)"));
}

TEST_F(Changed, OtherNumericsAreRefused) {
  const std::string other = "--resume --set model.compute_dtype='\"bfloat16\"' --allow-change model ";
  EXPECT_THAT(
      expect_refused(78, other + "--allow-change weights"),
      AllOf(HasSubstr(": fingerprint is "), HasSubstr("(need the same, or --allow-change fingerprint)")));
  const auto run = train.run(other + "--allow-change weights --allow-change fingerprint");
  EXPECT_EQ(run.exit_code, 0) << run.output;
}

// float32 has the same bits on all of them, and so the same fingerprint.
TEST_F(Changed, AnotherInstructionSetGoesOnWithTheSameBits) {
  const auto run = train.run("--resume", "RECKON_ISA=avx2");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr(" on avx2, fingerprint"));
  EXPECT_EQ(testing::difference(testing::result_of(train.out), undisturbed()), "");
}

TEST_F(Changed, AFolderThatHoldsARunIsNotTakenForANewOne) {
  EXPECT_THAT(expect_refused(78, ""), HasSubstr(": holds a run already (need a new folder). Go on with it by "
                                                "--resume, remove it, or name another with --out DIR."));
}

TEST_F(Changed, TheRecipeOfTheFolderIsNoRecipe) {
  write_text(train.out / "recipe.toml", "\x01\xff");
  EXPECT_THAT(expect_refused(2), HasSubstr("recipe.toml:1:1: not TOML"));
}

TEST_F(Changed, ADataFileThatChanged) {
  const fs::path data = folder.path() / "data.jsonl";
  std::string text;
  for (int i = 1; i < 40; ++i) {
    text += R"({"question": "1+)" + std::to_string(i) + R"(=", "answer": "so #### )" + std::to_string(i + 1) +
            "\"}\n";
  }
  write_text(data, text);
  const std::string settings =
      "--set task.chains.kind=jsonl --set task.chains.levels=[1] --set "
      "task.chains.path=" +
      data.string() + " ";
  train.out = folder.path() / "own";
  const auto killed = train.run(settings, "RECKON_FAIL_AT=train.sft_update:4");
  ASSERT_EQ(killed.exit_code, 137) << killed.output;
  write_text(data, text + R"({"question": "2+2=", "answer": "so #### 4"})" + "\n");
  EXPECT_THAT(
      expect_refused(65, settings + "--resume"),
      AllOf(HasSubstr(": data.chains is "), HasSubstr("(need the same, or --allow-change data.chains)")));
  fs::remove(data);
  EXPECT_THAT(expect_refused(66, settings + "--resume"), HasSubstr("data.jsonl"));
  write_text(data, text);
  const auto run = train.run(settings + "--resume");
  EXPECT_EQ(run.exit_code, 0) << run.output;
}

class Beginning : public testing::FaultyRun {
 protected:
  [[nodiscard]] testing::CommandResult train_file(const std::string& text) const {
    write_text(train.recipe, text);
    return train.run();
  }
  void expect_wrong(const std::string& text, int exit_code, const std::string& message) const {
    const auto result = train_file(text);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_FALSE(fs::exists(train.out));
  }
};

TEST_F(Beginning, AnEmptyFolderIsResumedAtStep0) {
  fs::create_directory(train.out);
  EXPECT_THAT(expect_resumes(), HasSubstr("run holds no run yet: it starts at step 0"));
}

TEST_F(Beginning, AFolderIsNamedInPlaceOfTheRecipe) {
  put_killed_run();
  const std::string program = testing::reckon_program() + " train " + train.out.string();
  auto run = testing::run_command(program);
  EXPECT_EQ(run.exit_code, 2) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("run: is a folder (need a recipe, or --resume to go on with the run in it)"));
  run = testing::run_command(program + " --resume --out " + (folder.path() / "x").string());
  EXPECT_EQ(run.exit_code, 2) << run.output;
  EXPECT_THAT(run.output, HasSubstr("is the run's folder already (need one)"));
  run = testing::run_command(program + " --resume");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(testing::difference(testing::result_of(train.out), undisturbed()), "");
  fs::create_directory(folder.path() / "empty");
  run = testing::run_command(testing::reckon_program() + " train " + (folder.path() / "empty").string() +
                             " --resume");
  EXPECT_EQ(run.exit_code, 66) << run.output;
  EXPECT_THAT(run.output, HasSubstr("empty/recipe.toml: cannot read: No such file or directory"));
}

TEST_F(Beginning, RecipesThatAreNone) {
  const std::string recipe = testing::tiny_recipe();
  expect_wrong(recipe + "# " + std::string(10'000'000, 'x'), 2,
               "tiny.toml: longer than 65536 bytes (need at most that). Is it a recipe?");
  std::string keys = "a";
  for (int i = 0; i < 200'000; ++i) keys += ".a";
  expect_wrong(keys + " = 1\n", 2, "longer than 65536 bytes");
  expect_wrong(recipe + "# \xff\n", 2, "not TOML: ");
  expect_wrong(recipe + std::string(1, '\0'), 2, "not TOML: ");
  expect_wrong("", 2, "the recipe has no [[stage]] (need at least one)");
}

TEST_F(Beginning, AByteOrderMarkAndCarriageReturnsAreNoDifference) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : testing::tiny_recipe()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto run = train_file(text);
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(testing::difference(testing::result_of(train.out), undisturbed()), "");
}

/// A run that starts from a model folder.
class FromModel : public Beginning {
 protected:
  fs::path model = folder.path() / "model";
  std::string recipe;

  void SetUp() override {
    put_killed_run();
    fs::copy(checkpoint("cold-start/step-000005"), model, fs::copy_options::recursive);
    fs::remove_all(train.out);
    recipe = testing::tiny_recipe();
    const std::size_t from = recipe.find("hidden_size"), to = recipe.find("[checkpoint]");
    recipe.replace(from, to - from, "path = \"" + model.string() + "\"\n");
  }
};

TEST_F(FromModel, WeightsThatAreNoNumbersAreNamed) {
  std::string weights = read_text(model / "model.safetensors");
  weights.replace(weights.size() - 8, 4, std::string("\0\0\xc0\x7f", 4));  // a NaN
  write_text(model / "model.safetensors", weights);
  expect_wrong(recipe, 65,
               model.string() + ": tensor \"model.norm.weight\" has 1 of 32 values that are not finite");
}

TEST_F(FromModel, FilesThatAreCutOrHostile) {
  const std::string tokenizer = read_text(model / "tokenizer.json");
  write_text(model / "tokenizer.json", tokenizer.substr(0, 200));
  expect_wrong(recipe, 65, "tokenizer.json: not JSON: ");
  write_text(model / "tokenizer.json", tokenizer);
  std::string weights = read_text(model / "model.safetensors");
  write_text(model / "model.safetensors", std::string(7, '\0') + '\x80' + weights.substr(8));
  expect_wrong(recipe, 65,
               "model.safetensors: header size 9223372036854775808 is over the limit of 100000000 bytes");
  fs::rename(model / "model.safetensors", folder.path() / "model.safetensors");
  write_text(folder.path() / "model.safetensors", weights);
  write_text(model / "model.safetensors.index.json",
             R"({"metadata": {}, "weight_map": {"model.norm.weight": "../model.safetensors"}})");
  expect_wrong(recipe, 65,
               R"(tensor "model.norm.weight" is in "../model.safetensors" (need the name of a file of this)");
  fs::remove_all(model);
  expect_wrong(recipe, 66, "model: no such folder (need one with tokenizer.json)");
}

TEST_F(FromModel, WeightsThatChangedBetweenRunAndResuming) {
  write_text(train.recipe, recipe);
  const auto killed = train.run("", "RECKON_FAIL_AT=train.sft_update:4");
  ASSERT_EQ(killed.exit_code, 137) << killed.output;
  std::string weights = read_text(model / "model.safetensors");
  weights[weights.size() - 6] ^= 1;
  write_text(model / "model.safetensors", weights);
  EXPECT_THAT(expect_refused(65), AllOf(HasSubstr(": weights is "), HasSubstr("--allow-change weights")));
}

}  // namespace
}  // namespace reckon
