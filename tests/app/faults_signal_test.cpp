// Signals that ask a run to stop: at named moments, at moments of chance, twice, and through mpirun.
#include <gmock/gmock.h>

#include <csignal>
#include <regex>

#include "app/faulty_run.h"
#include "reckon/checkpoint/checkpoint.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::sweep_size;

constexpr int kSignals[] = {SIGUSR1, SIGTERM, SIGINT};

/// A moment of the run and where it stops then: the next moment between two steps.
struct Moment {
  const char* point;
  int call;
  const char* stopped;
};

constexpr Moment kMoments[] = {
    {"atomic_file.write", 1, "cold-start step 0"},  // recipe.toml: the run is being set up
    {"train.sft_update", 1, "cold-start step 1"},
    {"train.chain", 3, "cold-start step 3"},
    {"checkpoint.moments", 1, ""},  // the thread that writes it is beside the steps
    {"checkpoint.manifest", 1, ""},
    {"checkpoint.rename", 2, ""},
    {"checkpoint.latest", 3, ""},
    {"train.sft_update", 5, "rl-1 step 0"},
    {"train.draw", 1, "rl-1 step 1"},
    {"rollout.completion", 20, "rl-1 step 2"},
    {"reward.grade", 36, "rl-1 step 3"},
    {"learn.leaf", 30, ""},
    {"train.updated", 4, "rl-1 step 4"},
    {"rollout_log.steps", 3, "rl-1 step 3"},
    {"checkpoint.prune", 4, ""},
    {"train.metrics", 10, "eval-rl-1"},
};

class Signals : public testing::FaultyRun {
 protected:
  /// What a run says that was stopped; where it stands between two steps of a stage, the checkpoint is there.
  void expect_stopped(const testing::CommandResult& run) const {
    EXPECT_EQ(run.exit_code, 75) << run.output;
    EXPECT_THAT(run.output, Not(HasSubstr("error")));
    std::smatch found;
    const bool is_said =
        std::regex_search(run.output, found,
                          std::regex("(\\S+)( step (\\d+))?: stopped \\([^)]+\\)(, with no checkpoint yet)?"
                                     "\\. Go on with: reckon train \\S+ --resume"));
    ASSERT_TRUE(is_said) << run.output;
    const std::vector<CheckpointName> names = list_checkpoints(train.out / "checkpoints");
    EXPECT_EQ(names.empty(), found[4].matched) << run.output;
    if (!found[3].matched || found[3] == "0") return;
    const CheckpointName stopped{found[1], std::stoll(found[3])};
    EXPECT_THAT(names, ::testing::Contains(stopped)) << run.output;
    EXPECT_EQ(open_checkpoint(checkpoint(stopped.text())).state.step, stopped.step);
  }
};

TEST_F(Signals, AtEachMomentTheStepIsFinishedAndTheRunGoesOnAsIfNothingHadBeen) {
  const std::size_t signals = sweep_size(1, std::size(kSignals));
  for (std::size_t i = 0; i < std::size(kMoments); ++i) {
    for (std::size_t s = 0; s < signals; ++s) {
      const Moment& moment = kMoments[i];
      const int number = kSignals[(i + s) % std::size(kSignals)];
      SCOPED_TRACE(std::string(moment.point) + ":" + std::to_string(moment.call) + ", " + strsignal(number));
      fs::remove_all(train.out);
      const auto stopped =
          train.run("", "RECKON_FAIL_SIGNAL=" + std::to_string(number) + " RECKON_FAIL_AT=" + moment.point +
                            ":" + std::to_string(moment.call));
      expect_stopped(stopped);
      if (*moment.stopped != 0) {
        EXPECT_THAT(stopped.output, HasSubstr(std::string(moment.stopped) + ": stopped ("));
      }
      expect_resumes();
    }
  }
}

// Each signal comes so many milliseconds after the first row of metrics.jsonl; the run is then resumed and
// stopped again, until it is done.
TEST_F(Signals, AtMomentsOfChance) {
  std::uint32_t random = 3;
  int stops = 0;
  for (std::size_t i = 0; i < sweep_size(6, 60); ++i) {
    random = random * 1664525 + 1013904223;
    const std::string name = std::to_string(kSignals[i % std::size(kSignals)]);
    const std::string delay = "0.0" + std::to_string(100 + (random >> 8) % 100).substr(1);
    const auto run = shell(
        "rows() { wc -l 2>/dev/null < $OUT/metrics.jsonl || echo 0; }\n"
        "before=$(rows)\n"
        "$TRAIN --resume & pid=$!\n"
        "for i in $(seq 500); do [ $(rows) -ne $before ] && break; sleep 0.01; done\n"
        "sleep " +
        delay + "; kill -" + name + " $pid; wait $pid");
    if (run.exit_code == 0 || run.exit_code == 1) {  // it was done before the signal, which found no process
      expect_resumes();
      fs::remove_all(train.out);
      continue;
    }
    expect_stopped(run);
    ++stops;
  }
  EXPECT_GE(stops, 3);
  expect_resumes();
}

TEST_F(Signals, InTheLastEvaluationTheRunIsFinished) {
  const auto run = train.run("", "RECKON_FAIL_SIGNAL=15 RECKON_FAIL_AT=rollout.completion:82");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(testing::difference(testing::result_of(train.out), undisturbed()), "");
}

TEST_F(Signals, ASecondSigtermEndsTheProcessAtOnce) {
  const auto run = shell(
      "$TRAIN & pid=$!\n"
      "for i in $(seq 1000); do [ -s $OUT/metrics.jsonl ] && break; sleep 0.01; done\n"
      "kill -TERM $pid; sleep 0.7; kill -TERM $pid; wait $pid",
      testing::machine_faults("FAULT_FSYNC_MS=400"));
  EXPECT_EQ(run.exit_code, 143) << run.output;
  EXPECT_TRUE(list_checkpoints(train.out / "checkpoints").empty()) << "it was written all the same";
  expect_resumes();
}

class SignalsToRanks : public Signals {
 protected:
  void SetUp() override {
    Signals::SetUp();
    train.ranks = 2;
  }
  /// mpirun of the run, which gets a signal when metrics.jsonl has so many rows.
  [[nodiscard]] testing::CommandResult signal_at_row(int row, const char* name,
                                                     const std::string& environment = "") const {
    const std::string command = "mpirun --allow-run-as-root --oversubscribe -n 2 env OMP_NUM_THREADS=1 " +
                                environment + " " + testing::reckon_program() + " train " +
                                train.recipe.string() + " --out " + train.out.string();
    return shell(command + " & pid=$!\n" +
                 "for i in $(seq 2000); do [ $(wc -l 2>/dev/null < $OUT/metrics.jsonl || echo 0) -ge " +
                 std::to_string(row) + " ] && break; sleep 0.005; done\n" + "kill -" + name +
                 " $pid; wait $pid");
  }
  /// The others go on alone.
  void expect_resumes_alone() {
    train.ranks = 0;
    EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
    expect_resumes();
    train.ranks = 2;
  }
};

TEST_F(SignalsToRanks, SigUsr1ToMpirunStopsAllOfThem) {
  for (std::size_t i = 0; i < sweep_size(2, 9); ++i) {
    SCOPED_TRACE(i);
    fs::remove_all(train.out);
    expect_stopped(signal_at_row(1 + static_cast<int>(i * 5 % 9), "USR1"));
    expect_resumes_alone();
  }
}

TEST_F(SignalsToRanks, ASignalToOneRankStopsAllOfThem) {
  expect_stopped(train.run("", "RECKON_FAIL_RANK=1 RECKON_FAIL_SIGNAL=15 RECKON_FAIL_AT=train.sampled:2"));
  expect_resumes_alone();
}

// mpirun passes SIGTERM on after a second and kills a second later, in the middle of what takes longer.
TEST_F(SignalsToRanks, SigtermToMpirunLeavesWholeCheckpointsOrNone) {
  const auto run = signal_at_row(4, "TERM", testing::machine_faults("FAULT_FSYNC_MS=150"));
  EXPECT_NE(run.exit_code, 0) << run.output;
  expect_resumes_alone();
}

}  // namespace
}  // namespace reckon
