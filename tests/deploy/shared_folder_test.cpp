// A run's folder that not all ranks see is refused before anything of a run is in it.
#include <gmock/gmock.h>

#include "app/tiny_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SharedFolder : public ::testing::Test {
 protected:
  testing::TempDir folder;
  testing::TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run"};

  void SetUp() override {
    testing::write_text(train.recipe, testing::tiny_recipe());
    fs::create_directory(train.out);
  }
  /// Trains on ranks of which those that `chosen` names, in words of bash with $RANK, have changed their view
  /// of the folder by a command.
  [[nodiscard]] testing::CommandResult run(int ranks, const std::string& chosen, const std::string& command) {
    const fs::path script = folder.path() / "rank.sh";
    testing::write_text(script, "RANK=$OMPI_COMM_WORLD_RANK\nif " + chosen + "; then " + command +
                                    "; fi\nOMP_NUM_THREADS=1 exec \"$@\"\n");
    return testing::run_command("mpirun --allow-run-as-root --oversubscribe -n " + std::to_string(ranks) +
                                " unshare -m bash " + script.string() + " " + testing::reckon_program() +
                                " train " + train.recipe.string() + " --out " + train.out.string());
  }
  [[nodiscard]] static bool can_mount() { return testing::run_command("unshare -m true").exit_code == 0; }
};

TEST_F(SharedFolder, ThatSomeRanksDoNotSeeIsRefusedWithTheirNames) {
  if (!can_mount()) GTEST_SKIP() << "no mount namespaces here";
  const auto refused = run(4, "[ $RANK -ge 2 ]", "mount -t tmpfs none " + train.out.string());
  EXPECT_EQ(refused.exit_code, 78) << refused.output;
  EXPECT_THAT(refused.output,
              ::testing::ContainsRegex("error: " + train.out.string() +
                                       ": is not one folder for all ranks: rank 2 on [^ ]+ does not see what "
                                       "rank 0 wrote there; rank 3 on [^ ]+ does not see what rank 0 wrote "
                                       "there \\(need --out on a file system that all of them see"));
  EXPECT_TRUE(fs::is_empty(train.out)) << "something of a run was left";
}

TEST_F(SharedFolder, ThatOneRankCannotWriteToIsRefused) {
  if (!can_mount()) GTEST_SKIP() << "no mount namespaces here";
  const std::string out = train.out.string();
  const auto refused =
      run(2, "[ $RANK = 1 ]", "mount --bind " + out + " " + out + "; mount -o remount,bind,ro " + out);
  EXPECT_EQ(refused.exit_code, 78) << refused.output;
  EXPECT_THAT(refused.output, ::testing::ContainsRegex("rank 1 on [^ ]+ cannot write there"));
}

TEST_F(SharedFolder, ThatAllRanksSeeIsTakenAndLeftClean) {
  train.ranks = 2;
  const auto run = train.run();
  ASSERT_EQ(run.exit_code, 0) << run.output;
  for (const auto& entry : fs::directory_iterator(train.out)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("shared-")) << entry.path();
  }
}

TEST_F(SharedFolder, ThatRankZeroCannotMakeIsAnErrorOfInputAndOutput) {
  testing::write_text(folder.path() / "file", "");
  train.out = folder.path() / "file" / "run";
  train.ranks = 2;
  const auto refused = train.run();
  EXPECT_EQ(refused.exit_code, 74) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr(train.out.string()));
}

}  // namespace
}  // namespace reckon
