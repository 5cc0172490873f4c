// A run that was interrupted and resumed is the run that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/tiny_run.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::difference;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::result_of;
using testing::RunResult;

/// Where the process dies, and in which call.
struct Death {
  const char* point;
  int call;
};

// In the order of a run. Every call is one that the first stage or the middle of the second comes to.
constexpr Death kDeaths[] = {
    {"train.sft_update", 4},    {"train.chain", 2},         {"train.draw", 3},
    {"rollout.completion", 21}, {"reward.grade", 21},       {"train.sampled", 4},
    {"train.exchanged", 4},     {"learn.leaf", 30},         {"learn.tensor", 80},
    {"train.updated", 4},       {"rollout_log.tokens", 4},  {"rollout_log.offsets", 4},
    {"rollout_log.steps", 4},   {"train.logged", 4},        {"train.chain", 9},
    {"train.metrics", 9},       {"checkpoint.moments", 4},  {"checkpoint.model", 4},
    {"checkpoint.state", 5},    {"checkpoint.manifest", 4}, {"checkpoint.rename", 4},
    {"checkpoint.latest", 4},   {"checkpoint.prune", 5},    {"atomic_file.write", 40},
    {"atomic_file.rename", 45}, {"rollout_log.close", 1},   {"rollout_log.rename", 1},
};

class ResumeTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  testing::TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run"};

  void SetUp() override { testing::write_text(train.recipe, testing::tiny_recipe()); }

  /// The run that nobody interrupts; made once for all tests.
  static const RunResult& uninterrupted() {
    static const RunResult result = [] {
      const testing::TempDir own;
      const testing::TrainCommand whole{own.path() / "tiny.toml", own.path() / "run", 0};
      testing::write_text(whole.recipe, testing::tiny_recipe());
      const auto run = whole.run();
      EXPECT_EQ(run.exit_code, 0) << run.output;
      return result_of(whole.out);
    }();
    return result;
  }

  void kill_and_resume(const Death& death, const std::string& environment = "") {
    SCOPED_TRACE(std::string(death.point) + ":" + std::to_string(death.call) + ", " +
                 std::to_string(train.ranks) + " ranks");
    fs::remove_all(train.out);
    const auto killed =
        train.run("", environment + " RECKON_FAIL_AT=" + death.point + ":" + std::to_string(death.call));
    EXPECT_NE(killed.exit_code, 0) << "was not killed:\n" << killed.output;
    EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
    const auto resumed = train.run("--resume");
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    EXPECT_EQ(difference(result_of(train.out), uninterrupted()), "");
    EXPECT_THAT(leftovers(), ::testing::IsEmpty());
  }

  /// Files and folders that are not finished.
  [[nodiscard]] std::vector<std::string> leftovers() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(train.out)) {
      const std::string ending = entry.path().extension().string();
      if (ending == ".tmp" || ending == ".part" || ending == ".removed")
        found.push_back(entry.path().string());
    }
    return found;
  }
};

TEST_F(ResumeTest, KilledAnywhereOneRankEndsAsTheRunThatWasNot) {
  train.ranks = 0;
  for (const Death& death : kDeaths) kill_and_resume(death);
}

TEST_F(ResumeTest, KilledAnywhereTwoRanksEndAsTheRunThatWasNot) {
  train.ranks = 2;
  int rank = 0;
  for (const Death& death : kDeaths) {
    // Rank 0 alone writes models, manifests, metrics and the chain.
    const bool on_both = std::string(death.point).starts_with("train.") ||
                         std::string(death.point).starts_with("rollout") ||
                         std::string(death.point).starts_with("learn");
    const Death half{death.point,
                     std::string(death.point).starts_with("train.") ? death.call : (death.call + 1) / 2};
    rank = on_both && std::string(death.point) != "train.chain" ? 1 - rank : 0;
    kill_and_resume(half, "RECKON_FAIL_RANK=" + std::to_string(rank));
  }
}

TEST_F(ResumeTest, AStageGoesOnWithMoreStepsWhereThatIsAllowed) {
  train.ranks = 0;
  ASSERT_EQ(train.run().exit_code, 0);
  const auto refused = train.run("--resume --set stage.rl-1.steps=9 --set stage.rl-1.group_size=2");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("is not the recipe that " + train.out.string() +
                                        " was begun with:\n"
                                        "  stage.rl-1.group_size: 4 -> 2\n  stage.rl-1.steps: 5 -> 9\n"));
  EXPECT_THAT(refused.output, HasSubstr("--allow-change stage.rl-1.group_size and so on"));
  EXPECT_THAT(train.run("--resume --set stage.rl-1.steps=9 --allow-change stage.rl").output,
              HasSubstr("stage.rl-1.steps: 5 -> 9"));
  const auto resumed = train.run("--resume --set stage.rl-1.steps=9 --allow-change stage.rl-1.steps");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("goes on from checkpoint rl-1/step-000004"));
  EXPECT_TRUE(fs::exists(train.out / "checkpoints/rl-1/step-000009/model.safetensors"));
  EXPECT_TRUE(fs::exists(train.out / "checkpoints/rl-1/step-000005.before-change/model.safetensors"));
  EXPECT_TRUE(fs::exists(train.out / "checkpoints/rl-1/step-000004")) << "its steps can be done again";
  // The steps of either recipe come out again, each under its own.
  const auto verified =
      testing::run_command(testing::reckon_program() + " verify " + train.out.string() + " --all");
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("rl-1 step 4 "));
  EXPECT_THAT(verified.output, HasSubstr("rl-1 step 9 "));
}

TEST_F(ResumeTest, KilledWhileItCutsTheFilesBackItComesToTheSameEnd) {
  train.ranks = 0;
  EXPECT_NE(train.run("", "RECKON_FAIL_AT=train.metrics:10").exit_code, 0);
  for (const char* point : {"rollout_log.rewind", "rollout_log.rewind_replace", "rollout_log.rewind_segment",
                            "rollout_log.rewind_manifest", "train.draw"}) {
    const auto killed = train.run("--resume", std::string("RECKON_FAIL_AT=") + point + ":1");
    EXPECT_EQ(killed.exit_code, 137) << point << "\n" << killed.output;
  }
  const auto resumed = train.run("--resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(difference(result_of(train.out), uninterrupted()), "");
}

}  // namespace
}  // namespace reckon
