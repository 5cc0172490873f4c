#include "reckon/record/stage_log.h"

#include <gmock/gmock.h>

#include "reckon/record/batch_hash.h"
#include "reckon/record/rewind.h"
#include "record/sample_batches.h"
#include "support/paths.h"

namespace reckon {
namespace {
namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using testing::expect_same_batch;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::read_text;
using testing::sample_batch;
using testing::sample_info;
using testing::sample_terms;
using ::testing::StartsWith;
using testing::TempDir;
using testing::write_text;

constexpr std::uint64_t kNumGroups = 6;  // of a step
constexpr std::uint64_t kNumRanks = 3;

std::string digest_of(std::uint64_t version) {
  return std::string(64, static_cast<char>('a' + version));
}

/// A rank's groups of a step of which the ranks have two groups each.
RolloutBatch share_of_rank(std::uint64_t step, std::uint64_t rank) {
  RolloutBatch batch = sample_batch(step, kNumGroups);
  const auto first = batch.groups.begin() + static_cast<std::ptrdiff_t>(2 * rank);
  batch.groups = std::vector<Group>(first, first + 2);
  return batch;
}

/// Changes what a rank is about to log of a step: the batch, and then hashes that are right for another.
using Change = std::function<void(RolloutBatch& batch, StepHashes& hashes, std::uint64_t rank)>;

/// Logs steps 1 to 4 of three ranks in segments of two steps, with right hashes of what is left of each batch
/// by `change`, which may make the hashes wrong.
void write_stage(const fs::path& folder, const Change& change = {}, bool close = true) {
  for (std::uint64_t rank = 0; rank < kNumRanks; ++rank) {
    RolloutLogInfo info = sample_info();
    info.rank = rank;
    info.world_size = kNumRanks;
    RolloutLogWriter log(folder, info, sample_terms(), {.segment_steps = 3});
    for (std::uint64_t step = 1; step <= 4; ++step) {
      RolloutBatch batch = share_of_rank(step, rank);
      StepHashes hashes{"", digest_of(step - 1), digest_of(step)};
      if (change) change(batch, hashes, rank);
      if (hashes.batch_sha256.empty()) hashes.batch_sha256 = batch_sha256(batch);
      log.append(batch, hashes);
    }
    if (close) log.close();
  }
}

/// A folder whose log was changed at one place, where reading and looking for problems are tried.
class ChangedStage {
 public:
  explicit ChangedStage(const Change& change) { write_stage(temp_.path(), change); }

  /// The problems of a step, without the folder in front.
  [[nodiscard]] std::vector<std::string> problems(std::uint64_t step) const {
    std::vector<std::string> lines = StageLog(temp_.path()).problems(step);
    for (std::string& line : lines) line = shortened(line);
    return lines;
  }
  [[nodiscard]] std::string error(std::uint64_t step) const {
    const StageLog log(temp_.path());
    return shortened(error_of(ExitCode::bad_data, [&] { static_cast<void>(log.read(step)); }));
  }
  [[nodiscard]] StageStep read(std::uint64_t step) const { return StageLog(temp_.path()).read(step); }

 private:
  [[nodiscard]] std::string shortened(std::string line) const {
    const std::string folder = temp_.path().string();
    EXPECT_THAT(line, HasSubstr(folder));
    const std::size_t at = line.find(folder);
    return line.erase(at, folder.size() + (line[at + folder.size()] == '/' ? 1 : 0));
  }

  TempDir temp_;
};

TEST(StageLog, MergesTheStepsOfAllRanksAndSegments) {
  const TempDir temp;
  write_stage(temp.path());
  const StageLog log(temp.path());
  EXPECT_THAT(log.steps(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(log.info().run_id, "run-7");
  EXPECT_EQ(log.info().recipe_text, sample_info().recipe_text);
  for (const std::uint64_t number : {4, 1, 3, 2}) {
    const StageStep step = log.read(number);
    expect_same_batch({step.step, step.temperature, step.reward_term_names, step.groups},
                      sample_batch(number, kNumGroups));
    EXPECT_THAT(step.file_of_group, ElementsAre(0, 0, 1, 1, 2, 2));
    ASSERT_EQ(step.files.size(), kNumRanks);
    for (std::uint64_t rank = 0; rank < kNumRanks; ++rank) {
      const std::string segment = number <= 3 ? ".000000.h5" : ".000001.h5";
      EXPECT_EQ(step.files[rank].path.filename(), "rank-0000" + std::to_string(rank) + segment);
      EXPECT_EQ(step.files[rank].hashes, (StepHashes{batch_sha256(share_of_rank(number, rank)),
                                                     digest_of(number - 1), digest_of(number)}));
    }
    EXPECT_THAT(log.problems(number), IsEmpty());
  }
}

TEST(StageLog, SortsTheGroupsOfRanksThatTookThemInTurn) {
  const TempDir temp;
  for (std::uint64_t rank = 0; rank < 2; ++rank) {
    RolloutLogInfo info = sample_info();
    info.rank = rank;
    RolloutLogWriter log(temp.path(), info, sample_terms());
    RolloutBatch batch = sample_batch(7, kNumGroups);
    std::erase_if(batch.groups, [&](const Group& group) { return group.group_id % 2 != rank; });
    log.append(batch, {batch_sha256(batch), "", ""});
  }
  const StageLog log(temp.path());
  const StageStep step = log.read(7);
  expect_same_batch({step.step, step.temperature, step.reward_term_names, step.groups},
                    sample_batch(7, kNumGroups));
  EXPECT_THAT(step.file_of_group, ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_THAT(log.problems(7), IsEmpty());
}

TEST(StageLog, ReadsLiveSegmentsOrSkipsThem) {
  const TempDir temp;
  write_stage(temp.path(), {}, false);
  EXPECT_THAT(StageLog(temp.path()).steps(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(StageLog(temp.path()).problems(4), IsEmpty());
  const StageLog closed(temp.path(), StageLog::LiveSegments::skip);
  EXPECT_THAT(closed.steps(), ElementsAre(1, 2, 3));
  EXPECT_THAT(error_of(ExitCode::internal, [&] { static_cast<void>(closed.read(4)); }),
              HasSubstr(": has no step 4"));
}

TEST(StageLog, ReadsOnWithAnotherNumberOfRanksAfterARewinding) {
  const TempDir temp;
  write_stage(temp.path());
  rewind_rollout_log(temp.path(), 2, 0, 1);
  RolloutLogInfo info = sample_info();
  info.rank = 0;
  RolloutLogWriter log(temp.path(), info, sample_terms());
  for (std::uint64_t step = 3; step <= 4; ++step) {
    const RolloutBatch batch = sample_batch(step, kNumGroups);
    log.append(batch, {batch_sha256(batch), digest_of(step - 1), digest_of(step)});
  }
  log.close();
  const StageLog stage(temp.path());
  EXPECT_THAT(stage.steps(), ElementsAre(1, 2, 3, 4));
  for (const std::uint64_t number : stage.steps()) {
    EXPECT_THAT(stage.problems(number), IsEmpty());
    EXPECT_EQ(stage.read(number).files.size(), number <= 2 ? 3U : 1U);
  }
  EXPECT_THAT(rollout_manifest_problems(temp.path()), IsEmpty());
}

TEST(StageLog, ARankMayHaveSampledNothing) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 2 && rank != 1) batch.groups.clear();
    if (batch.step == 2 && rank == 1) batch.groups = sample_batch(2, kNumGroups).groups;
    if (rank == 0 && batch.step == 2) batch.temperature = 1;  // is in no row
  });
  EXPECT_EQ(stage.read(2).temperature, 0.7F);
  EXPECT_THAT(stage.read(2).file_of_group, ElementsAre(1, 1, 1, 1, 1, 1));
}

TEST(StageLog, NamesTheStepAndFileWhoseContentIsNotWhatItsHashSays) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes& hashes, std::uint64_t rank) {
    if (batch.step != 3 || rank != 1) return;
    hashes.batch_sha256 = batch_sha256(batch);
    batch.groups[1].completions[2].reward += 1;
  });
  EXPECT_THAT(stage.problems(3),
              ElementsAre("rank-00001.000000.h5: step 3: the SHA-256 of its completions is not its "
                          "batch_sha256. Was it changed?"));
  EXPECT_THAT(stage.problems(2), IsEmpty());
  EXPECT_EQ(stage.read(3).groups.size(), kNumGroups);  // a verifier may go on
}

TEST(StageLog, NamesTheGroupThatIsMissing) {
  const ChangedStage within([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 2 && rank == 1) batch.groups.erase(batch.groups.begin());
  });
  EXPECT_EQ(within.error(2), ": step 2: group 14 is missing (need 12 to 17)");
  EXPECT_THAT(within.problems(1), IsEmpty());
  EXPECT_THAT(within.problems(3), IsEmpty());
}

TEST(StageLog, NamesTheGroupThatIsMissingAtAnEndOfAStep) {
  const ChangedStage last([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 2 && rank == 2) batch.groups.pop_back();
  });
  EXPECT_EQ(last.error(2), ": step 2: group 17 is missing (need 12 to 17)");
  EXPECT_THAT(last.problems(3), IsEmpty());
  const ChangedStage first([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 3 && rank == 0) batch.groups.erase(batch.groups.begin());
  });
  EXPECT_EQ(first.error(3), ": step 3: group 18 is missing (need 18 to 23)");
  EXPECT_THAT(first.problems(2), IsEmpty());
}

TEST(StageLog, NamesTheGroupsOfARankWhoseFileIsGone) {
  const TempDir temp;
  write_stage(temp.path());
  fs::remove(temp.path() / "rank-00001.000000.h5");
  EXPECT_THAT(
      StageLog(temp.path()).problems(2),
      ElementsAre(temp.path().string() + ": step 2: group 14 and 1 after it are missing (need 12 to 17)"));
}

TEST(StageLog, NamesTheGroupThatStandsTwice) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 2 && rank == 2) batch.groups[0] = share_of_rank(2, 1).groups[1];
  });
  EXPECT_THAT(stage.problems(2),
              ElementsAre(": step 2: group 15 stands twice, in rank-00001.000000.h5 and rank-00002.000000.h5",
                          ": step 2: group 16 is missing (need 12 to 17)"));
}

TEST(StageLog, NamesTheGroupThatIsOutOfOrder) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes&, std::uint64_t rank) {
    if (batch.step == 2 && rank == 1) std::swap(batch.groups[0], batch.groups[1]);
  });
  EXPECT_EQ(stage.error(2),
            "rank-00001.000000.h5: step 2: group 14 comes after group 15 (need ascending groups)");
}

TEST(StageLog, NamesTheGroupThatStepsBack) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes&, std::uint64_t) {
    if (batch.step != 2) return;
    for (Group& group : batch.groups) {
      group.group_id -= 6;
      group.admission -= 6;
      for (Completion& completion : group.completions) completion.group_id -= 6;
    }
  });
  EXPECT_EQ(stage.error(2),
            ": step 2: group 6 comes after group 11 of step 1 (need groups that ascend from step to step)");
}

TEST(StageLog, NamesTheFileOfAnotherTemperatureOrOtherWeights) {
  const ChangedStage stage([](RolloutBatch& batch, StepHashes& hashes, std::uint64_t rank) {
    if (batch.step == 2 && rank == 1) batch.temperature = 1;
    if (batch.step == 2 && rank == 2) hashes.weights_after_sha256 = digest_of(5);
  });
  EXPECT_THAT(stage.problems(2),
              ElementsAre("rank-00001.000000.h5: step 2: the temperature is 1.000000 (need 0.700000, as in "
                          "the file before)",
                          "rank-00002.000000.h5: step 2: names other weights than rank-00000.000000.h5"));
}

TEST(StageLog, RefusesAStepThatARankHasTwice) {
  const TempDir temp;
  write_stage(temp.path());
  RolloutLogInfo info = sample_info();
  info.rank = 1;
  RolloutLogWriter(temp.path(), info, sample_terms()).append(share_of_rank(4, 1), {});
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { StageLog{temp.path()}; }),
            (temp.path() / "rank-00001.000002.h5.part").string() +
                ": has step 4, which stands in rank-00001.000001.h5 too (need each step of a rank once)");
}

/// What is said of a folder to which a segment was added that says something else of itself.
std::string message_with_segment(const std::function<void(RolloutLogInfo&)>& change,
                                 const std::vector<std::string>& terms = sample_terms()) {
  const TempDir temp;
  write_stage(temp.path());
  RolloutLogInfo info = sample_info();
  change(info);
  { const RolloutLogWriter log(temp.path(), info, terms); }
  const std::string message = error_of(ExitCode::bad_data, [&] { StageLog{temp.path()}; });
  EXPECT_THAT(message, StartsWith((temp.path() / "rank-00003.000000.h5.part: ").string()));
  return message.substr(std::min(message.size(), message.find(".part: ") + 7));
}

TEST(StageLog, RefusesFilesOfAnotherRunOrStage) {
  EXPECT_EQ(message_with_segment([](RolloutLogInfo& info) { info.run_id = "other"; }),
            "is of the run \"other\" (need \"run-7\", as rank-00000.000000.h5 is)");
  EXPECT_EQ(message_with_segment([](RolloutLogInfo& info) { info.stage = "rl-2"; }),
            "is of the stage \"rl-2\" (need \"rl-1\", as rank-00000.000000.h5 is)");
  EXPECT_EQ(message_with_segment([](RolloutLogInfo&) {}, {"accuracy", "format"}),
            "has other reward terms than rank-00000.000000.h5");
}

TEST(StageLog, RefusesAFileThatWasRenamed) {
  const TempDir temp;
  write_stage(temp.path());
  fs::rename(temp.path() / "rank-00001.000001.h5", temp.path() / "rank-00003.000001.h5");
  EXPECT_EQ(error_of(ExitCode::bad_data, [&] { StageLog{temp.path()}; }),
            (temp.path() / "rank-00003.000001.h5").string() +
                ": says that it is segment 1 of rank 1 (need what its name says). Was it renamed?");
}

TEST(StageLog, SaysThatAFolderHasNoLog) {
  const TempDir temp;
  EXPECT_EQ(error_of(ExitCode::missing_input, [&] { StageLog{temp.path()}; }),
            temp.path().string() + ": has no segment of a rollout log (need rank-00000.000000.h5 or others)");
  EXPECT_THAT(error_of(ExitCode::missing_input, [&] { StageLog{temp.path() / "none"}; }),
              HasSubstr("none: has no segment"));
}

TEST(StageLog, FindsFlippedBitsOfClosedSegments) {
  const TempDir temp;
  write_stage(temp.path());
  const fs::path file = temp.path() / "rank-00001.000000.h5";
  const std::string good = read_text(file);
  int found_by_reading = 0;
  constexpr std::size_t kNumFlips = 97;
  for (std::size_t i = 0; i < kNumFlips; ++i) {
    std::string bad = good;
    bad[i * good.size() / kNumFlips] ^= static_cast<char>(1 << (i % 8));
    write_text(file, bad);
    // The space between blocks of a file says nothing: only the hash of the file covers it.
    EXPECT_THAT(rollout_manifest_problems(temp.path()),
                ElementsAre(file.string() +
                            ": its SHA-256 is not the one that the manifest says. Was it changed after it "
                            "was written?"));
    std::string message;
    try {
      const StageLog log(temp.path());
      for (const std::uint64_t step : log.steps()) {
        const auto problems = log.problems(step);
        if (!problems.empty()) message = problems.front();
        if (problems.empty() && step <= 3) {  // then it is what was written
          const StageStep read = log.read(step);
          expect_same_batch({read.step, read.temperature, read.reward_term_names, read.groups},
                            sample_batch(step, kNumGroups));
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      message = error.what();
    }
    if (message.empty()) continue;
    ++found_by_reading;
    EXPECT_THAT(message, HasSubstr(file.string() + ": ")) << i;
  }
  EXPECT_GT(found_by_reading, 20);
}

TEST(StageLog, NamesTheStepAndDatasetOfDamagedTokens) {
  const TempDir temp;
  RolloutLogWriter log(temp.path(), sample_info(), sample_terms());
  for (std::uint64_t step = 1; step <= 2; ++step) {
    const RolloutBatch batch = sample_batch(step, 2, 3, 8000);
    log.append(batch, {batch_sha256(batch), "", ""});
  }
  log.close();
  const fs::path file = temp.path() / "rank-00003.000000.h5";
  std::string text = read_text(file);
  text[text.size() / 2] ^= 1;  // tokens are nearly all of the file
  write_text(file, text);
  std::vector<std::string> problems;
  const StageLog stage(temp.path());
  for (const std::uint64_t step : stage.steps()) {
    for (const std::string& line : stage.problems(step)) problems.push_back(line);
  }
  ASSERT_FALSE(problems.empty());
  EXPECT_THAT(problems[0],
              AllOf(StartsWith("step "), HasSubstr(": " + file.string() + ": cannot read tokens/")));
}

TEST(RolloutManifestProblems, NameWhatIsNotAsListed) {
  const TempDir temp;
  write_stage(temp.path());
  EXPECT_THAT(rollout_manifest_problems(temp.path()), IsEmpty());
  const fs::path grown = temp.path() / "rank-00000.000000.h5";
  const std::size_t bytes = read_text(grown).size();
  write_text(grown, read_text(grown) + "x");
  fs::remove(temp.path() / "rank-00000.000001.h5");
  fs::copy_file(temp.path() / "rank-00001.000000.h5", temp.path() / "rank-00001.000002.h5");
  write_text(temp.path() / "manifest-rank-00002.jsonl", "{}\n");
  EXPECT_THAT(
      rollout_manifest_problems(temp.path()),
      ElementsAre(
          grown.string() + ": has " + std::to_string(bytes + 1) + " bytes (need " + std::to_string(bytes) +
              ", as the manifest says). Was it changed after it was written?",
          (temp.path() / "rank-00000.000001.h5").string() + ": is not there, but the manifest lists it",
          (temp.path() / "rank-00001.000002.h5").string() + ": is not in manifest-rank-00001.jsonl",
          StartsWith((temp.path() / "manifest-rank-00002.jsonl:1: is no line of a manifest").string())));
}

}  // namespace
}  // namespace reckon
