// Ranks that stop, die or lag behind, hosts that are cut off, in every phase and role: the job ends in time,
// says who and where, leaves nothing behind, and goes on from its last checkpoint to the same end.
#include <gmock/gmock.h>

#include "hosts/hosts_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using testing::difference;
using ::testing::HasSubstr;
using testing::result_of;

constexpr int kTimeoutSeconds = 5;
/// With these a loaded machine ends a job as well; a job that hangs takes a quarter of an hour.
constexpr int kSomeSeconds = 60;

enum class Trouble {
  stop,  ///< the rank is stopped and never continued
  kill,  ///< it is killed
  cut,   ///< its host is cut off
};

struct Case {
  Trouble trouble = Trouble::stop;
  const char* point = "";  ///< where it strikes: name:count of a failpoint
  int rank = 0;
  const char* doing = "";  ///< what those who wait say: stage, step and operation
  bool is_quick = false;   ///< not in scripts/test.sh --full alone
  const char* settings = "";
};

void PrintTo(const Case& c, std::ostream* out) {
  constexpr const char* kNames[] = {"stop", "kill", "cut"};
  *out << kNames[static_cast<int>(c.trouble)] << " " << c.rank << " at " << c.point << " " << c.settings;
}

class Disturbed : public testing::HostsRun {
 protected:
  /// Runs until a rank is at a failpoint, where it is stopped; then what a script does to it: its process is
  /// $pid.
  CommandResult disturb(const std::string& point, int rank, const std::string& script,
                        const std::string& settings) const {
    const std::string node = std::to_string(rank + 1), log = (folder.path() / "log").string();
    return hosts.run(train_array(settings, "RECKON_FAIL_AT=" + point + " RECKON_FAIL_RANK=" +
                                               std::to_string(rank) + " RECKON_FAIL_SIGNAL=19") +
                     "\"${train[@]}\" &>" + log + " & job=$!\n" +
                     "pid=; while [ -z \"$pid\" ] && [ -e /proc/$job ]; do sleep 0.05; pid=$(stopped_on " +
                     node + " '" + train.out.string() + "'); done\n" + "[ -n \"$pid\" ] || { cat " + log +
                     "; echo 'no rank came to the point'; exit 99; }\n" + "start=$SECONDS\n" + script +
                     "\nwait $job; code=$?\ncat " + log +
                     "\necho \"seconds: $((SECONDS - start)).\"\n"
                     "for i in $(seq 300); do left=\n"
                     "  for node in 1 2 3; do left+=\" $(pids_on $node '" +
                     train.out.string() +
                     "') $(pids_on $node orted)\"; done\n"
                     "  [ -z \"${left// /}\" ] && break; sleep 0.1; done\n"
                     "echo \"left:${left// /}.\"; exit $code");
  }
};

class Troubled : public Disturbed, public ::testing::WithParamInterface<Case> {};

std::string script_of(Trouble trouble, int rank) {
  if (trouble == Trouble::kill) return "kill -9 $pid";
  return trouble == Trouble::cut ? "cut " + std::to_string(rank + 1) + "; kill -CONT $pid" : "";
}

/// What is said at the end, as a regular expression: who is waited for where, or mpirun's word of a rank that
/// died.
std::string last_words(const Case& c) {
  const std::string rank = std::to_string(c.rank), node = "node" + std::to_string(c.rank + 1);
  if (c.trouble == Trouble::kill)
    return "process rank " + rank + " with PID [0-9]+ on node " + node + " exited on signal 9";
  // Cut off from the host of mpirun, the others cannot be heard: rank 0 says it of them.
  const std::string who =
      c.trouble == Trouble::cut && c.rank == 0 ? "rank [12] [(]node[23]" : "rank " + rank + " [(]" + node;
  return "\\[rank [0-9]/3 node[0-9]\\] error: " + std::string(c.doing) + "[^\n]*" + who;
}

TEST_P(Troubled, EndsInTimeAndGoesOnFromItsLastCheckpoint) {
  const Case& c = GetParam();
  // A rank that died is mpirun's to notice, long before the deadline.
  const int timeout = c.trouble == Trouble::kill ? 600 : kTimeoutSeconds;
  const auto run = disturb(c.point, c.rank, script_of(c.trouble, c.rank),
                           "--set cluster.timeout_s=" + std::to_string(timeout) + " " + c.settings);
  ASSERT_NE(run.exit_code, 99) << run.output;
  EXPECT_NE(run.exit_code, 0) << run.output;
  const std::size_t place = run.output.find("seconds: ");
  ASSERT_NE(place, std::string::npos) << run.output;
  EXPECT_LT(std::stoi(run.output.substr(place + 9)), kTimeoutSeconds + kSomeSeconds) << run.output;
  EXPECT_THAT(run.output, HasSubstr("left:."));
  EXPECT_THAT(run.output, ::testing::ContainsRegex(last_words(c)));
  train.ranks = 0;
  expect_resumes();
}

constexpr const char* kSplit = "--set cluster.mode=split --set cluster.rollout_ranks=1";
constexpr const char* kTwoWorkers = "--set cluster.mode=split --set cluster.rollout_ranks=2";

/// Those of every run of the tests, and under scripts/test.sh --full all.
std::vector<Case> cases() {
  using enum Trouble;
  const char *update = "rl-1 step [0-9], update", *cold_update = "cold-start step [0-9], update",
             *any = "(cold-start|rl-1)";
  std::vector<Case> all = {
      {stop, "train.sampled:2", 2, any, true},
      {cut, "learn.leaf:3", 2, cold_update, true},
      {kill, "checkpoint.state:2", 0, any, true},
      {stop, "split.send:3", 2, "rl-1, rollouts", true, kSplit},
      {stop, "train.draw:2", 1, any},
      {stop, "rollout.completion:3", 1, any},
      {stop, "train.exchanged:2", 0, any},
      {stop, "learn.tensor:5", 1, any},
      {stop, "train.updated:2", 0, update},
      {stop, "train.logged:2", 2, any},
      {stop, "checkpoint.model:2", 0, any},
      {stop, "checkpoint.manifest:2", 0, any},
      {stop, "checkpoint.moments:2", 1, any},
      {kill, "train.sampled:2", 2, any},
      {kill, "rollout.completion:5", 0, any},
      {kill, "learn.leaf:3", 1, any},
      {kill, "train.logged:2", 0, any},
      {kill, "checkpoint.rename:2", 0, any},
      {cut, "train.sampled:2", 1, any},
      {cut, "train.sampled:2", 0, any},
      {cut, "checkpoint.moments:2", 2, any},
      {cut, "checkpoint.state:2", 0, any},
      {stop, "train.updated:2", 0, any, false, kSplit},  // the learners' root
      {stop, "train.updated:2", 1, any, false, kSplit},  // a learner
      {stop, "rollout.completion:5", 1, any, false, kTwoWorkers},
      {kill, "train.updated:2", 0, any, false, kSplit},
      {kill, "learn.leaf:9", 1, any, false, kSplit},
      {kill, "rollout.completion:5", 2, any, false, kSplit},
      {cut, "split.send:3", 2, any, false, kSplit},
      {cut, "train.updated:2", 1, any, false, kSplit},
      {stop, "checkpoint.moments:2", 1, any, false, kSplit},
  };
  if (testing::sweep_size(0, 1) == 0) std::erase_if(all, [](const Case& c) { return !c.is_quick; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Ranks, Troubled, ::testing::ValuesIn(cases()));

using Slow = Disturbed;

TEST_F(Slow, ARankThatIsLateIsNamedAndChangesNothing) {
  const auto run = disturb("learn.leaf:3", 2, "sleep 5; kill -CONT $pid", "--set cluster.timeout_s=9");
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("warning: rank 2 (node3) is late: cold-start step "));
  EXPECT_EQ(difference(result_of(train.out), undisturbed()), "");
}

using Disk = testing::HostsRun;

TEST_F(Disk, ThatIsFullOnOneHostEndsTheJobWithItsName) {
  const auto full = hosts.run(
      train_array("", "LD_PRELOAD=" + (testing::binary_dir() / "tests/libmachine_faults.so").string() +
                          " FAULT_DISK_BYTES=30000 FAULT_DISK_FOLDER=" + train.out.string() +
                          "/rollouts/rl-1/rank-00002") +
      "\"${train[@]}\"");
  EXPECT_EQ(full.exit_code, 74) << full.output;
  EXPECT_THAT(full.output, HasSubstr("[rank 2/3 node3] error: "));
  EXPECT_THAT(full.output, HasSubstr("rank-00002.000000.h5.part: cannot append"));
  train.ranks = 0;
  expect_resumes();
}

}  // namespace
}  // namespace reckon
