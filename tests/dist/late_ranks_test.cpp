// Ranks that do not come, or not in time: what the others say, and that the job ends.
#include <gmock/gmock.h>

#include <chrono>

#include "reckon/dist/communicator.h"
#include "support/paths.h"
#include "support/processes.h"

namespace reckon {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;

/// The timeout of the jobs is 1.5 s; with this one a loaded machine starts and ends them as well.
constexpr std::chrono::seconds kSomeSeconds{30};

class LateRanks : public ::testing::Test {
 protected:
  static std::string command(const std::string& name, int rank) {
    return "OMP_NUM_THREADS=1 mpirun --allow-run-as-root --oversubscribe -n 4 " + program() + " " + name +
           " " + std::to_string(rank);
  }
  static std::string program() { return (testing::binary_dir() / "tests/dist_late_ranks").string(); }
  static std::string named(int rank) { return "rank " + std::to_string(rank) + " (" + host_name() + ")"; }

  /// Runs a case that ends by an error.
  static std::string expect_failure(const std::string& name, int rank) {
    const auto start = std::chrono::steady_clock::now();
    const CommandResult run = testing::run_command(command(name, rank));
    EXPECT_LT(std::chrono::steady_clock::now() - start, kSomeSeconds);
    EXPECT_EQ(run.exit_code, 70) << run.output;
    EXPECT_TRUE(testing::all_gone(program() + '\0' + name)) << "processes are left";
    return run.output;
  }
};

/// "rl-1 step 12, gradients: waited 1.5 s for rank 2 (node)", and nobody else
std::string waited_for(const std::string& names) {
  return "error: rl-1 step 12, gradients: waited 1.5 s for " + names + "\n";
}

TEST_F(LateRanks, OneThatIsStoppedIsNamed) {
  EXPECT_THAT(expect_failure("stopped", 2), HasSubstr(waited_for(named(2))));
}

TEST_F(LateRanks, TheRootIsNamedLikeAnyOther) {
  EXPECT_THAT(expect_failure("stopped", 0), HasSubstr(waited_for(named(0))));
}

TEST_F(LateRanks, OneThatIsStoppedWhereItWaitedIsNamed) {
  EXPECT_THAT(expect_failure("stopped_in_wait", 1), HasSubstr(waited_for(named(1))));
}

TEST_F(LateRanks, RanksThatTheLauncherEndsSayWhereTheyWaited) {
  EXPECT_THAT(
      expect_failure("told_to_end", 2),
      HasSubstr("warning: rl-1 step 12, gradients: SIGTERM came while this rank waited in barrier\n"));
}

TEST_F(LateRanks, OneThatComputesTooLongIsNamed) {
  EXPECT_THAT(expect_failure("asleep", 3), HasSubstr(waited_for(named(3))));
}

TEST_F(LateRanks, OneThatWaitsElsewhereSaysWhere) {
  EXPECT_THAT(expect_failure("elsewhere", 1),
              HasSubstr(waited_for(named(1) + ", which waits in \"eval: scores\" (barrier)")));
}

TEST_F(LateRanks, OneThatTakesNoMessagesIsNamed) {
  EXPECT_THAT(
      expect_failure("takes_no_messages", 2),
      HasSubstr("error: messages on channel groups: waited 1.5 s for " + named(2) + " to take them\n"));
}

TEST_F(LateRanks, MessagesOnTheirWayDoNotHoldUpTheEnd) {
  EXPECT_THAT(expect_failure("stopped_with_a_port", 2), HasSubstr(waited_for(named(2))));
}

TEST_F(LateRanks, DifferentCallsAreAnError) {
  EXPECT_THAT(expect_failure("in_another_call", 2),
              HasSubstr("(need the same calls in the same order on all ranks)"));
}

TEST_F(LateRanks, WhoComesInTimeIsWarnedOfOnce) {
  const CommandResult run = testing::run_command(command("late", 2));
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("the end"));
  EXPECT_THAT(run.output, Not(HasSubstr("error")));
  EXPECT_THAT(run.output,
              HasSubstr("warning: " + named(2) + " is late: rl-1 step 12, gradients has waited 1"));
  const std::size_t first = run.output.find("is late");
  EXPECT_EQ(run.output.find("is late", first + 1), std::string::npos) << run.output;
}

TEST_F(LateRanks, AJobThatIsSuspendedAndContinuedGoesOn) {
  const CommandResult run = testing::run_command(
      "log=$(mktemp); " + command("suspended", 0) +
      " > $log 2>&1 & job=$!\n"
      "for i in $(seq 1000); do [ $(grep -c '^pid' $log) = 4 ] && break; sleep 0.01; done\n"
      "pids=$(sed -n 's/^pid \\([0-9]*\\).*/\\1/p' $log); sleep 0.5\n"
      "kill -STOP $pids; sleep 2.5; kill -CONT $pids; wait $job; code=$?; cat $log; rm $log; exit $code");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("the end"));
  EXPECT_THAT(run.output, Not(HasSubstr("late")));
}

// Where mpirun does nothing any more, ranks still end: the one that aborts, and those that wait for it.
TEST_F(LateRanks, TheyEndWithoutTheLauncher) {
  const CommandResult run = testing::run_command(
      "job_is() { grep -q \"^State:[[:space:]]*$1\" /proc/$job/status; }\n"
      "num_ranks() { grep -ls \"^PPid:[[:space:]]*$job$\" /proc/[0-9]*/status | "
      "xargs -r grep -L '^State:[[:space:]]*Z' | wc -l; }\n" +
      command("launcher_stopped", 1) +
      " & job=$!\n"
      "for i in $(seq 200); do job_is T && break; sleep 0.05; done; job_is T && echo stopped with "
      "$(num_ranks)\n"
      "for i in $(seq 300); do [ $(num_ranks) = 0 ] && break; sleep 0.1; done\n"
      "echo \"left: $(num_ranks).\"; kill -9 $job; wait $job");
  EXPECT_THAT(run.output, HasSubstr("stopped with 4"));
  EXPECT_THAT(run.output, HasSubstr("left: 0."));
  EXPECT_TRUE(testing::all_gone(program())) << "processes are left";
}

TEST_F(LateRanks, OneThatIsAloneWhereSlurmStartedFourIsRefused) {
  const std::string alone = program() + " late 1";  // a job that would go well
  const CommandResult refused = testing::run_command("SLURM_STEP_ID=0 SLURM_NTASKS=4 " + alone);
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.output,
              HasSubstr("error: MPI: SLURM_NTASKS is 4 but MPI sees 1 rank(s). Start with mpirun, "
                        "or with srun --mpi=pmix.\n"));
  // In an interactive allocation a program without srun is no step.
  const CommandResult interactive = testing::run_command("env -u SLURM_STEP_ID SLURM_NTASKS=4 " + alone);
  EXPECT_EQ(interactive.exit_code, 0) << interactive.output;
}

}  // namespace
}  // namespace reckon
