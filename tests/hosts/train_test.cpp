// A run over several hosts is the run of one, bit for bit, whatever the links between them are like.
#include <gmock/gmock.h>

#include "hosts/hosts_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using testing::difference;
using ::testing::HasSubstr;
using testing::result_of;
using testing::sweep_size;

using TrainOverHosts = testing::HostsRun;

TEST_F(TrainOverHosts, GivesTheBitsOfOneHost) {
  const auto run = train_across();
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr(", 3 ranks, "));
  EXPECT_EQ(difference(result_of(train.out), undisturbed()), "");
}

/// A run with other settings, on one rank alone and over the hosts.
class OtherRuns : public testing::HostsRun {
 protected:
  void expect_same_bits(const std::string& settings, const std::string& last) {
    fs::remove_all(train.out);
    const auto alone = train.run(settings);
    ASSERT_EQ(alone.exit_code, 0) << alone.output;
    const auto expected = result_of(train.out, last);
    fs::remove_all(train.out);
    const auto run = train_across(settings);
    ASSERT_EQ(run.exit_code, 0) << run.output;
    EXPECT_EQ(difference(result_of(train.out, last), expected), "");
  }
};

// A collective takes several round trips: the whole recipe takes a minute and a half at 200 ms each way.
TEST_F(OtherRuns, OverASlowLinkThatLosesFrames) {
  hosts.links = "-l '3:--delay-ms 100 --loss 0.01 --seed 1'";
  expect_same_bits(
      "--set stage.cold-start.steps=1 --set stage.rl-1.steps=1 --set stage.eval-rl-1.eval_prompts=2",
      "rl-1/step-000001");
  if (sweep_size(1, 2) == 1) return;
  hosts.links = "-l '3:--delay-ms 200 --loss 0.01 --seed 2'";
  expect_same_bits("", "rl-1/step-000005");
}

TEST_F(OtherRuns, OfTheRecipeR1MiniInAFewSteps) {
  train.recipe = testing::source_dir() / "recipes/r1-mini.toml";
  const std::string steps = std::to_string(sweep_size(1, 5));
  expect_same_bits("--set stage.teach.steps=" + steps +
                       " --set stage.cold-start.steps=1 --set stage.rl-1.steps=" + steps +
                       " --set stage.rl-1.prompts_per_step=4 --set stage.rl-1.group_size=4 --set "
                       "stage.eval-cold-start.eval_prompts=4 --set stage.eval-rl-1.eval_prompts=4",
                   "rl-1/step-00000" + steps);
}

}  // namespace
}  // namespace reckon
