// Disks that are full, folders that cannot be written or vanish: code 74, and what was whole stays whole.
#include <gmock/gmock.h>
#include <unistd.h>

#include "app/faulty_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::run_command;
using testing::sweep_size;

using FullDisk = testing::FaultyRun;

// The run takes some 750 KB: its recipe, metrics, chain, logs and checkpoints. With each budget the disk is
// full somewhere else.
TEST_F(FullDisk, WhereverItFillsUpTheRunEndsWith74AndGoesOn) {
  const std::size_t steps = sweep_size(6, 60);
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t bytes = i < 3 ? 2000 * i : 700'000 / steps * i;
    SCOPED_TRACE(bytes);
    fs::remove_all(train.out);
    const auto full = train.run("", testing::machine_faults("FAULT_DISK_BYTES=" + std::to_string(bytes) +
                                                            " FAULT_DISK_FOLDER=" + train.out.string()));
    EXPECT_EQ(full.exit_code, 74) << full.output;
    EXPECT_THAT(full.output, HasSubstr("error: " + train.out.string()));
    EXPECT_THAT(full.output, HasSubstr("No space left on device"));
    expect_resumes();
  }
}

TEST_F(FullDisk, OfOneRankEndsTheJobAndGoesOnWithAnother) {
  train.ranks = 2;
  const auto full =
      train.run("", testing::machine_faults("FAULT_DISK_BYTES=30000 FAULT_DISK_FOLDER=" + train.out.string() +
                                            "/rollouts/rl-1/rank-00001"));
  EXPECT_EQ(full.exit_code, 74) << full.output;
  EXPECT_THAT(full.output, HasSubstr("[rank 1/2 "));
  EXPECT_THAT(full.output, HasSubstr("rank-00001.000000.h5.part: cannot append"));
  train.ranks = 0;
  expect_resumes();
}

/// A file system of so many KB; the test is skipped where it cannot be made.
class SmallDisk : public testing::FaultyRun {
 protected:
  fs::path disk = folder.path() / "disk";
  bool is_mounted = false;

  void mount(const std::string& options) {
    fs::create_directories(disk);
    is_mounted = run_command("mount -t tmpfs -o " + options + " tmpfs " + disk.string()).exit_code == 0;
    if (!is_mounted) GTEST_SKIP() << "no right to mount";
    train.out = disk / "run";
  }
  void TearDown() override {
    if (!is_mounted) return;
    EXPECT_EQ(run_command("umount " + disk.string()).exit_code, 0);
  }
};

TEST_F(SmallDisk, ACheckpointThatDoesNotFitIsNotBegun) {
  mount("size=1400k");
  if (IsSkipped()) return;
  const auto full = train.run();
  EXPECT_EQ(full.exit_code, 74) << full.output;
  EXPECT_THAT(full.output, HasSubstr(": the file system has 1 MiB left (need 2 for the checkpoint). The "
                                     "checkpoints before it are whole"));
  EXPECT_THAT(leftovers(), ::testing::Each(HasSubstr(".h5.part")));
  ASSERT_EQ(run_command("mount -o remount,size=16m " + disk.string()).exit_code, 0);
  expect_resumes();
}

TEST_F(SmallDisk, OneWithoutRoomForTheRecipeOrTheMetrics) {
  mount("size=8k");
  if (IsSkipped()) return;
  auto full = train.run();
  EXPECT_EQ(full.exit_code, 74) << full.output;
  EXPECT_THAT(full.output, HasSubstr("recipe.toml.tmp: cannot write: No space left on device"));
  EXPECT_FALSE(fs::exists(train.out / "recipe.toml"));
  ASSERT_EQ(run_command("mount -o remount,size=16k " + disk.string()).exit_code, 0);
  full = train.run();
  EXPECT_EQ(full.exit_code, 74) << full.output;
  EXPECT_THAT(full.output, HasSubstr("No space left on device"));
  ASSERT_EQ(run_command("mount -o remount,size=16m " + disk.string()).exit_code, 0);
  EXPECT_THAT(expect_resumes(), HasSubstr("has no checkpoint yet: the run starts at step 0"));
}

TEST_F(SmallDisk, OneThatIsReadOnly) {
  mount("ro");
  if (IsSkipped()) return;
  const auto result = train.run();
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("error: " + train.out.string() + ": cannot make the folder: Read-only file system"));
}

TEST_F(SmallDisk, OneThatBecomesReadOnlyUnderARunThatIsResumed) {
  mount("size=16m");
  if (IsSkipped()) return;
  put_killed_run();
  ASSERT_EQ(run_command("mount -o remount,ro " + disk.string()).exit_code, 0);
  EXPECT_THAT(expect_refused(74), HasSubstr("lock: cannot be opened: Read-only file system"));
  ASSERT_EQ(run_command("mount -o remount,rw " + disk.string()).exit_code, 0);
  expect_resumes();
}

using WrongFolder = testing::FaultyRun;

TEST_F(WrongFolder, OutIsAFile) {
  testing::write_text(train.out, "mine");
  const auto result = train.run();
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr(train.out.string() + ": cannot make the folder: Not a directory"));
  EXPECT_EQ(testing::read_text(train.out), "mine");
}

TEST_F(WrongFolder, ThereIsNoRightToWrite) {
  const bool is_root = geteuid() == 0;
  const fs::path temporary = folder.path() / "tmp";  // for MPI
  fs::create_directory(temporary);
  fs::permissions(temporary, fs::perms(0777));
  fs::permissions(folder.path(), fs::perms(0555));
  const std::string user = "env TMPDIR=" + temporary.string() +
                           (is_root ? " setpriv --reuid=65534 --regid=65534 --clear-groups " : " ");
  if (run_command(user + testing::reckon_program() + " --version").exit_code != 0)
    GTEST_SKIP() << "another user cannot run the program";
  const auto result = run_command(user + testing::reckon_program() + " train " + train.recipe.string() +
                                  " --out " + train.out.string());
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr(train.out.string() + ": cannot make the folder: Permission denied"));
}

TEST_F(WrongFolder, ItIsRemovedUnderTheRunningProgram) {
  const auto result = shell(
      "$TRAIN & pid=$!\n"
      "for i in $(seq 1000); do [ -s $OUT/metrics.jsonl ] && break; sleep 0.01; done\n"
      "mv $OUT $OUT.away; wait $pid");
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr("error: " + train.out.string()));
  fs::remove_all(train.out);
  fs::rename(train.out.string() + ".away", train.out);
  expect_resumes();
}

TEST_F(WrongFolder, TheFileLatestIsAFolder) {
  put_killed_run();
  fs::remove(train.out / "checkpoints/latest");
  fs::create_directory(train.out / "checkpoints/latest");
  const auto result = train.run("--resume");
  EXPECT_EQ(result.exit_code, 74) << result.output;
  EXPECT_THAT(result.output, HasSubstr("checkpoints/latest: cannot rename"));
  fs::remove(train.out / "checkpoints/latest");
  expect_resumes();
}

}  // namespace
}  // namespace reckon
