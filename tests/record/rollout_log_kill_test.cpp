// Each test lets a child process die by SIGKILL in the middle of an append or of a closing, and reads what is
// left.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "reckon/record/rollout_log.h"
#include "record/killed_child.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using testing::ChildEnd;
using testing::expect_sample_steps;
using testing::run_child;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;
using testing::start_child;
using testing::TempDir;

/// Appends steps 0 .. num_steps - 1 and closes, in a child that has the failpoint.
ChildEnd end_of_writer(const fs::path& folder, const std::string& fail_at, std::uint64_t num_steps,
                       RolloutLogLimits limits = {}) {
  return run_child(fail_at, [&] {
    RolloutLogWriter log(folder, sample_info(), sample_terms(), limits);
    for (std::uint64_t step = 0; step < num_steps; ++step)
      log.append(sample_batch(step), sample_hashes(step));
    log.close();
  });
}

class KilledDuringAppend : public ::testing::TestWithParam<std::string> {};

TEST_P(KilledDuringAppend, EveryStepBeforeIsReadableAndNothingElse) {
  for (std::uint64_t fatal = 1; fatal <= 5; ++fatal) {
    const TempDir temp;
    ASSERT_EQ(end_of_writer(temp.path(), GetParam() + ":" + std::to_string(fatal), 6), ChildEnd::killed);
    const auto segments = rollout_segments(temp.path(), 3);
    ASSERT_EQ(segments, std::vector{temp.path() / "rank-00003.000000.h5.part"});
    expect_sample_steps(segments[0], 0, fatal - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachMoment, KilledDuringAppend,
                         ::testing::Values("rollout_log.tokens", "rollout_log.offsets", "rollout_log.steps"));

class KilledDuringClose : public ::testing::TestWithParam<std::string> {};

TEST_P(KilledDuringClose, PartHoldsAllStepsAndNoFileHasTheFinalName) {
  const TempDir temp;
  ASSERT_EQ(end_of_writer(temp.path(), GetParam(), 4), ChildEnd::killed);
  EXPECT_FALSE(fs::exists(temp.path() / "rank-00003.000000.h5"));
  EXPECT_FALSE(fs::exists(temp.path() / "manifest-rank-00003.jsonl"));
  expect_sample_steps(temp.path() / "rank-00003.000000.h5.part", 0, 4);
}

TEST_P(KilledDuringClose, RotationLeavesTheSegmentsBeforeAlone) {
  const TempDir temp;
  ASSERT_EQ(end_of_writer(temp.path(), GetParam() + ":2", 6, {.segment_steps = 2}), ChildEnd::killed);
  const auto segments = rollout_segments(temp.path(), 3);
  ASSERT_EQ(segments,
            (std::vector{temp.path() / "rank-00003.000000.h5", temp.path() / "rank-00003.000001.h5.part"}));
  expect_sample_steps(segments[0], 0, 2);
  expect_sample_steps(segments[1], 2, 2);
}

INSTANTIATE_TEST_SUITE_P(AtEachMoment, KilledDuringClose,
                         ::testing::Values("rollout_log.close", "rollout_log.rename"));

TEST(KilledAtAnyTime, EveryStepThatWasReportedIsReadable) {
  for (int round = 0; round < 10; ++round) {
    const TempDir temp;
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = start_child("", [&] {
      RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
      for (std::uint64_t step = 0;; ++step) {
        log.append(sample_batch(step), sample_hashes(step));
        if (write(pipe_ends[1], "x", 1) != 1) return;
      }
    });
    close(pipe_ends[1]);
    char byte = 0;
    std::uint64_t reported = 0;
    while (reported < 20U && read(pipe_ends[0], &byte, 1) == 1) ++reported;
    usleep(static_cast<useconds_t>(700 * round));  // so that the kill falls at another place each time
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &byte, 1) == 1) ++reported;
    close(pipe_ends[0]);
    waitpid(child, nullptr, 0);
    const fs::path part = temp.path() / "rank-00003.000000.h5.part";
    const std::uint64_t steps = RolloutLogReader(part).num_steps();
    EXPECT_GE(steps, reported);
    EXPECT_LE(steps, reported + 1);
    expect_sample_steps(part, 0, steps);
  }
}

}  // namespace
}  // namespace reckon
