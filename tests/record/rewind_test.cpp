#include "reckon/record/rewind.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "reckon/base/sha256.h"
#include "reckon/record/line_file.h"
#include "reckon/record/rollout_log.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using testing::error_of;
using testing::expect_sample_steps;
using ::testing::HasSubstr;
using testing::read_text;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;
using ::testing::StartsWith;
using testing::TempDir;
using testing::write_text;

constexpr std::uint64_t kAll = 1;  // one share: every rank

/// Appends the sample batches of steps first .. last in segments of two steps.
void write_steps(const fs::path& folder, std::uint64_t first, std::uint64_t last, bool close = true,
                 std::uint64_t rank = 3) {
  RolloutLogInfo info = sample_info();
  info.rank = rank;
  RolloutLogWriter log(folder, info, sample_terms(), {.segment_steps = 2});
  for (std::uint64_t step = first; step <= last; ++step) log.append(sample_batch(step), sample_hashes(step));
  if (close) log.close();
}

/// Contents of all files, by name.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_text(entry.path());
  }
  return files;
}

std::vector<json> manifest_lines(const fs::path& folder) {
  std::vector<json> lines;
  std::istringstream text(read_text(folder / "manifest-rank-00003.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

/// The folder holds steps 0 .. last and nothing else, as a run that ended there would have left it: its
/// segments and counts are those of a log that was written until there.
void expect_log_until(const fs::path& folder, std::uint64_t last) {
  SCOPED_TRACE("until step " + std::to_string(last));
  const TempDir other;
  write_steps(other.path(), 0, last);
  std::vector<std::string> names, expected_names;
  for (const auto& [name, text] : contents(folder)) names.push_back(name);
  for (const auto& [name, text] : contents(other.path())) expected_names.push_back(name);
  ASSERT_EQ(names, expected_names);
  const auto segments = rollout_segments(folder, 3);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    expect_sample_steps(segments[i], 2 * i, std::min<std::uint64_t>(2, last + 1 - 2 * i));
    EXPECT_EQ(RolloutLogReader(segments[i]).info().created, sample_info().created);
    EXPECT_EQ(RolloutLogReader(segments[i]).segment(), i);
  }
  const auto lines = manifest_lines(folder);
  const auto expected = manifest_lines(other.path());
  ASSERT_EQ(lines.size(), segments.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const char* key : {"file", "segment", "steps", "prompts", "completions", "tokens"}) {
      EXPECT_EQ(lines[i][key], expected[i][key]) << key;
    }
    const fs::path file = folder / lines[i]["file"].get<std::string>();
    EXPECT_EQ(lines[i]["bytes"], fs::file_size(file));
    EXPECT_EQ(lines[i]["sha256"], sha256_of_file(file));
  }
}

TEST(RewindRolloutLog, LeavesWhatALogThatEndedThereWouldHave) {
  for (const bool closed : {true, false}) {
    for (std::uint64_t written = 0; written <= 5; ++written) {
      for (std::uint64_t last = 0; last <= 6; ++last) {
        const TempDir temp;
        write_steps(temp.path(), 0, written, closed);
        rewind_rollout_log(temp.path(), last, 0, kAll);
        expect_log_until(temp.path(), std::min(written, last));
      }
    }
  }
}

TEST(RewindRolloutLog, AWriterGoesOnBehindIt) {
  const TempDir temp;
  write_steps(temp.path(), 0, 4, false);
  rewind_rollout_log(temp.path(), 2, 0, kAll);
  write_steps(temp.path(), 3, 5);
  const auto segments = rollout_segments(temp.path(), 3);
  ASSERT_EQ(segments.size(), 4U);
  expect_sample_steps(segments[0], 0, 2);
  expect_sample_steps(segments[1], 2, 1);
  expect_sample_steps(segments[2], 3, 2);
  expect_sample_steps(segments[3], 5, 1);
  EXPECT_EQ(manifest_lines(temp.path()).size(), 4U);
}

TEST(RewindRolloutLog, KeepsTheBytesOfWhatIsBefore) {
  const TempDir temp;
  write_steps(temp.path(), 0, 6);
  const auto before = contents(temp.path());
  rewind_rollout_log(temp.path(), 4, 0, kAll);
  const auto after = contents(temp.path());
  for (const char* name : {"rank-00003.000000.h5", "rank-00003.000001.h5"}) {
    EXPECT_EQ(after.at(name), before.at(name)) << name;
  }
  EXPECT_NE(after.at("rank-00003.000002.h5"), before.at("rank-00003.000002.h5"));
  rewind_rollout_log(temp.path(), 4, 0, kAll);
  EXPECT_EQ(contents(temp.path()), after);  // there is nothing left to do
}

TEST(RewindRolloutLog, DropsAllWhereEveryStepIsLater) {
  const TempDir temp;
  write_steps(temp.path(), 5, 9, false);
  write_text(temp.path() / "notes.txt", "mine");
  rewind_rollout_log(temp.path(), 4, 0, kAll);
  EXPECT_EQ(contents(temp.path()), (std::map<std::string, std::string>{{"notes.txt", "mine"}}));
}

TEST(RewindRolloutLog, RemovesLeftoversAndAPartBesideItsClosedFile) {
  const TempDir temp;
  write_steps(temp.path(), 0, 0, false);
  const std::string part = read_text(temp.path() / "rank-00003.000000.h5.part");
  rewind_rollout_log(temp.path(), 9, 0, kAll);
  write_text(temp.path() / "rank-00003.000000.h5.part", part);
  write_text(temp.path() / "rank-00003.000001.h5.tmp", "half");
  write_text(temp.path() / "manifest-rank-00003.jsonl.tmp", "half");
  rewind_rollout_log(temp.path(), 9, 0, kAll);
  expect_log_until(temp.path(), 0);
}

TEST(RewindRolloutLog, ListsAClosedFileThatTheManifestLacks) {
  const TempDir temp;
  write_steps(temp.path(), 0, 3);
  const fs::path manifest = temp.path() / "manifest-rank-00003.jsonl";
  const std::string whole = read_text(manifest);
  fs::remove(manifest);
  rewind_rollout_log(temp.path(), 3, 0, kAll);
  EXPECT_EQ(read_text(manifest), whole);
}

TEST(RewindRolloutLog, TakesALastLineThatWasCutOff) {
  const TempDir temp;
  write_steps(temp.path(), 0, 3);
  const fs::path manifest = temp.path() / "manifest-rank-00003.jsonl";
  const std::string whole = read_text(manifest);
  const std::size_t second = whole.find('\n') + 1;
  for (const std::size_t size : {second + 1, second + 40, whole.size() - 1}) {
    write_text(manifest, whole.substr(0, size));
    rewind_rollout_log(temp.path(), 3, 0, kAll);
    EXPECT_EQ(read_text(manifest), whole);
  }
}

TEST(RewindRolloutLog, TouchesOnlyTheRanksOfItsShare) {
  const TempDir temp;
  for (std::uint64_t rank = 0; rank < 5; ++rank) write_steps(temp.path(), 0, 1, false, rank);
  rewind_rollout_log(temp.path(), 0, 1, 3);
  for (std::uint64_t rank = 0; rank < 5; ++rank) {
    const auto segments = rollout_segments(temp.path(), rank);
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(RolloutLogReader(segments[0]).num_steps(), rank % 3 == 1 ? 1U : 2U) << rank;
  }
  rewind_rollout_log(temp.path(), 0, 0, 3);
  rewind_rollout_log(temp.path(), 0, 2, 3);
  for (std::uint64_t rank = 0; rank < 5; ++rank) {
    EXPECT_EQ(RolloutLogReader(rollout_segments(temp.path(), rank)[0]).info().rank, rank);
    EXPECT_EQ(RolloutLogReader(rollout_segments(temp.path(), rank)[0]).num_steps(), 1U);
  }
}

TEST(RewindRolloutLog, ThereMayBeNoFolder) {
  EXPECT_NO_THROW(rewind_rollout_log("nowhere/rl-1", 3, 0, kAll));
}

TEST(RewindRolloutLog, RefusesAShareThatIsNone) {
  EXPECT_EQ(error_of(ExitCode::internal, [] { rewind_rollout_log("nowhere", 3, 2, 2); }),
            "rewind_rollout_log: share 2 of 2 (need a share below their number)");
}

/// What a rewinding to step 2 says of a log of steps 0 to 3 that `damage` has changed; it changes nothing.
std::string message_after(const std::function<void(const fs::path&)>& damage) {
  const TempDir temp;
  write_steps(temp.path(), 0, 3);
  damage(temp.path());
  const auto before = contents(temp.path());
  const std::string message =
      error_of(ExitCode::bad_data, [&] { rewind_rollout_log(temp.path(), 2, 0, kAll); });
  EXPECT_EQ(contents(temp.path()), before);
  const std::string folder = temp.path().string() + "/";
  EXPECT_THAT(message, StartsWith(folder));
  return message.substr(std::min(folder.size(), message.size()));
}

TEST(RewindRolloutLog, NoFlippedBitInTheTokensGetsIntoTheCopy) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  for (std::uint64_t step = 0; step < 3; ++step) log.append(sample_batch(step, 2, 3, 4000), {});
  log.close();
  const fs::path file = temp.path() / "rank-00003.000000.h5";
  const std::string good = read_text(file);
  std::string bad = good;
  bad[good.size() / 2] ^= 4;  // tokens are nearly all of the file
  write_text(file, bad);
  EXPECT_THAT(error_of(ExitCode::bad_data, [&] { rewind_rollout_log(temp.path(), 1, 0, kAll); }),
              StartsWith(file.string() + ": cannot read tokens/"));
  EXPECT_EQ(read_text(file), bad);
  EXPECT_FALSE(fs::exists(file.string() + ".tmp"));
}

TEST(RewindRolloutLog, APartThatCannotBeReadGoesWhereNothingOfItIsNeeded) {
  const TempDir temp;
  const fs::path part = temp.path() / "rank-00003.000002.h5.part";
  write_steps(temp.path(), 0, 3);
  write_text(part, "garbage");
  EXPECT_THAT(error_of(ExitCode::bad_data, [&] { rewind_rollout_log(temp.path(), 4, 0, kAll); }),
              StartsWith(part.string() + ": cannot open as HDF5: "));  // step 4 may be in it
  EXPECT_EQ(read_text(part), "garbage");
  rewind_rollout_log(temp.path(), 3, 0, kAll);
  expect_log_until(temp.path(), 3);
  write_text(part, "garbage");
  rewind_rollout_log(temp.path(), 1, 0, kAll);
  expect_log_until(temp.path(), 1);
}

TEST(RewindRolloutLog, APartThatCannotBeReadGoesWhereNothingIsToStay) {
  const TempDir temp;
  write_text(temp.path() / "rank-00003.000000.h5.part", "garbage");
  EXPECT_THAT(error_of(ExitCode::bad_data, [&] { rewind_rollout_log(temp.path(), 1, 0, kAll); }),
              HasSubstr("rank-00003.000000.h5.part: cannot open as HDF5: "));
  rewind_rollout_log(temp.path(), 0, 0, kAll);
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(RewindRolloutLog, SaysWhichClosedFileIsNoLog) {
  EXPECT_THAT(
      message_after([](const fs::path& folder) { write_text(folder / "rank-00003.000002.h5", "garbage"); }),
      StartsWith("rank-00003.000002.h5: cannot open as HDF5: "));
}

TEST(RewindRolloutLog, SaysWhichListedFileIsNotThere) {
  EXPECT_EQ(message_after([](const fs::path& folder) { fs::remove(folder / "rank-00003.000001.h5"); }),
            "rank-00003.000001.h5: is not there, but the manifest lists it");
}

TEST(RewindRolloutLog, SaysWhichListedFileHasAnotherSize) {
  std::string bytes;
  const std::string message = message_after([&](const fs::path& folder) {
    const std::string text = read_text(folder / "rank-00003.000000.h5");
    bytes = std::to_string(text.size());
    write_text(folder / "rank-00003.000000.h5", text + "x");
  });
  EXPECT_THAT(message, AllOf(StartsWith("rank-00003.000000.h5: has "),
                             HasSubstr("(need " + bytes + ", as the manifest says)")));
}

TEST(RewindRolloutLog, SaysWhichLineOfTheManifestIsNone) {
  EXPECT_THAT(message_after([](const fs::path& folder) {
                const fs::path manifest = folder / "manifest-rank-00003.jsonl";
                std::string text = read_text(manifest);
                text[text.find('\n') + 1] = '[';
                write_text(manifest, text);
              }),
              StartsWith("manifest-rank-00003.jsonl:2: is no line of a manifest"));
}

TEST(RewindRolloutLog, RefusesStepsThatDoNotAscend) {
  EXPECT_EQ(message_after([](const fs::path& folder) {
              RolloutLogWriter log(folder, sample_info(), sample_terms());
              for (const std::uint64_t step : {4, 5, 5}) log.append(sample_batch(step), {});
              log.close();
            }),
            "rank-00003.000002.h5: steps/step: row 2 is 5 after 5 (need ascending steps)");
}

TEST(RewindLines, CutsBackToTheEndOfALine) {
  const TempDir temp;
  const fs::path file = temp.path() / "metrics.jsonl";
  write_text(file, "one\ntwo\nthr");
  rewind_lines(file, 8);
  EXPECT_EQ(read_text(file), "one\ntwo\n");
  rewind_lines(file, 8);
  EXPECT_EQ(read_text(file), "one\ntwo\n");
  LineFile(file).append("three");
  EXPECT_EQ(read_text(file), "one\ntwo\nthree\n");
  rewind_lines(file, 0);
  EXPECT_EQ(read_text(file), "");
}

TEST(RewindLines, RefusesAFileThatIsShorterOrHasNoLineThere) {
  const TempDir temp;
  const fs::path file = temp.path() / "metrics.jsonl";
  write_text(file, "one\ntwo\n");
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { rewind_lines(file, 9); }),
            file.string() + ": has 8 bytes (need at least 9). Was it cut short or replaced?");
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { rewind_lines(file, 3); }),
            file.string() + ": byte 3 does not end a line (need a line feed there). Was it changed?");
  EXPECT_EQ(read_text(file), "one\ntwo\n");
  rewind_lines(temp.path() / "none", 0);
  EXPECT_FALSE(fs::exists(temp.path() / "none"));
  EXPECT_EQ(
      error_of(ExitCode::bad_data, [&] { rewind_lines(temp.path() / "none", 1); }),
      (temp.path() / "none").string() + ": has 0 bytes (need at least 1). Was it cut short or replaced?");
  EXPECT_THAT(error_of(ExitCode::io, [&] { rewind_lines(temp.path(), 1); }),
              StartsWith(temp.path().string() + ": cannot open: "));
}

}  // namespace
}  // namespace reckon
