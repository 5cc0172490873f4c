// Rollout workers and learners: the same run as one where every rank does both; asynchronous runs, which
// their logs prove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "app/tiny_run.h"
#include "reckon/record/stage_log.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::difference;
using ::testing::HasSubstr;
using testing::result_of;
using testing::RunResult;
using testing::TrainCommand;

constexpr const char* kSplit = "--set 'cluster.mode=\"split\"' ";
constexpr const char* kOneBehind = "--set stage.rl-1.max_staleness=1 ";
constexpr const char* kAsCompleted =
    "--set 'cluster.mode=\"split\"' --set 'stage.rl-1.admission=\"as_completed\"' ";

class SplitTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run"};

  void SetUp() override { testing::write_text(train.recipe, testing::tiny_recipe()); }

  /// A run with these settings, anew.
  RunResult run_with(int ranks, const std::string& arguments) {
    fs::remove_all(train.out);
    train.ranks = ranks;
    const auto run = train.run(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.output;
    return run.exit_code == 0 ? result_of(train.out) : RunResult{};
  }

  /// All that the run says, done again, every completion sampled anew.
  void expect_verified() const {
    const auto verified =
        testing::run_command(testing::reckon_program() + " verify " + train.out.string() + " --all --sample");
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    EXPECT_THAT(verified.output, HasSubstr("rl-1 step 5 "));
  }

  /// The groups that the stage trained on, in order of admission.
  [[nodiscard]] std::vector<Group> trained_groups() const {
    StageLog log(train.out / "rollouts" / "rl-1");
    std::vector<Group> groups;
    for (const std::uint64_t number : log.steps()) {
      for (Group& group : log.read(number).groups) groups.push_back(std::move(group));
    }
    return groups;
  }

  /// Of one column of the metrics, over the steps of rl-1.
  [[nodiscard]] std::vector<double> column(const std::string& name) const {
    std::istringstream in(testing::read_text(train.out / "metrics.jsonl"));
    std::vector<double> values;
    for (std::string line; std::getline(in, line);) {
      const auto row = nlohmann::json::parse(line);
      if (row.contains(name)) values.push_back(row[name]);
    }
    return values;
  }
};

TEST_F(SplitTest, GivesTheBitsOfRanksThatDoBoth) {
  const RunResult colocated = run_with(0, "");
  for (const auto& [ranks, workers] : {std::pair{2, 1}, {3, 2}, {4, 1}, {4, 3}}) {
    SCOPED_TRACE(std::to_string(workers) + " of " + std::to_string(ranks) + " ranks sample");
    const RunResult split =
        run_with(ranks, kSplit + ("--set cluster.rollout_ranks=" + std::to_string(workers)));
    EXPECT_EQ(difference(split, colocated), "");
  }
  expect_verified();
}

/// Sampling lags one step behind; who samples still makes no difference.
TEST_F(SplitTest, AsynchronyInOrderIsAFunctionOfTheRecipe) {
  const RunResult one = run_with(0, kOneBehind);
  EXPECT_EQ(column("staleness_max"), (std::vector<double>{0, 2, 2, 2, 2})) << "two updates a step";
  expect_verified();
  EXPECT_EQ(difference(run_with(2, kOneBehind), one), "");
  for (const int ranks : {2, 4}) {
    SCOPED_TRACE(ranks);
    EXPECT_EQ(difference(run_with(ranks, std::string(kSplit) + kOneBehind), one), "");
  }
  // Another lag is another run.
  EXPECT_NE(run_with(2, std::string(kSplit) + "--set stage.rl-1.max_staleness=2").weights, one.weights);
  EXPECT_EQ(column("staleness_max"), (std::vector<double>{0, 2, 4, 4, 4}));
}

TEST_F(SplitTest, KilledInAnyRoleARunEndsAsTheOneThatWasNot) {
  struct Death {
    const char* point;
    int call, rank;
  };
  // Rank 0 learns, rank 1 too, rank 2 samples. A checkpoint at step 2 of rl-1 is there when most happen.
  constexpr Death kDeaths[] = {
      {"split.group", 14, 0},       {"train.exchanged", 4, 0}, {"train.exchanged", 4, 1},
      {"learn.leaf", 20, 1},        {"train.updated", 4, 0},   {"sync.bucket", 4, 0},
      {"sync.received", 4, 2},      {"sync.switched", 4, 2},   {"rollout.completion", 52, 2},
      {"split.send", 14, 2},        {"train.logged", 4, 1},    {"train.metrics", 9, 0},
      {"checkpoint.manifest", 4, 0}};
  const std::string settings = std::string(kSplit) + kOneBehind + "--set cluster.rollout_ranks=1";
  const RunResult whole = run_with(3, settings);
  for (const Death& death : kDeaths) {
    SCOPED_TRACE(std::string(death.point) + " of rank " + std::to_string(death.rank));
    fs::remove_all(train.out);
    const auto killed =
        train.run(settings, "RECKON_FAIL_RANK=" + std::to_string(death.rank) +
                                " RECKON_FAIL_AT=" + death.point + ":" + std::to_string(death.call));
    EXPECT_NE(killed.exit_code, 0) << "was not killed:\n" << killed.output;
    EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
    const auto resumed = train.run(settings + " --resume");
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    EXPECT_EQ(difference(result_of(train.out), whole), "");
  }
}

TEST_F(SplitTest, RolesMayChangeWhereARunGoesOn) {
  const RunResult whole = run_with(0, kOneBehind);
  fs::remove_all(train.out);
  train.ranks = 2;
  EXPECT_NE(train.run(std::string(kSplit) + kOneBehind, "RECKON_FAIL_RANK=0 RECKON_FAIL_AT=train.updated:4")
                .exit_code,
            0);
  train.ranks = 1;
  const auto resumed = train.run(std::string(kOneBehind) + "--resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(difference(result_of(train.out), whole), "");
}

/// Whatever came first, the log has it, and the run can be done again from it.
TEST_F(SplitTest, WhatIsAdmittedAsItIsCompleteIsProvedByTheLog) {
  for (const std::string settings :
       {"", "--set stage.rl-1.over_issue=1 ",
        "--set 'stage.rl-1.weight_switch=\"in_flight\"' "
        "--set stage.rl-1.max_new_tokens=48 --set 'stage.rl-1.off_policy=\"tis\"' "}) {
    SCOPED_TRACE(settings);
    run_with(3, kAsCompleted + std::string(kOneBehind) + settings + "--set cluster.rollout_ranks=2");
    expect_verified();
    const std::vector<Group> groups = trained_groups();
    ASSERT_EQ(groups.size(), 20u);
    std::set<std::uint64_t> numbers;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      EXPECT_EQ(groups[i].admission, i + 1);
      EXPECT_TRUE(numbers.insert(groups[i].group_id).second) << "group " << groups[i].group_id << " twice";
    }
    for (const double staleness : column("staleness_max")) EXPECT_LE(staleness, 2) << "two updates a step";
  }
}

TEST_F(SplitTest, WithoutStalenessTheOrderOfAdmissionIsAllThatDiffers) {
  run_with(3, kAsCompleted + std::string("--set cluster.rollout_ranks=2 --set stage.rl-1.over_issue=0.5"));
  expect_verified();
  EXPECT_THAT(column("sampler_policy_max_diff"), ::testing::Each(0.0));
}

TEST_F(SplitTest, WhatWasPendingIsSampledAgainAfterAKill) {
  const std::string settings =
      kAsCompleted + std::string(kOneBehind) + "--set stage.rl-1.over_issue=1 --set cluster.rollout_ranks=1";
  train.ranks = 2;
  EXPECT_NE(train.run(settings, "RECKON_FAIL_RANK=0 RECKON_FAIL_AT=train.updated:4").exit_code, 0);
  const auto resumed = train.run(settings + " --resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  std::set<std::uint64_t> numbers;
  for (const Group& group : trained_groups()) EXPECT_TRUE(numbers.insert(group.group_id).second);
  EXPECT_EQ(numbers.size(), 20u);
  expect_verified();
}

TEST_F(SplitTest, ASignalStopsAllRoles) {
  const std::string settings = std::string(kSplit) + kOneBehind;
  const RunResult whole = run_with(3, settings);
  for (const int rank : {0, 2}) {  // SIGTERM to one rank, as a launcher's or a person's
    SCOPED_TRACE(rank);
    fs::remove_all(train.out);
    const auto stopped =
        train.run(settings, "RECKON_FAIL_SIGNAL=15 RECKON_FAIL_RANK=" + std::to_string(rank) +
                                " RECKON_FAIL_AT=" + (rank == 0 ? "train.updated:2" : "split.send:3"));
    EXPECT_EQ(stopped.exit_code, 75) << stopped.output;
    const auto resumed = train.run(settings + " --resume");
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    EXPECT_EQ(difference(result_of(train.out), whole), "");
  }
}

TEST_F(SplitTest, RefusesWhatCannotBe) {
  train.ranks = 1;
  const auto alone = train.run(kSplit);
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.output, HasSubstr("cluster.mode is \"split\" on 1 rank (need 2 or more"));
  train.ranks = 2;
  const auto none_learns = train.run(std::string(kSplit) + "--set cluster.rollout_ranks=2");
  EXPECT_EQ(none_learns.exit_code, 2);
  EXPECT_THAT(none_learns.output, HasSubstr("cluster.rollout_ranks is 2 of 2 ranks (need 1 to 1"));
  train.ranks = 0;
  for (const auto& [settings, message] : {
           std::pair{"--set 'stage.rl-1.admission=\"as_completed\"'", "or cluster.mode = \"split\""},
           {"--set 'stage.rl-1.weight_switch=\"in_flight\"'",
            "or admission = \"as_completed\": in order, a step"},
           {"--set stage.rl-1.over_issue=0.5", "or admission = \"as_completed\": in order, every prompt"},
           {"--set 'cluster.mode=\"split\"' --set 'stage.rl-1.admission=\"as_completed\"' "
            "--set 'stage.rl-1.weight_switch=\"in_flight\"'",
            "need at least 1: weight_switch is \"in_flight\""},
           {"--set stage.rl-1.max_staleness=1 --set guard.spike_factor=10 --set "
            "'guard.spike_action=\"rollback\"'",
            "completions of weights that were taken back"},
       }) {
    const auto refused = train.run(settings);
    EXPECT_EQ(refused.exit_code, 2) << settings;
    EXPECT_THAT(refused.output, HasSubstr(message));
  }
}

}  // namespace
}  // namespace reckon
