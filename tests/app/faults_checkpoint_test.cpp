// Checkpoints that were damaged, exchanged or removed: found and named, and the run goes on from the one
// before.
#include <gmock/gmock.h>

#include "app/faulty_run.h"
#include "reckon/base/error.h"
#include "reckon/checkpoint/checkpoint.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::files_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_text;
using testing::write_text;

class BrokenCheckpoint : public testing::FaultyRun {
 protected:
  void SetUp() override {
    FaultyRun::SetUp();
    put_killed_run();
  }
  /// The newest checkpoint is passed over with this message, and the run ends as it should.
  void expect_passed_over(const std::string& message) const {
    const std::string output = expect_resumes();
    EXPECT_THAT(output, HasSubstr("warning: passed over: checkpoint rl-1/step-000002: " + message));
    EXPECT_THAT(output, HasSubstr("rl-1 1/5 ")) << "went on from another than cold-start/step-000005";
  }
  [[nodiscard]] fs::path file(const std::string& name) const { return checkpoint() / name; }
  void replace_in(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = read_text(file(name));
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    write_text(file(name), text.replace(place, from.size(), to));
  }
};

TEST_F(BrokenCheckpoint, ShardsCutByAByteOrByHalf) {
  const auto size = fs::file_size(file("model.safetensors"));
  fs::resize_file(file("model.safetensors"), size - 1);
  expect_passed_over("model.safetensors: has " + std::to_string(size - 1) + " bytes (the manifest lists " +
                     std::to_string(size) + ")");
  put_killed_run();
  const std::string moments = "reckon/moments-00000-of-00001.safetensors";
  const auto half = fs::file_size(file(moments)) / 2;
  fs::resize_file(file(moments), half);
  expect_passed_over(moments + ": has " + std::to_string(half) + " bytes (the manifest lists ");
}

TEST_F(BrokenCheckpoint, ManifestsThatAreMissingEmptyOrOfAnotherSchema) {
  fs::remove(file("reckon/manifest.json"));
  expect_passed_over(file("reckon/manifest.json").string() + ": cannot read: No such file");
  put_killed_run();
  write_text(file("reckon/manifest.json"), "");
  expect_passed_over(file("reckon/manifest.json").string() + ": ");
  put_killed_run();
  replace_in("reckon/manifest.json", "reckon.checkpoint/1", "reckon.checkpoint/9");
  expect_passed_over(file("reckon/manifest.json").string() + ": ");
}

TEST_F(BrokenCheckpoint, MomentsUnderTheNameOfAnotherNumberOfRanks) {
  fs::rename(file("reckon/moments-00000-of-00001.safetensors"),
             file("reckon/moments-00000-of-00002.safetensors"));
  expect_passed_over("reckon/moments-00000-of-00001.safetensors: is missing");
}

TEST_F(BrokenCheckpoint, TheStateOfAnotherStage) {
  fs::copy_file(checkpoint("cold-start/step-000005") / "reckon/state.json", file("reckon/state.json"),
                fs::copy_options::overwrite_existing);
  expect_passed_over("reckon/state.json: has ");
}

TEST_F(BrokenCheckpoint, AWholeOneUnderTheNameOfAnother) {
  fs::remove_all(checkpoint());
  fs::copy(checkpoint("cold-start/step-000004"), checkpoint(), fs::copy_options::recursive);
  expect_passed_over("is the checkpoint cold-start/step-000004 under another name");
  put_killed_run();
  fs::rename(checkpoint(), checkpoint("rl-1/step-000003"));
  EXPECT_THAT(expect_resumes(),
              HasSubstr("passed over: checkpoint rl-1/step-000003: is the checkpoint rl-1/step-000002"));
}

// All files in turn, the manifest too.
TEST_F(BrokenCheckpoint, EachOfTwoHundredFlippedBitsIsFound) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(checkpoint())) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  ASSERT_EQ(files.size(), 10u);
  std::uint64_t random = 7;
  for (std::size_t i = 0; i < 200; ++i) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const fs::path& flipped = files[i % files.size()];
    const std::string was = read_text(flipped);
    std::string text = was;
    text[(random >> 20) % text.size()] ^= static_cast<char>(1 << (random >> 61));
    write_text(flipped, text);
    try {
      (void)open_checkpoint(checkpoint());
      ADD_FAILURE() << flipped << " " << (random >> 20) % text.size();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    }
    write_text(flipped, was);
  }
  EXPECT_EQ(open_checkpoint(checkpoint()).state.step, 2);
}

TEST_F(BrokenCheckpoint, AFlippedBitInTheWeightsIsNamed) {
  std::string text = read_text(file("model.safetensors"));
  text[text.size() / 2] ^= 16;
  write_text(file("model.safetensors"), text);
  expect_passed_over("model.safetensors: ");
}

TEST_F(BrokenCheckpoint, AllOfThemAreRefusedAndNothingIsOverwritten) {
  for (const char* name : {"cold-start/step-000004", "cold-start/step-000005", "rl-1/step-000002"})
    write_text(checkpoint(name) / "reckon/state.json", "{}");
  EXPECT_THAT(expect_refused(65), AllOf(HasSubstr("none of its 3 checkpoints can be resumed from:\n"
                                                  "  checkpoint rl-1/step-000002: reckon/state.json"),
                                        HasSubstr("  checkpoint cold-start/step-000004: reckon/state.json"),
                                        HasSubstr("(need one that is whole; to begin again, remove ")));
}

TEST_F(BrokenCheckpoint, AStageThatStartsFromABrokenOneGoesBackBehindIt) {
  fs::resize_file(checkpoint("cold-start/step-000005") / "model.safetensors", 100);
  const std::string output = expect_resumes();
  EXPECT_THAT(output,
              HasSubstr("passed over: checkpoint rl-1/step-000002: model.safetensors: has 100 bytes"));
  EXPECT_THAT(output, HasSubstr("passed over: checkpoint cold-start/step-000005: "));
  EXPECT_THAT(output, HasSubstr("cold-start 5/5 "));
}

TEST_F(BrokenCheckpoint, TheFileLatestIsNotBelieved) {
  for (const char* text : {"garbage \xff\n", "rl-1/step-000077\n", "../../x\n", ""}) {
    put_killed_run();
    write_text(train.out / "checkpoints/latest", text);
    const std::string output = expect_resumes();
    EXPECT_THAT(output, HasSubstr("rl-1 3/5 ")) << text;
    EXPECT_THAT(output, Not(HasSubstr("warning")));
    EXPECT_EQ(read_text(train.out / "checkpoints/latest"), "eval-rl-1/step-000000\n");
  }
}

TEST_F(BrokenCheckpoint, FilesOfTheRunThatAreGoneAreNotMadeAnew) {
  fs::remove(train.out / "metrics.jsonl");
  EXPECT_THAT(expect_refused(65), HasSubstr("metrics.jsonl: has 0 bytes (need the first "));
  put_killed_run();
  fs::remove(train.out / "chain.jsonl");
  EXPECT_THAT(expect_refused(65), HasSubstr("chain.jsonl: has 0 bytes (need the first "));
  put_killed_run();
  fs::remove_all(train.out / "rollouts");
  EXPECT_THAT(expect_refused(66), HasSubstr("rollouts/rl-1"));
  put_killed_run();
  fs::remove(train.out / "recipe.toml");
  EXPECT_THAT(expect_refused(65),
              HasSubstr(": has checkpoints of a run, and no recipe.toml (need it to go on)"));
  EXPECT_THAT(expect_refused(65, ""), HasSubstr("and no recipe.toml"));
}

TEST_F(BrokenCheckpoint, ALiveRolloutLogThatWasCutIsNotNeeded) {
  EXPECT_NE(train.run("--resume", "RECKON_FAIL_AT=train.logged:2").exit_code, 0);
  const fs::path live = train.out / "rollouts/rl-1/rank-00000.000001.h5.part";
  fs::resize_file(live, fs::file_size(live) / 2);
  EXPECT_THAT(expect_resumes(), HasSubstr("rl-1 3/5 "));
}

TEST_F(BrokenCheckpoint, ARolloutLogThatWasCutIsNamedAndLeftAlone) {
  const fs::path log = train.out / "rollouts/rl-1/rank-00000.000000.h5";
  fs::resize_file(log, fs::file_size(log) / 2);
  EXPECT_THAT(expect_refused(65), HasSubstr("error: " + log.string() + ": "));
}

TEST_F(BrokenCheckpoint, SummaryAndLineageOfTheRunAreWrittenAnew) {
  for (const char* name : {"summary.json", "lineage.json"}) write_text(train.out / name, "no JSON");
  EXPECT_THAT(expect_resumes(), HasSubstr("rl-1 3/5 "));
}

TEST_F(BrokenCheckpoint, WhatWasCutShortIsNamed) {
  fs::resize_file(train.out / "metrics.jsonl", 3);
  EXPECT_THAT(expect_refused(65), HasSubstr("metrics.jsonl: has 3 bytes (need the first "));
  put_killed_run();
  fs::resize_file(train.out / "chain.jsonl", 3);
  EXPECT_THAT(expect_refused(65), HasSubstr("chain.jsonl: has 3 bytes (need the first "));
  put_killed_run();
  const std::string chain = read_text(train.out / "chain.jsonl");
  std::string changed = chain;
  changed.replace(changed.find("\"loss\":3"), 8, "\"loss\":2");
  write_text(train.out / "chain.jsonl", changed);
  EXPECT_THAT(expect_refused(65), HasSubstr("chain.jsonl:"));
}

}  // namespace
}  // namespace reckon
