// A gradient-norm spike takes a run back to its last checkpoint, the same way in every resumption and when
// the steps are done again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/tiny_run.h"
#include "reckon/lineage/chain.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

/// Norms vary by more than a twentieth: some step is a "spike".
constexpr const char* kNervous =
    "--set 'guard.spike_action=\"rollback\"' --set guard.spike_factor=1.05 --set guard.spike_window=4 "
    "--set stage.cold-start.steps=16 --set checkpoint.keep_last=99";

class RollbackTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  testing::TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run", 0};
  void SetUp() override { testing::write_text(train.recipe, testing::tiny_recipe()); }
};

TEST_F(RollbackTest, WeightsAreThoseOfTheCheckpointAndTheStepsComeOutAgain) {
  const auto result = train.run(kNervous);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("Back to the last checkpoint; the data goes on."));
  std::map<std::int64_t, ChainEvent> steps;
  for (const ChainLine& line : read_chain(train.out / "chain.jsonl")) {
    if (line.event.event == "step" && line.event.text("stage") == "cold-start")
      steps[line.event.integer("step")] = line.event;
  }
  ASSERT_EQ(steps.size(), 16u);
  int rollbacks = 0;
  for (const auto& [number, event] : steps) {
    if (event.find("rolled_back_to") == nullptr) continue;
    ++rollbacks;
    const std::int64_t target = event.integer("rolled_back_to");
    EXPECT_EQ(target % 2, 0);  // checkpoint.every_steps
    EXPECT_LT(target, number);
    EXPECT_EQ(event.text("weights_after"), steps.at(target).text("weights_after"));
    EXPECT_NE(event.text("examples"), steps.at(target + 1).text("examples")) << "the data goes on";
  }
  EXPECT_GT(rollbacks, 0);
  const auto verified =
      testing::run_command(testing::reckon_program() + " verify " + train.out.string() + " --all");
  EXPECT_EQ(verified.exit_code, 0) << verified.output;

  // Interrupted behind the first rollback and resumed: the same run.
  const auto first = std::ranges::find_if(
      steps, [](const auto& step) { return step.second.find("rolled_back_to") != nullptr; });
  const testing::RunResult whole = testing::result_of(train.out);
  fs::remove_all(train.out);
  EXPECT_NE(train.run(kNervous, "RECKON_FAIL_AT=train.chain:" + std::to_string(first->first + 1)).exit_code,
            0);
  const auto resumed = train.run(std::string(kNervous) + " --resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(testing::difference(testing::result_of(train.out), whole), "");
}

// The checkpoint that a stopped run leaves is one to go on from, and none that a guard goes back to: the run
// that was not stopped has none there.
TEST_F(RollbackTest, ACheckpointMadeByAStopIsNotWhatAGuardGoesBackTo) {
  const std::string nervous =
      std::string(kNervous) + " --set checkpoint.every_steps=4 --set checkpoint.keep_last=1";
  ASSERT_EQ(train.run(nervous).exit_code, 0);
  std::int64_t stop_after = 0;  // a step that is no checkpoint's, just before one that goes back
  for (const ChainLine& line : read_chain(train.out / "chain.jsonl")) {
    const std::int64_t step = line.event.integer("step");
    if (stop_after == 0 && line.event.find("rolled_back_to") != nullptr && (step - 1) % 4 != 0)
      stop_after = step - 1;
  }
  ASSERT_GT(stop_after, 4);
  const testing::RunResult whole = testing::result_of(train.out);
  fs::remove_all(train.out);
  const auto stopped = train.run(
      nervous, "RECKON_FAIL_SIGNAL=10 RECKON_FAIL_AT=train.sft_update:" + std::to_string(stop_after));
  EXPECT_EQ(stopped.exit_code, 75) << stopped.output;
  const auto resumed = train.run(nervous + " --resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output,
              HasSubstr("goes on from checkpoint cold-start/step-0000" +
                        std::string(stop_after < 10 ? "0" : "") + std::to_string(stop_after)));
  EXPECT_EQ(testing::difference(testing::result_of(train.out), whole), "");
}

}  // namespace
}  // namespace reckon
