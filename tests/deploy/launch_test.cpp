// scripts/launch.sh: real kills, real signals; launchers that hang or are not there are stood in for.
#include <gmock/gmock.h>

#include <regex>

#include "app/faulty_run.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::difference;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::result_of;
using testing::RunResult;

class Launch : public ::testing::Test {
 protected:
  testing::TempDir folder;
  testing::TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run", 0};

  void SetUp() override { testing::write_text(train.recipe, testing::tiny_recipe()); }

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

  [[nodiscard]] static std::string script() { return (testing::source_dir() / "scripts/launch.sh").string(); }
  [[nodiscard]] std::string program() const {
    return testing::reckon_program() + " train " + train.recipe.string() + " --out " + train.out.string();
  }
  /// The command with two ranks under mpirun. `before` stands before the program: what starts a rank.
  [[nodiscard]] std::string command(const std::string& options, const std::string& before = "") const {
    return "bash " + script() + " --pause 0 " + options + " -- --allow-run-as-root --oversubscribe -n 2 " +
           before + " -- " + program();
  }
  /// Starts a rank that is killed in the first attempt alone.
  [[nodiscard]] std::string killed_once(const std::string& point, int rank) const {
    const fs::path file = folder.path() / "once.sh";
    testing::write_text(file, "[ -e " + train.out.string() +
                                  "/launch/attempt-002.log ] || export RECKON_FAIL_AT=" + point +
                                  " RECKON_FAIL_RANK=" + std::to_string(rank) + "\nexec \"$@\"\n");
    return "bash " + file.string();
  }
  /// A program in PATH in the place of a launcher.
  [[nodiscard]] std::string with_launcher(const std::string& name, const std::string& text) const {
    const fs::path bin = folder.path() / "bin";
    fs::create_directories(bin);
    testing::write_text(bin / name, "#!/bin/bash\n" + text + "\n");
    fs::permissions(bin / name, fs::perms::owner_all);
    return "PATH=" + bin.string() + ":$PATH ";
  }
  [[nodiscard]] std::string log_of(const std::string& name) const {
    return testing::read_text(train.out / "launch" / name);
  }
  [[nodiscard]] int num_attempts() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(train.out / "launch"))
      count += entry.path().filename().string().starts_with("attempt-") ? 1 : 0;
    return count;
  }
};

TEST_F(Launch, AKilledRankIsLaunchedAgainAndTheRunEndsAsTheOneThatWasNot) {
  const auto run = testing::run_command(command("--restarts 3", killed_once("train.updated:5", 1)));
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(difference(result_of(train.out), uninterrupted()), "");
  // Checkpoints are written beside the steps: which was the last one is not sure.
  std::smatch first;
  ASSERT_TRUE(std::regex_search(
      run.output, first,
      std::regex("launch.sh: attempt 1 of 4 ended with code 137 \\(killed: out of memory, or "
                 "a node was lost\\); last checkpoint: ([a-z0-9-]+/step-\\d+); log: (\\S+)")))
      << run.output;
  EXPECT_EQ(first[2], (train.out / "launch/attempt-001.log").string());
  EXPECT_THAT(log_of("attempt-002.log"), HasSubstr("goes on from checkpoint " + first[1].str()));
  EXPECT_THAT(run.output, HasSubstr("attempt 2 of 4 ended with code 0 (done)"));
  EXPECT_THAT(run.output, Not(HasSubstr("no checkpoint was gained")));
  EXPECT_THAT(run.output, HasSubstr(log_of("attempt-002.log"))) << "not all of the log was shown";
  EXPECT_THAT(log_of("attempts.log"), HasSubstr("attempt 2 of 4 ended with code 0 (done)"));
  EXPECT_EQ(num_attempts(), 2);
  const auto verified = testing::run_command(testing::reckon_program() + " verify " + train.out.string());
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
}

TEST_F(Launch, ARankKilledBeforeTheFirstCheckpointStartsAtStepZero) {
  const auto run = testing::run_command(command("", killed_once("train.sft_update:1", 0)));
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("last checkpoint: none"));
  EXPECT_THAT(run.output, HasSubstr("no checkpoint was gained, 1 time in a row"));
  EXPECT_THAT(run.output, HasSubstr("has no checkpoint yet: the run starts at step 0"));
  EXPECT_EQ(difference(result_of(train.out), uninterrupted()), "");
}

TEST_F(Launch, AfterTheLastRestartTheCodeIsThatOfTheRank) {
  const auto run = testing::run_command("RECKON_FAIL_AT=train.sft_update:1 " + command("--restarts 2"));
  EXPECT_EQ(run.exit_code, 137) << run.output;
  EXPECT_THAT(run.output, HasSubstr("no checkpoint was gained, 2 times in a row"));
  EXPECT_THAT(run.output, HasSubstr("attempt 3 of 3 ended with code 137"));
  EXPECT_EQ(num_attempts(), 3);
}

TEST_F(Launch, WhatWouldEndTheSameAgainIsNotTriedAgain) {
  for (const int code : {2, 65, 66, 75, 78, 126, 127}) {
    fs::remove_all(train.out);
    const auto run = testing::run_command(with_launcher("mpirun", "exit " + std::to_string(code)) +
                                          command("--restarts 2"));
    EXPECT_EQ(run.exit_code, code) << run.output;
    EXPECT_EQ(num_attempts(), 1) << code;
  }
  for (const int code : {1, 70, 74, 134, 137, 143, 255}) {
    fs::remove_all(train.out);
    const auto run = testing::run_command(with_launcher("mpirun", "exit " + std::to_string(code)) +
                                          command("--restarts 2"));
    EXPECT_EQ(run.exit_code, code) << run.output;
    EXPECT_EQ(num_attempts(), 3) << code;
  }
}

TEST_F(Launch, ARunThatIsThereIsNotGoneOnWithUnlessThatIsAsked) {
  fs::create_directory(train.out);
  testing::write_text(train.out / "recipe.toml", "");
  const auto refused = testing::run_command(command(""));
  EXPECT_EQ(refused.exit_code, 78) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("holds a run already"));
  EXPECT_THAT(refused.output, HasSubstr("attempt 1 of 4 ended with code 78 (environment)"));
}

TEST_F(Launch, ASignalIsPassedOnAndTheRunGoesOnAfterwards) {
  const std::string metrics = (train.out / "metrics.jsonl").string();
  const fs::path file = folder.path() / "signal.sh";
  // Slow files: the run must not be done before the signal comes.
  const std::string slowly = "env " + testing::machine_faults("FAULT_FSYNC_MS=40");
  testing::write_text(file, command("", slowly) + " & pid=$!\nfor i in $(seq 2000); do [ -s " + metrics +
                                " ] && break; sleep 0.005; done\nkill -TERM $pid; wait $pid\n");
  const auto stopped = testing::run_command("bash " + file.string());
  EXPECT_EQ(stopped.exit_code, 75) << stopped.output;
  EXPECT_THAT(stopped.output, HasSubstr("launch.sh: got SIGTERM: the ranks are told to stop"));
  EXPECT_THAT(stopped.output, HasSubstr("ended with code 75 (stopped, can be resumed)"));
  EXPECT_THAT(stopped.output, HasSubstr("Go on with: reckon train"));
  EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
  const auto run = testing::run_command(command("") + " --resume");
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(difference(result_of(train.out), uninterrupted()), "");
}

TEST_F(Launch, ASignalInThePauseStopsAtOnce) {
  const std::string launch =
      with_launcher("mpirun", "exit 70") + "bash " + script() + " --pause 200 -- -- " + program();
  const fs::path file = folder.path() / "signal.sh";
  testing::write_text(
      file,
      "export " + launch.substr(0, launch.find(' ')) + "\n" + launch.substr(launch.find(' ') + 1) + " 2>" +
          (folder.path() / "err").string() + " & pid=$!\nfor i in $(seq 500); do grep -qs 'goes on with' " +
          (folder.path() / "err").string() + " && break; sleep 0.01; done\nkill -TERM $pid; wait $pid\n");
  EXPECT_EQ(testing::run_command("timeout 60 bash " + file.string()).exit_code, 75);
  EXPECT_THAT(testing::read_text(folder.path() / "err"),
              HasSubstr("code 70 (internal error, or a rank that did not answer)"));
}

TEST_F(Launch, ALauncherThatHangsAfterTheErrorOfARankIsKilled) {
  const std::string error =
      "echo '[rank 1/2 gpu02] error: all_reduce: no answer from rank 0'; exec sleep 1000";
  const auto run = testing::run_command(with_launcher("mpirun", error) + "timeout 60 bash " + script() +
                                        " --restarts 1 --pause 0 --kill-after 1 -- -- " + program());
  EXPECT_EQ(run.exit_code, 143) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("launch.sh: mpirun goes on 1 s after a rank told an error: it is killed"));
  EXPECT_THAT(run.output, HasSubstr("attempt 2 of 2 ended with code 143 (ended by SIGTERM)"));
}

TEST_F(Launch, ErrorsOfOtherProgramsKillNobody) {
  const auto run = testing::run_command(with_launcher("mpirun", "echo 'error: a task complains'; sleep 4") +
                                        "bash " + script() + " --kill-after 1 -- -- " + program());
  EXPECT_EQ(run.exit_code, 0) << run.output;
}

TEST_F(Launch, SrunGetsItsArgumentsAndThenTheProgram) {
  const auto run =
      testing::run_command(with_launcher("srun", "printf '<%s>' \"$@\"") + "bash " + script() +
                           " --launcher srun -- --mpi=pmix --cpu-bind=cores -- reckon train r.toml "
                           "--out=" +
                           train.out.string() + " --set 'run.name=\"a b\"'");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("<--mpi=pmix><--cpu-bind=cores><reckon><train><r.toml><--out=" +
                                    train.out.string() + "><--set><run.name=\"a b\">"));
}

TEST_F(Launch, SaysWhatIsWrongWithItsArguments) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "got no -- (need -- LAUNCHER ARGUMENTS -- reckon train RECIPE --out DIR)"},
      {"-- -n 2", "got one -- (need two: "},
      {"--restarts", "--restarts has no value (need one)"},
      {"--restarts two -- -- reckon train r --out d", "--restarts is two (need a whole number, 0 or more)"},
      {"--retries 2 -- -- reckon train r --out d", "unknown option --retries (need --restarts, "},
      {"--launcher aprun -- -- reckon train r --out d", "--launcher is aprun (need mpirun or srun)"},
      {"-- -- reckon verify d", "the program is \"reckon verify d\" (need reckon train RECIPE --out DIR)"},
      {"-- -n 2 -- reckon train r.toml", "the program names no folder (need --out DIR, which all ranks see)"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto refused =
        testing::run_command("cd " + folder.path().string() + " && bash " + script() + " " + arguments);
    EXPECT_EQ(refused.exit_code, 2) << arguments;
    EXPECT_THAT(refused.output, HasSubstr(std::string("launch.sh: ") + message));
  }
  const auto help = testing::run_command("bash " + script() + " --help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("--kill-after S"));
}

}  // namespace
}  // namespace reckon
