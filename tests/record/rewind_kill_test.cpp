// A child process dies by SIGKILL in the middle of a rewinding; another does it again, and the log must be
// what an undisturbed rewinding leaves. The parent reaches no failpoint: it only reads.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "reckon/base/sha256.h"
#include "reckon/record/rewind.h"
#include "reckon/record/rollout_log.h"
#include "record/killed_child.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::ChildEnd;
using testing::expect_sample_steps;
using testing::read_text;
using testing::run_child;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;
using testing::TempDir;

constexpr std::uint64_t kLastStep = 3;

/// Segments of the steps 0 and 1, 2 to 4, 5 and 6, and a live one of 7 to 9. A rewinding to step 3 leaves the
/// first, replaces the second and removes the others.
void write_log(const fs::path& folder) {
  const auto append = [&](std::uint64_t first, std::uint64_t last, bool close) {
    RolloutLogWriter log(folder, sample_info(), sample_terms());
    for (std::uint64_t step = first; step <= last; ++step)
      log.append(sample_batch(step), sample_hashes(step));
    if (close) log.close();
  };
  append(0, 1, true);
  append(2, 4, true);
  append(5, 6, true);
  append(7, 9, false);
}

void expect_rewound(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("rank-00003.000000.h5", "rank-00003.000001.h5",
                                                     "manifest-rank-00003.jsonl"));
  expect_sample_steps(folder / "rank-00003.000000.h5", 0, 2);
  expect_sample_steps(folder / "rank-00003.000001.h5", 2, 2);
  std::istringstream manifest(read_text(folder / "manifest-rank-00003.jsonl"));
  std::string line;
  for (const char* name : {"rank-00003.000000.h5", "rank-00003.000001.h5"}) {
    ASSERT_TRUE(std::getline(manifest, line)) << name;
    const json listed = json::parse(line);
    EXPECT_EQ(listed["file"], name);
    EXPECT_EQ(listed["steps"], 2);
    EXPECT_EQ(listed["completions"], 12);
    EXPECT_EQ(listed["bytes"], fs::file_size(folder / name));
    EXPECT_EQ(listed["sha256"], sha256_of_file(folder / name));
  }
  EXPECT_FALSE(std::getline(manifest, line));
}

class KilledDuringRewind : public ::testing::TestWithParam<std::string> {};

TEST_P(KilledDuringRewind, DoneAgainItComesToTheSameEnd) {
  const TempDir temp;
  ASSERT_EQ(run_child("", [&] { write_log(temp.path()); }), ChildEnd::done);
  const auto rewind = [&] { rewind_rollout_log(temp.path(), kLastStep, 0, 1); };
  ASSERT_EQ(run_child(GetParam(), rewind), ChildEnd::killed);
  ASSERT_EQ(run_child("", rewind), ChildEnd::done);
  expect_rewound(temp.path());
}

TEST_P(KilledDuringRewind, KilledThereTwiceItStillComesToTheSameEnd) {
  const TempDir temp;
  ASSERT_EQ(run_child("", [&] { write_log(temp.path()); }), ChildEnd::done);
  const auto rewind = [&] { rewind_rollout_log(temp.path(), kLastStep, 0, 1); };
  ASSERT_EQ(run_child(GetParam(), rewind), ChildEnd::killed);
  const ChildEnd second = run_child(GetParam(), rewind);  // where less is left to do, it may not get there
  EXPECT_TRUE(second == ChildEnd::killed || second == ChildEnd::done);
  ASSERT_EQ(run_child("", rewind), ChildEnd::done);
  expect_rewound(temp.path());
}

// The manifest is written twice; three segments change.
INSTANTIATE_TEST_SUITE_P(AtEachMoment, KilledDuringRewind,
                         ::testing::Values("rollout_log.rewind", "rollout_log.rewind_copy",
                                           "rollout_log.rewind_replace", "rollout_log.rewind_segment:1",
                                           "rollout_log.rewind_segment:2", "rollout_log.rewind_segment:3",
                                           "rollout_log.rewind_manifest", "atomic_file.write:1",
                                           "atomic_file.write:2", "atomic_file.rename:1",
                                           "atomic_file.rename:2"));

/// Wherever the writer was when it died, rewinding leaves the steps that it had appended.
class WriterKilled : public ::testing::TestWithParam<std::string> {};

TEST_P(WriterKilled, RewindingClosesWhatItHadAppended) {
  for (const std::uint64_t fatal : {1, 2, 4}) {
    const TempDir temp;
    const auto write = [&] {
      RolloutLogWriter log(temp.path(), sample_info(), sample_terms(), {.segment_steps = 1});
      for (std::uint64_t step = 0; step < 5; ++step) log.append(sample_batch(step), sample_hashes(step));
      log.close();
    };
    ASSERT_EQ(run_child(GetParam() + ":" + std::to_string(fatal), write), ChildEnd::killed);
    const bool appended = GetParam() == "rollout_log.close" || GetParam() == "rollout_log.rename";
    const std::uint64_t num_steps = appended ? fatal : fatal - 1;
    ASSERT_EQ(run_child("", [&] { rewind_rollout_log(temp.path(), 9, 0, 1); }), ChildEnd::done);
    const auto segments = rollout_segments(temp.path(), 3);
    ASSERT_EQ(segments.size(), num_steps);
    for (std::uint64_t step = 0; step < num_steps; ++step) expect_sample_steps(segments[step], step, 1);
    const auto files = std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator());
    EXPECT_EQ(static_cast<std::uint64_t>(files), num_steps == 0 ? 0 : num_steps + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachMoment, WriterKilled,
                         ::testing::Values("rollout_log.open", "rollout_log.tokens", "rollout_log.offsets",
                                           "rollout_log.steps", "rollout_log.close", "rollout_log.rename"));

}  // namespace
}  // namespace reckon
