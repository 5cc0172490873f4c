// Processes that die, wait for one another or get less than they need from their machine.
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "app/faulty_run.h"
#include "support/processes.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_text;
using testing::run_command;
using testing::sweep_size;

/// Waits, in a script, until a file has a first line.
std::string wait_for(const std::string& file) {
  return "for i in $(seq 2000); do [ -s " + file + " ] && break; sleep 0.005; done\n";
}

/// For scripts: the children of a process, and the processes whose command line holds a text.
constexpr const char* kFinders =
    "children() { for p in /proc/[0-9]*; do grep -qs \"^PPid:[[:space:]]*$1$\" $p/status && echo "
    "${p#/proc/}; "
    "done; }\n"
    "naming() { for p in /proc/[0-9]*; do tr '\\0' ' ' 2>/dev/null < $p/cmdline | grep -q -- \"$1\" && echo "
    "${p#/proc/}; done; }\n";

class Processes : public testing::FaultyRun {
 protected:
  void expect_undisturbed(const CommandResult& run) const {
    EXPECT_EQ(run.exit_code, 0) << run.output;
    if (run.exit_code != 0) return;
    EXPECT_EQ(testing::difference(testing::result_of(train.out), undisturbed()), "");
  }
};

TEST_F(Processes, TheSecondInOneFolderWaitsAndNamesTheFirst) {
  const auto start = std::chrono::steady_clock::now();
  const auto run =
      shell("$TRAIN --set stage.cold-start.steps=1000000 & first=$!\n" + wait_for("$OUT/metrics.jsonl") +
            "$TRAIN --resume --set stage.cold-start.steps=1000000 2>&1\n"
            "echo \"second: $? first: $first\"\n"
            "kill -9 $first; wait $first\n"
            "$TRAIN --resume --set stage.cold-start.steps=1000000 & third=$!\n"
            "for i in $(seq 400); do grep -q \"pid $third \" $OUT/lock && break; sleep 0.005; done\n"
            "grep -q \"pid $third \" $OUT/lock && echo 'third has the lock'\n"
            "kill -USR1 $third; wait $third; echo \"third: $?\"");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  const std::size_t place = run.output.find("second: ");
  ASSERT_NE(place, std::string::npos) << run.output;
  EXPECT_EQ(run.output.substr(place, 10), "second: 78") << run.output;
  const std::size_t number = run.output.find("first: ", place) + 7;
  const std::string first = run.output.substr(number, run.output.find('\n', number) - number);
  EXPECT_THAT(run.output, HasSubstr("warning: " + train.out.string() + ": pid " + first + " on "));
  EXPECT_THAT(run.output, HasSubstr(" writes to this run; waiting for it to end"));
  EXPECT_THAT(run.output, HasSubstr("/lock: is held by pid " + first + " on "));
  EXPECT_THAT(run.output, HasSubstr("third has the lock"));
  EXPECT_THAT(run.output, HasSubstr("third: 75"));
}

TEST_F(Processes, TheNumberOfRanksMayChangeAtEachResuming) {
  struct Part {
    int ranks;
    const char* death;
  };
  const Part parts[] = {{1, "train.sft_update:4"}, {2, "train.updated:2"}, {4, "train.updated:4"}, {0, ""}};
  for (const Part& part : parts) {
    train.ranks = part.ranks;
    const std::string death = *part.death == 0 ? "" : std::string("RECKON_FAIL_AT=") + part.death;
    const auto run = train.run("--resume", death + " RECKON_FAIL_RANK=0");
    if (*part.death == 0) {
      expect_undisturbed(run);
    } else {
      EXPECT_NE(run.exit_code, 0) << run.output;
      EXPECT_TRUE(testing::all_gone(train.out.string()));
    }
  }
}

/// Two ranks of which a process is killed by what a script says.
class KilledRanks : public Processes {
 protected:
  CommandResult kill_while_running(const std::string& script) const {
    return shell(std::string(kFinders) + "mpirun --allow-run-as-root --oversubscribe -n 2 $TRAIN & job=$!\n" +
                 wait_for("$OUT/metrics.jsonl") + script +
                 "\nstart=$(date +%s%N); wait $job; code=$?\n"
                 "echo \"ms: $((($(date +%s%N) - start) / 1000000)).\"; exit $code");
  }
  void expect_end_in_5_seconds(const CommandResult& run) const {
    const std::size_t place = run.output.find("ms: ");
    ASSERT_NE(place, std::string::npos) << run.output;
    EXPECT_LT(std::stoi(run.output.substr(place + 4)), 5000);
    EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
  }
};

TEST_F(KilledRanks, TheLossOfOneEndsTheJob) {
  const auto run = kill_while_running("kill -9 $(children $job | tail -1)");
  EXPECT_EQ(run.exit_code, 137) << run.output;
  expect_end_in_5_seconds(run);
  expect_resumes();
}

TEST_F(KilledRanks, TheLossOfMpirunEndsThem) {
  const auto run = kill_while_running("kill -9 $job");
  EXPECT_EQ(run.exit_code, 137) << run.output;
  expect_end_in_5_seconds(run);
  expect_resumes();
}

/// A run whose problems are made and graded by a program of the user, with its folder's name as an argument.
class OwnProgram : public Processes {
 protected:
  void SetUp() override {
    std::string recipe = testing::tiny_recipe();
    const std::size_t from = recipe.find("kind = \"arithmetic\""), to = recipe.find("[[stage]]");
    recipe.replace(from, to - from,
                   "kind = \"command\"\nsource = { command = [\"python3\", \"" +
                       (testing::source_dir() / "examples/reverse_words.py").string() + "\", \"" + mark() +
                       "\"] }\n");
    testing::write_text(train.recipe, recipe);
  }
  [[nodiscard]] std::string mark() const { return folder.path().string() + "-grader"; }
};

TEST_F(OwnProgram, IsStartedAgainWhereItIsKilled) {
  const auto whole = train.run();
  ASSERT_EQ(whole.exit_code, 0) << whole.output;
  const auto expected = testing::result_of(train.out);
  fs::remove_all(train.out);
  const auto run = shell(std::string(kFinders) + "$TRAIN & job=$!\n" + wait_for("$OUT/metrics.jsonl") +
                         "killed=$(kill -9 $(naming " + mark() +
                         ") && echo yes)\n"
                         "wait $job; code=$?; echo \"killed: $killed\"; exit $code");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("killed: yes"));
  EXPECT_EQ(testing::difference(testing::result_of(train.out), expected), "");
  EXPECT_TRUE(testing::all_gone(mark())) << "graders are left";
}

TEST_F(OwnProgram, EndsWithARankThatIsKilled) {
  train.ranks = 2;
  const auto run = train.run("", "RECKON_FAIL_AT=train.sampled:2 RECKON_FAIL_RANK=1");
  EXPECT_EQ(run.exit_code, 137) << run.output;
  EXPECT_TRUE(testing::all_gone(mark())) << "graders are left";
  EXPECT_TRUE(testing::all_gone(train.out.string())) << "processes are left";
}

using Machine = Processes;

TEST_F(Machine, TheTimeOfDayMayGoBack) {
  expect_undisturbed(train.run("", testing::machine_faults("FAULT_CLOCK_BACK_MS=300")));
}

TEST_F(Machine, TooFewOpenFiles) {
  const auto run = shell("ulimit -n 16; $TRAIN");
  EXPECT_EQ(run.exit_code, 78) << run.output;
  EXPECT_THAT(run.output, HasSubstr("error: a process may have 16 files open (need at least 64). Raise the "
                                    "limit by ulimit -n"));
  EXPECT_FALSE(fs::exists(train.out));
}

// The forecast of memory (code 78) is switched off: here memory ends where nothing had foreseen it.
TEST_F(Machine, MemoryThatEnds) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer needs more address space than the limit";
#endif
  const auto run = shell(
      "ulimit -v 4000000; $TRAIN --set guard.on_memory=warn --set model.hidden_size=4096 --set "
      "model.intermediate_size=16384 --set model.num_hidden_layers=16");
  EXPECT_EQ(run.exit_code, 70) << run.output;
  EXPECT_THAT(run.output, HasSubstr("error: out of memory: the machine, its cgroup or ulimit gives no more"));
  EXPECT_FALSE(fs::exists(train.out));
}

TEST_F(Machine, NobodyReadsWhatIsPrinted) {
  for (const char* output : {">&- 2>&-", "> /dev/full 2> /dev/full", "<&- >&- 2>&-"}) {
    fs::remove_all(train.out);
    expect_undisturbed(shell(std::string("$TRAIN ") + output));
  }
  fs::remove_all(train.out);
  expect_undisturbed(shell("set -o pipefail; $TRAIN 2>&1 | head -1"));
}

TEST_F(Machine, AMaskThatLetsNobodyElseRead) {
  expect_undisturbed(shell("umask 077; $TRAIN"));
  for (const auto& entry : fs::recursive_directory_iterator(train.out))
    EXPECT_EQ(entry.status().permissions() & fs::perms(077), fs::perms::none) << entry.path();
}

TEST_F(Machine, ALocaleWithDecimalCommas) {
  const std::string folder_of_locales = folder.path().string();
  if (run_command("localedef -i de_DE -f UTF-8 " + folder_of_locales + "/de_DE.UTF-8").exit_code != 0)
    GTEST_SKIP() << "no locale can be made";
  const std::string german = "LOCPATH=" + folder_of_locales + " LC_ALL=de_DE.UTF-8";
  ASSERT_EQ(run_command(german + " bash -c \"printf '%.1f' 1,5\"").output, "1,5");
  expect_undisturbed(train.run("", german));
}

TEST_F(Machine, PathsWithBlanksAndLetters) {
  train.out = folder.path() / "ein Ordner/ä 'ö' 中";
  train.recipe = folder.path() / "mein Rezept.toml";
  testing::write_text(train.recipe, testing::tiny_recipe());
  const std::string command = "env OMP_NUM_THREADS=1 " + testing::reckon_program() + " train ";
  const auto run =
      run_command(command + "\"" + train.recipe.string() + "\" --out \"" + train.out.string() + "\"");
  expect_undisturbed(run);
  expect_undisturbed(run_command(command + "\"" + train.out.string() + "\" --resume"));
}

TEST_F(Machine, PathsThatAreTooLong) {
  train.out = folder.path() / std::string(300, 'a');
  auto run = train.run();
  EXPECT_EQ(run.exit_code, 74) << run.output;
  EXPECT_THAT(run.output, HasSubstr(": cannot make the folder: File name too long"));
  std::string path = "a";
  for (int i = 0; i < 40; ++i) path += "/" + std::string(100, 'b');
  train.out = folder.path() / path;
  run = train.run();
  EXPECT_EQ(run.exit_code, 74) << run.output;
  EXPECT_THAT(run.output, HasSubstr(": cannot make the folder: File name too long"));
}

}  // namespace
}  // namespace reckon
