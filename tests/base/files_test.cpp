// Atomic files and failpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

TEST(AtomicFile, ReplacesAWholeFileAndLeavesNoOther) {
  const TempDir folder;
  const fs::path file = folder.path() / "a.json";
  write_file_atomic(file, "one");
  write_file_atomic(file, [](const ByteSink& sink) {
    sink("tw");
    sink("o");
  });
  EXPECT_EQ(read_file(file), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(AtomicFile, AFailedWriteKeepsTheOldFile) {
  const TempDir folder;
  const fs::path file = folder.path() / "a.json";
  write_file_atomic(file, "old");
  EXPECT_THROW(write_file_atomic(file,
                                 [](const ByteSink& sink) {
                                   sink("new");
                                   throw Error(ExitCode::io, "stop");
                                 }),
               Error);
  EXPECT_EQ(read_file(file), "old");
  EXPECT_FALSE(fs::exists(file.string() + ".tmp"));
}

TEST(AtomicFile, NamesTheFileThatCannotBeReadOrWritten) {
  const TempDir folder;
  try {
    write_file_atomic(folder.path() / "none" / "a", "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::io);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("a.tmp: cannot write: No such file or directory"));
  }
  EXPECT_THROW((void)read_file(folder.path() / "none"), Error);
  EXPECT_THROW((void)read_file(folder.path()), Error);
  testing::write_text(folder.path() / "long", "12345");
  EXPECT_THROW((void)read_file(folder.path() / "long", 4), Error);
}

/// The tests below run this one in a process of its own, with a plan: that is read once a process.
TEST(FailpointChild, WithoutAPlanNothingHappens) {
  const TempDir folder;
  const char* given = std::getenv("CHILD_FILE");
  const fs::path file = given != nullptr ? fs::path(given) : folder.path() / "a";
  write_file_atomic(file, "new");
  EXPECT_EQ(read_file(file), "new");
  const char* calls = std::getenv("CHILD_CALLS");
  for (int i = 0; i < (calls != nullptr ? std::atoi(calls) : 1); ++i) failpoint("here");
}

/// Exit code of that process under these variables; 128 + 9 where it was killed.
int child(const std::string& variables) {
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  return testing::run_command("env -u GTEST_OUTPUT " + variables + " " + program +
                              " --gtest_filter=FailpointChild.*")
      .exit_code;
}

TEST(Failpoint, KillsAtTheNamedCall) {
  EXPECT_EQ(child("RECKON_FAIL_AT=here:2 CHILD_CALLS=1"), 0);
  EXPECT_EQ(child("RECKON_FAIL_AT=here:2 CHILD_CALLS=2"), 137);
  EXPECT_EQ(child("RECKON_FAIL_AT=other:1,here CHILD_CALLS=1"), 137);
  EXPECT_EQ(child("RECKON_FAIL_AT=there:1 CHILD_CALLS=5"), 0);
  EXPECT_EQ(child("RECKON_FAIL_AT=here RECKON_FAIL_RANK=3 CHILD_CALLS=1"), 0);  // another rank's
}

TEST(Failpoint, DuringAWriteLeavesTheOldFileWhole) {
  for (const char* point : {"atomic_file.write", "atomic_file.rename"}) {
    const TempDir folder;
    const fs::path file = folder.path() / "a";
    write_file_atomic(file, "old");
    EXPECT_EQ(child(std::string("RECKON_FAIL_AT=") + point + " CHILD_FILE=" + file.string()), 137);
    EXPECT_EQ(read_file(file), "old");
    EXPECT_EQ(child("CHILD_FILE=" + file.string()), 0);
    EXPECT_EQ(read_file(file), "new");
  }
}

}  // namespace
}  // namespace reckon
