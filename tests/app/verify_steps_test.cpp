// `reckon verify` does steps of a run again, and names what is not as the run wrote it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/tiny_run.h"
#include "reckon/base/error.h"
#include "reckon/lineage/chain.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class VerifyStepsTest : public ::testing::Test {
 protected:
  /// One run for all tests; each works on a copy.
  static void SetUpTestSuite() {
    shared_ = std::make_unique<testing::TempDir>();
    testing::write_text(shared_->path() / "tiny.toml", testing::tiny_recipe());
    const testing::TrainCommand train{shared_->path() / "tiny.toml", shared_->path() / "run", 2};
    const auto result = train.run("--set checkpoint.keep_last=9");
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
  static void TearDownTestSuite() { shared_.reset(); }

  void SetUp() override { fs::copy(shared_->path() / "run", run, fs::copy_options::recursive); }

  [[nodiscard]] testing::CommandResult verify(const std::string& arguments) const {
    return testing::run_command("OMP_NUM_THREADS=1 " + testing::reckon_program() + " verify " + run.string() +
                                " " + arguments);
  }
  /// Changes the log of rank 1 with h5py, which is no part of ours. \return false where there is no h5py
  [[nodiscard]] bool change_log(const std::string& statement) const {
    const auto python = testing::oracle_python();
    if (!python) return false;
    const std::string script = "import h5py\nf = h5py.File('" +
                               (run / "rollouts/rl-1/rank-00001.000000.h5").string() + "', 'r+')\n" +
                               statement + "\nf.close()\n";
    testing::write_text(folder.path() / "change.py", script);
    const auto result = testing::run_command(python->string() + " " + (folder.path() / "change.py").string());
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return true;
  }
  /// Rewrites the chain with every event passed through `change`, each link made anew: what somebody would
  /// do who knows how chains are made.
  template <class Change>
  void forge_chain(const Change& change) const {
    const std::vector<ChainLine> lines = read_chain(run / "chain.jsonl");
    fs::remove(run / "chain.jsonl");
    ChainWriter writer(run / "chain.jsonl");
    for (ChainLine line : lines) {
      change(line.event);
      writer.append(line.event);
    }
  }

  testing::TempDir folder;
  fs::path run = folder.path() / "run";

 private:
  static std::unique_ptr<testing::TempDir> shared_;
};
std::unique_ptr<testing::TempDir> VerifyStepsTest::shared_;

TEST_F(VerifyStepsTest, EveryStepOfAnUntouchedRunComesOutAgain) {
  const auto result = verify("--all --sample");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* line :
       {"cold-start step 1 ", "cold-start step 5 ", "checkpoint cold-start/step-000004", "rl-1 step 1 ",
        "rl-1 step 5 ", "checkpoint rl-1/step-000002", "checkpoint rl-1/step-000005", "eval-rl-1"}) {
    EXPECT_THAT(result.output, HasSubstr(line));
  }
  EXPECT_THAT(result.output, HasSubstr("weights, moments and position as the steps make them"));
  EXPECT_THAT(result.output, Not(HasSubstr("FAIL")));
  EXPECT_THAT(result.output, Not(HasSubstr("note")));
}

TEST_F(VerifyStepsTest, OneStepBeginsAtTheNearestCheckpoint) {
  const auto third = verify("--step 3");
  EXPECT_EQ(third.exit_code, 0) << third.output;
  EXPECT_THAT(third.output, HasSubstr("from the checkpoint at step 2"));
  EXPECT_THAT(third.output, HasSubstr("16 completions"));
  fs::remove_all(run / "checkpoints/rl-1");  // from the end of the stage before
  const auto without = verify("--step 3");
  EXPECT_EQ(without.exit_code, 0) << without.output;
  EXPECT_THAT(without.output, Not(HasSubstr("from the checkpoint")));
  const auto supervised = verify("--step 4 --stage cold-start");
  EXPECT_EQ(supervised.exit_code, 0) << supervised.output;
  EXPECT_THAT(supervised.output, HasSubstr("cold-start step 4"));
}

TEST_F(VerifyStepsTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(verify("--step 6").exit_code, 2);
  EXPECT_THAT(verify("--step 6").output, HasSubstr("no stage of it has a step 6"));
  EXPECT_THAT(verify("--step 1 --stage none").output, HasSubstr("no stage \"none\" of it has a step 1"));
  const auto other = testing::run_command(testing::reckon_program() + " verify " + folder.path().string());
  EXPECT_EQ(other.exit_code, 66);
  EXPECT_THAT(other.output, HasSubstr("holds no run (need a folder that reckon train wrote)"));
}

struct Tampering {
  const char* statement;  // h5py, on the log of rank 1: groups 2 and 3 of each step
  const char* found;
};

// Rank 1's completions of step 1 are rows 0 to 7.
constexpr Tampering kTamperings[] = {
    {"f['completions/reward'][5] += 0.25",
     "rl-1 step 1                       FAIL  group 3, sample 1: the reward comes out as "},
    {"f['rewards/length_exact'][5] += 0.25", "group 3, sample 1: the reward term length_exact comes out as "},
    {"f['completions/advantage'][5] += 0.25", "group 3, sample 1: the advantage comes out as "},
    {"f['completions/grade'][5] = 0", "group 3, sample 1: the grade comes out as "},
    {"f['completions/verdict'][5] = 0", "group 3, sample 1: the verdict comes out as "},
    {"f['completions/visit'][0:4] = 7", "group 2: visit comes out as 0, the log says 7"},
    {"f['tokens/sampler_logprob'][3] += 1e-6",
     "group 2, sample 0: token 3, its log-prob under the step's weights"},
    {"f['tokens/id'][3] = (f['tokens/id'][3] + 1) % 20",
     "group 2, sample 0: token 3, its log-prob under the step's weights"},
    {"f['completions/text/values'][2] = 35", "group 2, sample 0: the text of its tokens is from byte 2 on"},
    {"f['prompts/gold/values'][0] = 35", "group 2: the reference answer comes out as from byte 0 on"},
    {"f['completions/policy_version'][5] = 3", "sample 1: the version of its weights comes out as "},
};

TEST_F(VerifyStepsTest, AChangedLogIsFoundAndTheChangeNamed) {
  for (const Tampering& tampering : kTamperings) {
    SCOPED_TRACE(tampering.statement);
    fs::remove_all(run);
    SetUp();
    if (!change_log(tampering.statement)) GTEST_SKIP() << "no Python with h5py";
    const auto result = verify("--step 1");
    EXPECT_EQ(result.exit_code, 65) << result.output;
    EXPECT_THAT(result.output, HasSubstr(tampering.found));
    EXPECT_EQ(verify("--step 1 --stage cold-start").exit_code, 0);
  }
}

TEST_F(VerifyStepsTest, SamplingAgainFindsOtherTokens) {
  if (!change_log("f['tokens/id'][3] = (f['tokens/id'][3] + 1) % 20")) GTEST_SKIP() << "no Python with h5py";
  const auto result = verify("--step 1 --sample");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(result.output, HasSubstr("group 2, sample 0: token 3 comes out as "));
}

TEST_F(VerifyStepsTest, AForgedChainDoesNotStandAgainstTheSteps) {
  const auto forge = [&](const char* name, ChainEvent::Value value) {
    fs::remove_all(run);
    SetUp();
    forge_chain([&](ChainEvent& event) {
      if (event.integer("step") != 2 || event.text("stage") != "rl-1") return;
      for (auto& [known, old] : event.values) {
        if (known == name) old = value;
      }
    });
    return verify("--step 2").output;
  };
  EXPECT_THAT(forge("grad_norm", 0.125), HasSubstr("grad_norm comes out as "));
  EXPECT_THAT(forge("loss", 0.125), HasSubstr("loss comes out as "));
  EXPECT_THAT(forge("weights_after", std::string(64, 'a')), HasSubstr("weights_after comes out as "));
  EXPECT_THAT(forge("rollouts", std::string(64, 'a')), HasSubstr("rollouts comes out as "));
}

TEST_F(VerifyStepsTest, AnEditedRecipeMakesOtherSteps) {
  std::string recipe = testing::read_text(run / "recipe.toml");
  const std::string was = "learning_rate = 0.001";
  ASSERT_NE(recipe.find(was), std::string::npos) << recipe;
  recipe.replace(recipe.find(was), was.size(), "learning_rate = 0.002");
  testing::write_text(run / "recipe.toml", recipe);
  const auto result = verify("--step 1");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(result.output, HasSubstr("comes out as "));
}

TEST_F(VerifyStepsTest, ABrokenCheckpointIsNamedAndAnotherOneServes) {
  const fs::path file = run / "checkpoints/rl-1/step-000004/reckon/moments-00001-of-00002.safetensors";
  std::string bytes = testing::read_text(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  testing::write_text(file, bytes);
  const auto result = verify("--step 5");
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_THAT(result.output, HasSubstr("checkpoint rl-1/step-000004"));
  EXPECT_THAT(result.output, HasSubstr("moments-00001-of-00002.safetensors"));
  EXPECT_THAT(result.output, HasSubstr("rl-1 step 5                       ok"));
}

}  // namespace
}  // namespace reckon
