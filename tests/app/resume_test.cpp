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

}  // namespace
}  // namespace reckon
