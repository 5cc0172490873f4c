// A run that was killed verifies as far as it came; several ranks; what was tampered with is found there too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/tiny_run.h"
#include "app/verified_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::Verified;

class VerifyUnfinished : public ::testing::Test {
 protected:
  testing::TempDir folder;
  testing::TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run", 0};

  void SetUp() override { testing::write_text(train.recipe, testing::tiny_recipe()); }

  Verified killed_at(const std::string& failpoint) {
    fs::remove_all(train.out);
    const auto killed = train.run("", "RECKON_FAIL_AT=" + failpoint);
    EXPECT_NE(killed.exit_code, 0) << "was not killed at " << failpoint << ":\n" << killed.output;
    return testing::verify(train.out);
  }
};

TEST_F(VerifyUnfinished, KilledAnywhereVerifiesWithNotes) {
  // What the note says beside that the run is not finished.
  const std::pair<const char*, const char*> kDeaths[] = {
      {"train.sft_update:4", ""},
      {"train.chain:2", "metrics.jsonl: has no row of step 2 of stage \"cold-start\""},
      {"train.sampled:2", ""},
      {"train.logged:4", "step 4 is in the log, and the chain ends at step 3"},
      {"train.chain:9", "metrics.jsonl: has no row of step 4 of stage \"rl-1\""},
      {"checkpoint.manifest:4", "was not finished"},
      {"checkpoint.latest:4", "latest: names "},
      {"rollout_log.rename:1", "rank-00000.000000.h5.tmp: was not finished"},
      {"atomic_file.rename:45", ""}};
  for (const auto& [failpoint, note] : kDeaths) {
    SCOPED_TRACE(failpoint);
    const Verified verified = killed_at(failpoint);
    EXPECT_EQ(verified.failures, 0) << verified.text;
    EXPECT_THAT(verified.text, HasSubstr("is not finished: it goes on, or was interrupted"));
    EXPECT_THAT(verified.text, HasSubstr(note));
  }
}

TEST_F(VerifyUnfinished, WhatIsThereIsCompared) {
  EXPECT_EQ(killed_at("train.chain:9").failures, 0);
  testing::flip_bit(train.out / "chain.jsonl", 8 * 2000);
  EXPECT_GE(testing::verify(train.out).failures, 1);
  testing::flip_bit(train.out / "chain.jsonl", 8 * 2000);
  // A live segment: the chain alone tells.
  const fs::path part = train.out / "rollouts/rl-1/rank-00000.000001.h5.part";
  ASSERT_TRUE(fs::exists(part));
  fs::remove(part);
  EXPECT_THAT(testing::verify(train.out).text, HasSubstr("steps 3 to 4 are in no file"));
}

TEST_F(VerifyUnfinished, ResumedItIsAsIfNothingHadBeen) {
  EXPECT_EQ(killed_at("train.logged:4").failures, 0);
  const auto resumed = train.run("--resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  const Verified verified = testing::verify(train.out);
  EXPECT_EQ(verified.failures, 0) << verified.text;
  EXPECT_THAT(verified.text, ::testing::Not(HasSubstr("note")));
}

TEST_F(VerifyUnfinished, AChangeThatWasAllowedIsNoFault) {
  EXPECT_EQ(killed_at("train.logged:4").failures, 0);
  const auto resumed = train.run("--resume --set stage.rl-1.steps=6 --allow-change stage.rl-1.steps");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  const Verified verified = testing::verify(train.out);
  EXPECT_EQ(verified.failures, 0) << verified.text;
}

TEST_F(VerifyUnfinished, TwoRanksVerifyFinishedAndKilled) {
  train.ranks = 2;
  const auto whole = train.run();
  ASSERT_EQ(whole.exit_code, 0) << whole.output;
  const Verified verified = testing::verify(train.out);
  EXPECT_EQ(verified.failures, 0) << verified.text;
  EXPECT_THAT(verified.text, HasSubstr("5 steps, 20 groups, 80 completions"));
  testing::rewrite_log(train.out / "rollouts/rl-1",
                       [](testing::Steps& steps) { steps[1].batch.groups[1].completions[2].reward += 1; });
  // Written anew are the steps of rank 0 alone: half of each is gone.
  EXPECT_THAT(testing::verify(train.out).text, HasSubstr("step 1: has 2 groups, and the chain 4"));
  const Verified killed = killed_at("train.logged:3 RECKON_FAIL_RANK=1");
  EXPECT_EQ(killed.failures, 0) << killed.text;
}

}  // namespace
}  // namespace reckon
