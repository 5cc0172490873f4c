#include "reckon/record/rollout_log.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/base/sha256.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using testing::expect_same_batch;
using testing::expect_sample_steps;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::read_text;
using testing::sample_batch;
using testing::sample_hashes;
using testing::sample_info;
using testing::sample_terms;
using testing::TempDir;

void append_steps(RolloutLogWriter& log, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t step = first; step < first + count; ++step)
    log.append(sample_batch(step), sample_hashes(step));
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(RolloutLog, GivesBackThreeRaggedStepsFieldByField) {
  const TempDir temp;
  const fs::path folder = temp.path() / "rollouts" / "rl-1";
  RolloutLogWriter log(folder, sample_info(), sample_terms());
  append_steps(log, 0, 3);
  log.close();
  EXPECT_THAT(names_in(folder), ElementsAre("manifest-rank-00003.jsonl", "rank-00003.000000.h5"));
  expect_sample_steps(folder / "rank-00003.000000.h5", 0, 3);

  const RolloutLogReader reader(folder / "rank-00003.000000.h5");
  EXPECT_EQ(reader.segment(), 0U);
  EXPECT_EQ(reader.reward_term_names(), sample_terms());
  EXPECT_EQ(reader.info().run_id, "run-7");
  EXPECT_EQ(reader.info().stage, "rl-1");
  EXPECT_EQ(reader.info().rank, 3U);
  EXPECT_EQ(reader.info().world_size, 4U);
  EXPECT_EQ(reader.info().recipe_text, sample_info().recipe_text);
  EXPECT_EQ(reader.info().tokenizer_sha256, std::string(64, 'a'));
  EXPECT_EQ(reader.info().grader_version, "1");
  EXPECT_EQ(reader.info().fingerprint, std::string(64, 'b'));
  EXPECT_EQ(reader.info().created, "2026-01-02T03:04:05Z");
}

TEST(RolloutLog, KeepsTheBitsOfNumbersThatAreNotFinite) {
  const TempDir temp;
  RolloutBatch batch = sample_batch(0);
  Completion& completion = batch.groups[1].completions[2];
  completion.sampler_logprob[0] = -std::numeric_limits<float>::infinity();
  completion.reward = std::numeric_limits<float>::quiet_NaN();
  completion.advantage = -0.0F;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  log.append(batch, {});
  log.close();
  const RolloutStep step = RolloutLogReader(temp.path() / "rank-00003.000000.h5").read(0);
  expect_same_batch(step.batch, batch);
  EXPECT_EQ(step.hashes, StepHashes{});
}

TEST(RolloutLog, LiveFileShowsEachStepAsSoonAsItIsAppended) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  EXPECT_EQ(log.live_path(), temp.path() / "rank-00003.000000.h5.part");
  for (std::uint64_t steps = 0; steps < 4; ++steps) {
    expect_sample_steps(log.live_path(), 0, steps);
    append_steps(log, steps, 1);
  }
}

TEST(RolloutLog, DestructorLeavesThePartReadableAndClosesNothing) {
  const TempDir temp;
  {
    RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
    append_steps(log, 0, 2);
  }
  EXPECT_THAT(names_in(temp.path()), ElementsAre("rank-00003.000000.h5.part"));
  expect_sample_steps(temp.path() / "rank-00003.000000.h5.part", 0, 2);
}

TEST(RolloutLog, BeginsANewSegmentAfterTheGivenNumberOfSteps) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms(), {.segment_steps = 2});
  append_steps(log, 0, 5);
  log.close();
  log.close();
  EXPECT_THAT(rollout_segments(temp.path(), 3),
              ElementsAre(temp.path() / "rank-00003.000000.h5", temp.path() / "rank-00003.000001.h5",
                          temp.path() / "rank-00003.000002.h5"));
  expect_sample_steps(temp.path() / "rank-00003.000000.h5", 0, 2);
  expect_sample_steps(temp.path() / "rank-00003.000001.h5", 2, 2);
  expect_sample_steps(temp.path() / "rank-00003.000002.h5", 4, 1);
  EXPECT_EQ(RolloutLogReader(temp.path() / "rank-00003.000002.h5").segment(), 2U);
}

TEST(RolloutLog, BeginsANewSegmentAfterTheGivenNumberOfBytes) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms(), {.segment_bytes = 1});
  append_steps(log, 0, 2);
  EXPECT_EQ(log.live_path(), fs::path());
  EXPECT_THAT(names_in(temp.path()),
              ElementsAre("manifest-rank-00003.jsonl", "rank-00003.000000.h5", "rank-00003.000001.h5"));
}

TEST(RolloutLog, ManifestListsRowsBytesAndHashOfEachSegment) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms(), {.segment_steps = 4});
  append_steps(log, 0, 5);
  log.close();
  std::istringstream lines(read_text(temp.path() / "manifest-rank-00003.jsonl"));
  std::vector<nlohmann::json> entries;
  for (std::string line; std::getline(lines, line);) entries.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(entries.size(), 2U);
  std::uint64_t tokens = 0;
  for (std::uint64_t step = 0; step < 4; ++step) {
    for (const Group& group : sample_batch(step).groups) {
      for (const Completion& completion : group.completions) tokens += completion.token_ids.size();
    }
  }
  EXPECT_EQ(entries[0]["file"], "rank-00003.000000.h5");
  EXPECT_EQ(entries[0]["segment"], 0);
  EXPECT_EQ(entries[0]["steps"], 4);
  EXPECT_EQ(entries[0]["prompts"], 6);  // steps 0 and 3 share their two
  EXPECT_EQ(entries[0]["completions"], 24);
  EXPECT_EQ(entries[0]["tokens"], tokens);
  EXPECT_EQ(entries[1]["file"], "rank-00003.000001.h5");
  EXPECT_EQ(entries[1]["prompts"], 2);  // each segment holds the prompts that it refers to
  for (const auto& entry : entries) {
    const std::string bytes = read_text(temp.path() / entry["file"].get<std::string>());
    EXPECT_EQ(entry["bytes"], bytes.size());
    EXPECT_EQ(entry["sha256"], sha256_hex(bytes));
  }
}

TEST(RolloutLog, OneProblemPutInTwoWaysIsTwoPrompts) {
  const TempDir temp;
  RolloutBatch batch = sample_batch(0);
  batch.groups[1].prompt = batch.groups[0].prompt;
  batch.groups[1].prompt.text += " Answer at once.";
  for (Completion& completion : batch.groups[1].completions) completion.prompt_id = batch.groups[1].prompt.id;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  log.append(batch, {});
  log.close();
  expect_same_batch(RolloutLogReader(temp.path() / "rank-00003.000000.h5").read(0).batch, batch);
}

TEST(RolloutLog, SecondWriterGoesOnBehindTheSegmentsThatAreThere) {
  const TempDir temp;
  {
    RolloutLogWriter log(temp.path(), sample_info(), sample_terms(), {.segment_steps = 1});
    append_steps(log, 0, 1);
    append_steps(log, 1, 1);
  }
  { RolloutLogWriter died(temp.path(), sample_info(), sample_terms()); }
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  append_steps(log, 2, 1);
  log.close();
  EXPECT_THAT(rollout_segments(temp.path(), 3),
              ElementsAre(temp.path() / "rank-00003.000000.h5", temp.path() / "rank-00003.000001.h5",
                          temp.path() / "rank-00003.000002.h5.part", temp.path() / "rank-00003.000003.h5"));
  EXPECT_THAT(rollout_segments(temp.path(), 2), IsEmpty());
  expect_sample_steps(temp.path() / "rank-00003.000003.h5", 2, 1);
}

TEST(RolloutLog, KeepsAStepInWhichTheRankSampledNothing) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  log.append({.step = 5, .temperature = 1, .reward_term_names = sample_terms(), .groups = {}},
             sample_hashes(5));
  append_steps(log, 6, 1);
  log.close();
  const RolloutLogReader reader(temp.path() / "rank-00003.000000.h5");
  ASSERT_EQ(reader.num_steps(), 2U);
  EXPECT_EQ(reader.read(0).batch.step, 5U);
  EXPECT_THAT(reader.read(0).batch.groups, IsEmpty());
  expect_same_batch(reader.read(1).batch, sample_batch(6));
}

TEST(RolloutLog, RefusesABatchThatContradictsItselfAndAppendsNothing) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  const auto refusal = [&](const std::function<void(RolloutBatch&)>& spoil) {
    RolloutBatch batch = sample_batch(0);
    spoil(batch);
    return error_of(ExitCode::internal, [&] { log.append(batch, {}); });
  };
  EXPECT_EQ(refusal([](auto& b) { b.groups[1].completions.clear(); }),
            "rollout log: group 1: has no completions (need at least 1)");
  EXPECT_EQ(refusal([](auto& b) { b.groups[1].completions[1].group_id = 9; }),
            "rollout log: group 1: holds a completion of prompt 17293822569102704641, group 9 (need prompt "
            "17293822569102704641)");
  EXPECT_EQ(refusal([](auto& b) { b.groups[0].completions[0].sampler_logprob.push_back(0); }),
            "rollout log: group 0: 1 log-probs for 0 tokens (need one each)");
  EXPECT_EQ(refusal([](auto& b) { b.groups[0].completions[0].reward_terms.pop_back(); }),
            "rollout log: group 0: 1 reward terms (need 2)");
  EXPECT_EQ(refusal([](auto& b) {
              b.reward_term_names = {"accuracy", "format"};
            }),
            "rollout log: step 0: the batch has other reward terms than the log");
  EXPECT_EQ(refusal([](auto& b) {
              b.groups[1].group_id = 0;
              for (auto& completion : b.groups[1].completions) completion.group_id = 0;
            }),
            "rollout log: step 0: two groups with the number 0");
  EXPECT_EQ(error_of(ExitCode::internal,
                     [&] {
                       log.append(sample_batch(0), {"abc", "", ""});
                     }),
            "rollout log: a SHA-256 of 3 characters (need 64 hexadecimal digits, or none)");
  append_steps(log, 0, 1);
  expect_sample_steps(log.live_path(), 0, 1);
}

TEST(RolloutLog, RefusesARewardTermThatCannotNameAColumn) {
  const TempDir temp;
  EXPECT_EQ(error_of(ExitCode::internal, [&] { RolloutLogWriter(temp.path(), sample_info(), {"a/b"}); }),
            "rollout log: reward term \"a/b\" cannot name a column (need a name without '/', ',' and '.')");
}

TEST(RolloutLog, SaysWhichFolderCannotBeWritten) {
  const TempDir temp;
  testing::write_text(temp.path() / "file", "x");
  const fs::path below_file = temp.path() / "file" / "rl-1";
  EXPECT_THAT(error_of(ExitCode::io, [&] { RolloutLogWriter(below_file, sample_info(), sample_terms()); }),
              HasSubstr(below_file.string() + ": cannot make the folder: Not a directory"));
  // A folder in which not even root can make a file.
  EXPECT_THAT(
      error_of(ExitCode::io, [&] { RolloutLogWriter("/proc/self", sample_info(), sample_terms()); }),
      HasSubstr("/proc/self/rank-00003.000000.h5.part: cannot make the file: No such file or directory"));
}

double median_append_seconds(RolloutLogWriter& log, std::uint64_t first, std::uint64_t count) {
  std::vector<double> seconds;
  for (std::uint64_t step = first; step < first + count; ++step) {
    const RolloutBatch batch = sample_batch(step, 4, 8, 200);
    const auto start = std::chrono::steady_clock::now();
    log.append(batch, {});
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(count / 2), seconds.end());
  return seconds[count / 2];
}

TEST(RolloutLog, AppendCostsTheSameInALongFileAsInAShortOne) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  const double early = median_append_seconds(log, 0, 40);
  const auto early_bytes = fs::file_size(log.live_path());
  static_cast<void>(median_append_seconds(log, 40, 320));
  const auto before = fs::file_size(log.live_path());
  const double late = median_append_seconds(log, 360, 40);
  const auto late_bytes = fs::file_size(log.live_path()) - before;
  RecordProperty("early_microseconds", std::to_string(1e6 * early));
  RecordProperty("late_microseconds", std::to_string(1e6 * late));
  EXPECT_LT(late, 3 * early) << "seconds a step";  // 2 would be the machine's noise; linear cost would be 10
  EXPECT_LT(static_cast<double>(late_bytes), 1.5 * static_cast<double>(early_bytes)) << "bytes a step";
}

}  // namespace
}  // namespace reckon
