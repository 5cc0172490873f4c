#include "reckon/base/memory_use.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

namespace reckon {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 20;

/// Memory that is written, and so resident.
std::vector<char> filled() {
  std::vector<char> bytes(kBytes);
  std::memset(bytes.data(), 1, bytes.size());
  return bytes;
}

TEST(MemoryUse, SeesWhatThisProcessHolds) {
  const double before = memory_use().own_mb;
  EXPECT_GT(before, 1);
  {
    const std::vector<char> bytes = filled();
    EXPECT_NEAR(memory_use().own_mb - before, 64, 4) << static_cast<int>(bytes[1]);
    EXPECT_GE(peak_memory_mb() + 1, before + 60);
  }
  EXPECT_LT(memory_use().own_mb - before, 8);
}

// Small things that live keep what lies between them from going back by itself.
TEST(MemoryUse, WhatIsFreeBetweenThingsThatLiveGoesBack) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  std::vector<std::vector<char>> large, small;
  for (int i = 0; i < 1000; ++i) {
    large.emplace_back(64 << 10, 'x');
    small.emplace_back(64, 'x');
  }
  large.clear();
  const double before = memory_use().own_mb;
  release_free_memory();
  EXPECT_LT(memory_use().own_mb, before - 40);
  EXPECT_EQ(small.back()[63], 'x');
}

/// A child that holds kBytes and has a child of its own, which holds them too. Each writes a byte when it
/// does.
pid_t start_family(int ready) {
  const pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  const pid_t grandchild = fork();
  const std::vector<char> bytes = filled();
  if (write(ready, bytes.data(), 1) != 1) _exit(1);
  if (grandchild > 0) waitpid(grandchild, nullptr, 0);
  for (;;) pause();
}

// Started by another thread, as graders are.
TEST(MemoryUse, SeesProcessesOfEveryThreadAndTheirChildren) {
  EXPECT_EQ(memory_use().helpers_mb, 0);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = 0;
  std::thread([&] { child = start_family(ready[1]); }).join();
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const double helpers = memory_use().helpers_mb;
  kill(-child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_GT(helpers, 2 * 64);
  EXPECT_LT(helpers, 2 * 64 + 64);
  EXPECT_EQ(memory_use().helpers_mb, 0);
}

}  // namespace
}  // namespace reckon
