#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reckon/checkpoint/writer.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

TEST(StepsToRemove, KeepsTheNewestAndTheMultiples) {
  const std::vector<std::int64_t> steps = {50, 100, 150, 200, 250};
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 3, .keep_every = 0}), ElementsAre(50, 100));
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 1, .keep_every = 100}), ElementsAre(50, 150));
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 5, .keep_every = 0}), IsEmpty());
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 1, .keep_every = 0, .keep = {100, 7}}),
              ElementsAre(50, 150, 200));
  // 250 was made when the run was stopped; 200 is the last that was due.
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 1, .keep_every = 0, .schedule = 100}),
              ElementsAre(50, 100, 150));
  EXPECT_THAT(steps_to_remove(steps, {.keep_last = 1, .keep_every = 0, .schedule = 60}),
              ElementsAre(50, 100, 150, 200));
  EXPECT_THAT(steps_to_remove({}, {.keep_last = 1, .keep_every = 0}), IsEmpty());
}

TEST(ListCheckpoints, NamesWhatIsOneByNameAlone) {
  const testing::TempDir folder;
  for (const char* name :
       {"rl-1/step-000100", "rl-1/step-000020", "rl-1/step-1000000", "rl-1/step-000030.tmp",
        "rl-1/step-000040.removed", "rl-1/step-12", "rl-1/step-00002x", "cold/step-000007"}) {
    fs::create_directories(folder.path() / name);
  }
  testing::write_text(folder.path() / "latest", "rl-1/step-000100\n");
  std::vector<std::string> names;
  for (const CheckpointName& name : list_checkpoints(folder.path())) names.push_back(name.text());
  EXPECT_THAT(names,
              ElementsAre("cold/step-000007", "rl-1/step-000020", "rl-1/step-000100", "rl-1/step-1000000"));
  remove_unfinished_checkpoints(folder.path());
  EXPECT_FALSE(fs::exists(folder.path() / "rl-1/step-000030.tmp"));
  EXPECT_FALSE(fs::exists(folder.path() / "rl-1/step-000040.removed"));
  EXPECT_TRUE(fs::exists(folder.path() / "rl-1/step-000020"));
  EXPECT_THAT(list_checkpoints(folder.path() / "none"), IsEmpty());
}

}  // namespace
}  // namespace reckon
