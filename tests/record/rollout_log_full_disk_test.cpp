#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "reckon/record/metrics.h"
#include "reckon/record/rollout_log.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using testing::error_of;
using testing::expect_same_batch;
using ::testing::HasSubstr;
using testing::sample_batch;
using testing::sample_info;
using testing::sample_terms;
using testing::TempDir;

/// A file system of 512 KiB in memory. Mounting it needs root: the tests skip elsewhere.
class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (mount("tmpfs", temp_.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
      GTEST_SKIP() << "cannot mount a small file system: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) static_cast<void>(umount2(temp_.path().c_str(), MNT_DETACH));
  }
  [[nodiscard]] fs::path folder() const { return temp_.path() / "rl-1"; }

  /// Leaves this many bytes free.
  void fill_up_to(std::uintmax_t free_bytes) const {
    const std::uintmax_t available = fs::space(temp_.path()).available;
    ASSERT_GT(available, free_bytes);
    std::ofstream(temp_.path() / "filler") << std::string(available - free_bytes, 'x');
  }

 private:
  TempDir temp_;
  bool mounted_ = false;
};

TEST_F(FullDisk, AppendSaysSoAndKeepsTheStepsBefore) {
  std::uint64_t appended = 0;
  {
    RolloutLogWriter log(folder(), sample_info(), sample_terms());
    const std::string message = error_of(ExitCode::io, [&] {
      for (;; ++appended) log.append(sample_batch(appended, 4, 8, 200), {});
    });
    EXPECT_THAT(message,
                HasSubstr((folder() / "rank-00003.000000.h5.part").string() + ": cannot append to "));
    EXPECT_THAT(message, HasSubstr("No space left on device"));
    EXPECT_EQ(error_of(ExitCode::io, [&] { log.append(sample_batch(appended), {}); }),
              folder().string() + ": the rollout log takes no more steps after a failed append");
    log.close();
  }
  ASSERT_GT(appended, 3U);
  EXPECT_FALSE(fs::exists(folder() / "rank-00003.000000.h5"));
  const RolloutLogReader reader(folder() / "rank-00003.000000.h5.part");
  ASSERT_EQ(reader.num_steps(), appended);
  for (std::uint64_t i = 0; i < appended; ++i)
    expect_same_batch(reader.read(i).batch, sample_batch(i, 4, 8, 200));
}

TEST_F(FullDisk, CloseSaysSoAndLeavesThePartAlone) {
  RolloutLogWriter log(folder(), sample_info(), sample_terms());
  for (std::uint64_t step = 0; step < 4; ++step) log.append(sample_batch(step, 4, 8, 200), {});
  fill_up_to(8192);
  const std::string message = error_of(ExitCode::io, [&] { log.close(); });
  EXPECT_THAT(message, HasSubstr((folder() / "rank-00003.000000.h5.tmp").string() + ": cannot "));
  EXPECT_FALSE(fs::exists(folder() / "rank-00003.000000.h5"));
  EXPECT_FALSE(fs::exists(folder() / "rank-00003.000000.h5.tmp"));
  EXPECT_EQ(RolloutLogReader(folder() / "rank-00003.000000.h5.part").num_steps(), 4U);
}

TEST_F(FullDisk, MetricsKeepOnlyWholeLines) {
  fs::create_directories(folder());
  MetricsStream metrics(folder() / "metrics.jsonl");
  MetricsRow row{.stage = "rl-1", .step = 1, .values = {}};
  metrics.write(row);
  fill_up_to(4096);
  row.add("text", std::string(20000, 'y'));
  EXPECT_THAT(error_of(ExitCode::io, [&] { metrics.write(row); }),
              HasSubstr((folder() / "metrics.jsonl").string() + ": cannot append a line of 20036 bytes: "));
  EXPECT_EQ(testing::read_text(folder() / "metrics.jsonl"), "{\"stage\":\"rl-1\",\"step\":1}\n");
}

}  // namespace
}  // namespace reckon
