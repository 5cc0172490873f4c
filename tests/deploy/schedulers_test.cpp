// The scripts for Slurm, PBS and Kubernetes: what they start, and what they do with signals and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Schedulers : public ::testing::Test {
 protected:
  testing::TempDir folder;

  /// A reckon that is installed in folder/prefix, with nothing in it but launch.sh.
  void SetUp() override {
    const fs::path scripts = folder.path() / "prefix/share/reckon/scripts";
    fs::create_directories(scripts);
    fs::create_symlink(source("launch.sh"), scripts / "launch.sh");
    fs::create_directories(folder.path() / "bin");
  }
  [[nodiscard]] static fs::path source(const std::string& script) {
    return testing::source_dir() / "scripts" / script;
  }
  /// A program in PATH that stands in for one of the cluster.
  void stand_in(const std::string& name, const std::string& text) const {
    const fs::path file = folder.path() / "bin" / name;
    testing::write_text(file, "#!/bin/bash\n" + text + "\n");
    fs::permissions(file, fs::perms::owner_all);
  }
  [[nodiscard]] testing::CommandResult bash(const std::string& script) const {
    const fs::path file = folder.path() / "command.sh";
    testing::write_text(file, "cd " + folder.path().string() + "\nexport PATH=" + folder.path().string() +
                                  "/bin:$PATH RECKON_PREFIX=" + folder.path().string() + "/prefix\n" +
                                  script + "\n");
    return testing::run_command("timeout 60 bash " + file.string());
  }
  /// Sends train.sbatch a signal when its srun has started, which ends with 75 on SIGUSR1.
  [[nodiscard]] testing::CommandResult signal_batch(const std::string& name) const {
    stand_in("srun", "trap 'exit 75' USR1; touch started; for i in {1..300}; do sleep 0.1; done");
    stand_in("scontrol", "echo \"scontrol <$*>\"");
    return bash(
        "SLURM_JOB_ID=41 bash " + source("slurm/train.sbatch").string() +
        " r.toml run & pid=$!\nfor i in {1..1000}; do [ -e started ] && break; sleep 0.01; done\nkill -" +
        name + " $pid; wait $pid");
  }
};

constexpr const char* kPrintArguments = "printf '<%s>' \"${0##*/}\" \"$@\"; echo";

TEST_F(Schedulers, SlurmStartsRanksBySrun) {
  stand_in("srun", kPrintArguments);
  const auto run = bash("bash " + source("slurm/train.sbatch").string() + " r.toml run --set run.seed=3");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  const std::string program = "<" + folder.path().string() + "/prefix/bin/reckon>";
  EXPECT_THAT(run.output, HasSubstr("<srun><--mpi=pmix><--kill-on-bad-exit=1><--cpu-bind=cores>" + program +
                                    "<train><r.toml><--out><run><--resume><--set><run.seed=3>\n"));
}

TEST_F(Schedulers, SlurmStartsRanksByMpirun) {
  stand_in("mpirun", kPrintArguments);
  const auto run = bash("RECKON_LAUNCHER=mpirun SLURM_NTASKS=16 bash " +
                        source("slurm/train.sbatch").string() + " r.toml run");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("<mpirun><-n><16><--map-by><slot><--bind-to><core><-x><OMP_NUM_THREADS><" +
                        folder.path().string() + "/prefix/bin/reckon><train><r.toml>"));
}

TEST_F(Schedulers, SlurmPutsTheJobBackWhenItsTimeIsOver) {
  const auto run = signal_batch("USR1");
  EXPECT_EQ(run.exit_code, 75) << run.output;
  EXPECT_THAT(run.output, HasSubstr("scontrol <requeue 41>"));
}

TEST_F(Schedulers, SlurmDoesNotPutBackWhatSomebodyCancelled) {
  const auto run = signal_batch("TERM");
  EXPECT_EQ(run.exit_code, 75) << run.output;
  EXPECT_THAT(run.output, Not(HasSubstr("requeue")));
}

TEST_F(Schedulers, SlurmSaysWhatIsMissing) {
  const auto none = bash("bash " + source("slurm/train.sbatch").string() + " r.toml");
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.output,
              HasSubstr("train.sbatch: got 1 arguments (need RECIPE RUN [arguments of reckon train])"));
  const auto launcher =
      bash("RECKON_LAUNCHER=aprun bash " + source("slurm/train.sbatch").string() + " r.toml run");
  EXPECT_EQ(launcher.exit_code, 2);
  EXPECT_THAT(launcher.output, HasSubstr("RECKON_LAUNCHER is aprun (need srun or mpirun)"));
}

TEST_F(Schedulers, PbsMakesAHostfileOfItsNodes) {
  stand_in("mpirun", kPrintArguments);
  testing::write_text(folder.path() / "nodes", "node9\nnode9\nnode10\nnode10\nnode9\n");
  const auto run = bash("PBS_NODEFILE=nodes PBS_O_WORKDIR=. RECIPE=r.toml RUN=run bash " +
                        source("pbs/train.pbs").string());
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(testing::read_text(folder.path() / "run/launch/hosts"), "node9 slots=3\nnode10 slots=2\n");
  EXPECT_THAT(run.output, HasSubstr("<mpirun><-n><5><--hostfile><run/launch/hosts><--map-by><slot>"));
  EXPECT_THAT(run.output, HasSubstr("/prefix/bin/reckon><train><r.toml><--out><run><--resume>"));
  const auto refused =
      bash("PBS_NODEFILE=nodes PBS_O_WORKDIR=. RECIPE=r.toml bash " + source("pbs/train.pbs").string());
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("RECIPE or RUN is not set"));
}

TEST_F(Schedulers, PbsStopsTheRunBeforeItsTimeIsOver) {
  stand_in("mpirun", "trap 'exit 75' USR1; for i in {1..300}; do sleep 0.1; done");
  testing::write_text(folder.path() / "nodes", "node9\n");
  const auto run = bash("WALLTIME_S=4 PBS_NODEFILE=nodes PBS_O_WORKDIR=. RECIPE=r.toml RUN=run bash " +
                        source("pbs/train.pbs").string());
  EXPECT_EQ(run.exit_code, 75) << run.output;
}

TEST_F(Schedulers, TheMpiJobHasWhatTheOperatorNeeds) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no oracles (scripts/test.sh makes them)";
  testing::write_text(folder.path() / "check.py", R"(
import sys, yaml
job = yaml.safe_load(open(sys.argv[1]))
assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
spec = job["spec"]
assert spec["runPolicy"]["cleanPodPolicy"] == "Running"
launcher, worker = (spec["mpiReplicaSpecs"][name] for name in ("Launcher", "Worker"))
pods = [part["template"]["spec"] for part in (launcher, worker)]
for pod in pods:
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["terminationGracePeriodSeconds"] >= 300
    container, = pod["containers"]
    assert {"name": "runs", "mountPath": "/runs"} in container["volumeMounts"]
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if v["name"] == "runs"]
    assert claims == ["runs"]
args = pods[0]["containers"][0]["args"]
assert all(isinstance(arg, str) for arg in args)
assert pods[0]["containers"][0]["command"][-1].endswith("/share/reckon/scripts/launch.sh")
assert int(args[args.index("-n") + 1]) == spec["slotsPerWorker"] * worker["replicas"]
assert args[args.index("--out") + 1].startswith("/runs/") and "--resume" in args
assert pods[1]["containers"][0]["command"][-1] == "/usr/sbin/sshd"
print("as it is needed")
)");
  const auto check = testing::run_command(python->string() + " " + (folder.path() / "check.py").string() +
                                          " " + source("kubernetes/mpijob.yaml").string());
  EXPECT_EQ(check.output, "as it is needed\n");
}

TEST_F(Schedulers, ShellcheckHasNothingToSay) {
  if (testing::run_command("shellcheck --version").exit_code != 0) GTEST_SKIP() << "no shellcheck";
  const fs::path docker = testing::source_dir() / "docker";
  const auto check = testing::run_command(
      "shellcheck " + source("launch.sh").string() + " " + source("slurm/train.sbatch").string() + " " +
      source("pbs/train.pbs").string() + " " + (docker / "install-runtime.sh").string());
  EXPECT_EQ(check.output, "");
}

}  // namespace
}  // namespace reckon
