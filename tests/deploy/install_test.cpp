// The installed tree runs from where it was moved to, with nothing of the build.
#include <gmock/gmock.h>

#include <sstream>

#include "app/tiny_run.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Install : public ::testing::Test {
 protected:
  /// Installed once for all tests, then moved; null where that failed.
  static const fs::path* tree() {
    static const testing::TempDir folder;
    static const fs::path moved = folder.path() / "elsewhere" / "reckon";
    static const bool is_there = [] {
      const fs::path first = folder.path() / "first";
      const auto install = testing::run_command("cmake --install " + testing::binary_dir().string() +
                                                " --prefix " + first.string());
      EXPECT_EQ(install.exit_code, 0) << install.output;
      fs::create_directory(moved.parent_path());
      fs::rename(first, moved);
      return install.exit_code == 0;
    }();
    return is_there ? &moved : nullptr;
  }
  void SetUp() override { ASSERT_NE(tree(), nullptr); }

  [[nodiscard]] static fs::path program() { return *tree() / "bin/reckon"; }
  /// Runs a command of bash, in share/reckon, without any variable of this process.
  [[nodiscard]] static testing::CommandResult run(const std::string& command) {
    return testing::run_command(
        "cd " + (*tree() / "share/reckon").string() +
        " && env -i PATH=/usr/bin:/bin HOME=/tmp ASAN_OPTIONS=detect_leaks=0 bash -c '" + command + "'");
  }
};

TEST_F(Install, TheMovedProgramRuns) {
  const auto version = run(program().string() + " --version");
  EXPECT_EQ(version.exit_code, 0) << version.output;
  EXPECT_THAT(version.output, ::testing::StartsWith("reckon "));
  const auto grade = run(R"(echo {\"gold\": \"1/2\", \"pred\": \"0.5\"} | )" + program().string() + " grade");
  EXPECT_EQ(grade.exit_code, 0) << grade.output;
  EXPECT_THAT(grade.output, HasSubstr("\"correct\":true"));
}

TEST_F(Install, TheMovedProgramTrainsOnTwoRanks) {
  const testing::TempDir folder;
  testing::write_text(folder.path() / "tiny.toml", testing::tiny_recipe());
  const auto train =
      run("OMP_NUM_THREADS=1 mpirun --allow-run-as-root --oversubscribe -n 2 " + program().string() +
          " train " + (folder.path() / "tiny.toml").string() + " --out " + (folder.path() / "run").string());
  EXPECT_EQ(train.exit_code, 0) << train.output;
  EXPECT_TRUE(fs::exists(folder.path() / "run/checkpoints/rl-1/step-000005/model.safetensors"));
}

TEST_F(Install, LibrariesAreThoseOfTheTreeAndOfTheSystem) {
  const auto libraries = run("ldd " + program().string());
  EXPECT_EQ(libraries.exit_code, 0) << libraries.output;
  EXPECT_THAT(libraries.output, Not(HasSubstr("not found")));
  EXPECT_THAT(libraries.output, Not(HasSubstr(testing::source_dir().string())));
  EXPECT_THAT(libraries.output, Not(HasSubstr(testing::binary_dir().string())));
  EXPECT_THAT(libraries.output, Not(HasSubstr(".deps")));
  const std::string lib = fs::canonical(*tree() / "lib").string();
  for (const char* name :
       {"libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"}) {
    std::istringstream lines(libraries.output);
    bool is_ours = false;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t arrow = line.find(" => ");
      if (arrow == std::string::npos || line.substr(0, arrow) != std::string("\t") + name) continue;
      const std::string path = line.substr(arrow + 4, line.rfind(" (") - arrow - 4);
      is_ours = fs::canonical(path).string().starts_with(lib + "/");
    }
    EXPECT_TRUE(is_ours) << name << " in\n" << libraries.output;
  }
}

TEST_F(Install, HoldsWhatAUserNeedsAndNoMore) {
  for (const char* file :
       {"share/reckon/recipes/r1-mini.toml", "share/reckon/examples/reverse_words.py",
        "share/reckon/docs/checkpoints.md", "share/reckon/docs/deploy.md", "share/reckon/scripts/launch.sh",
        "share/reckon/scripts/slurm/train.sbatch", "share/reckon/scripts/pbs/train.pbs",
        "share/reckon/scripts/kubernetes/mpijob.yaml", "share/reckon/runtime-packages.txt",
        "share/doc/reckon/LICENSE", "share/doc/reckon/NOTICE", "share/doc/reckon/LICENSE.pytorch",
        "share/doc/reckon/NOTICE.pytorch", "share/doc/reckon/LICENSE.nvidia_cuda_runtime",
        "share/doc/reckon/LICENSE.nvidia_cuda_cupti"}) {
    EXPECT_TRUE(fs::exists(*tree() / file)) << file;
  }
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(*tree())) {
    if (!entry.is_regular_file()) continue;
    bytes += entry.file_size();
    const std::string ending = entry.path().extension().string();
    EXPECT_TRUE(ending != ".h" && ending != ".a" && ending != ".cpp" && ending != ".pyc") << entry.path();
  }
  std::cout << "the installed tree has " << bytes / 1000000 << " MB\n";
  // A recipe names files from the folder that recipes/ is in.
  for (const char* recipe : {"r1-mini.toml", "own-task.toml"}) {
    const auto check = run(program().string() + " recipe check recipes/" + recipe);
    EXPECT_EQ(check.exit_code, 0) << check.output;
  }
}

}  // namespace
}  // namespace reckon
