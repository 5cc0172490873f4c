// Atomic files and failpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// The signal that ends a child which calls a failpoint `calls` times.
int death_of_child(const char* plan, int calls, const char* only_rank = nullptr) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("RECKON_FAIL_AT", plan, 1);
    if (only_rank != nullptr) setenv("RECKON_FAIL_RANK", only_rank, 1);
    for (int i = 0; i < calls; ++i) failpoint("here");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Failpoint, KillsAtTheNamedCall) {
  EXPECT_EQ(death_of_child("here:2", 1), 0);
  EXPECT_EQ(death_of_child("here:2", 2), SIGKILL);
  EXPECT_EQ(death_of_child("other:1,here", 1), SIGKILL);
  EXPECT_EQ(death_of_child("there:1", 5), 0);
  EXPECT_EQ(death_of_child("here", 1, "3"), 0);  // another rank's
}

TEST(Failpoint, DuringAWriteLeavesTheOldFileOrTheNew) {
  for (const auto& [point, expected] :
       {std::pair{"atomic_file.write", "old"}, {"atomic_file.rename", "old"}}) {
    const TempDir folder;
    const fs::path file = folder.path() / "a";
    write_file_atomic(file, "old");
    const pid_t child = fork();
    if (child == 0) {
      setenv("RECKON_FAIL_AT", point, 1);
      // The plan is read once a process; this parent has none, so the child re-reads it only if it was never
      // read.
      write_file_atomic(file, "new");
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(read_file(file), WIFSIGNALED(status) ? expected : "new");
  }
}

}  // namespace
}  // namespace reckon
