#include "reckon/base/memory_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;

/// A machine with 8,000 MiB available, and control groups in files of its own.
class MemoryLimitTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  fs::path root = folder.path();

  void SetUp() override {
    write("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\nMemAvailable:    8192000 kB\n");
  }
  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((root / file).parent_path());
    testing::write_text(root / file, text);
  }
  /// Limit and usage in MiB.
  void write_group2(const fs::path& group, const std::string& limit, int usage, int cache) {
    write(group / "memory.max", limit);
    write(group / "memory.current", std::to_string(std::int64_t{usage} << 20));
    write(group / "memory.stat", "anon 5\ninactive_file " + std::to_string(std::int64_t{cache} << 20) + "\n");
  }
};

TEST_F(MemoryLimitTest, IsWhatTheMachineHasWithoutControlGroups) {
  const MemoryLimit limit = memory_limit(root);
  EXPECT_EQ(limit.machine_mb, 8000);
  EXPECT_EQ(limit.source, "MemAvailable");
}

TEST_F(MemoryLimitTest, TakesTheLeastOfTheGroupsAbove) {
  write("proc/self/cgroup", "0::/job/step\n");
  write_group2("sys/fs/cgroup", "max", 9000, 0);
  write_group2("sys/fs/cgroup/job", std::to_string(1000 << 20), 300, 50);
  write_group2("sys/fs/cgroup/job/step", std::to_string(2000LL << 20), 300, 50);
  const MemoryLimit limit = memory_limit(root);
  EXPECT_EQ(limit.machine_mb, 1000 - 300 + 50);  // the cache of files counts as free
  EXPECT_EQ(limit.source, (root / "sys/fs/cgroup/job/memory.max").string());
}

// In a container the path is that of the machine outside, which is not there.
TEST_F(MemoryLimitTest, TakesTheTopWhereThePathIsNotThere) {
  write("proc/self/cgroup", "0::/docker/0123456789\n");
  write_group2("sys/fs/cgroup", std::to_string(500 << 20), 600, 0);
  EXPECT_EQ(memory_limit(root).machine_mb, 0) << "more is used than allowed";
}

TEST_F(MemoryLimitTest, ReadsVersionOneToo) {
  write("proc/self/cgroup", "12:cpu,cpuacct:/job\n7:memory:/job\n0::/\n");
  const fs::path group = "sys/fs/cgroup/memory/job";
  write(group / "memory.limit_in_bytes", std::to_string(700 << 20));
  write(group / "memory.usage_in_bytes", std::to_string(200 << 20));
  write(group / "memory.stat", "cache 1\ntotal_inactive_file " + std::to_string(100 << 20) + "\n");
  // What version 1 says where there is no limit.
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "0");
  EXPECT_EQ(memory_limit(root).machine_mb, 600);
}

TEST_F(MemoryLimitTest, SomeNonsenseIsNoLimit) {
  write("proc/self/cgroup", "\nnothing\n1:\n0::\n:memory:\n");
  write("proc/meminfo", "MemAvailable:\n");
  const MemoryLimit limit = memory_limit(root);
  EXPECT_TRUE(std::isinf(limit.machine_mb));
}

TEST(MemoryLimits, TellsTheAddressSpaceThatIsLeft) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer reserves more address space than any limit";
#endif
  EXPECT_TRUE(std::isinf(memory_limit().process_mb)) << "the test needs a shell without ulimit -v";
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = rlim_t{4} << 30, .rlim_max = RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    const double left = memory_limit().process_mb;
    _exit(left > 1000 && left < 4096 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// This machine: whatever it is, it has memory.
TEST(MemoryLimits, ThisMachineHasSome) {
  EXPECT_GT(memory_limit().machine_mb, 10);
}

}  // namespace
}  // namespace reckon
