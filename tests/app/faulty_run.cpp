#include "app/faulty_run.h"

namespace reckon::testing {
namespace fs = std::filesystem;
namespace {

/// A run made once, in a folder of its own.
struct MadeRun {
  TempDir folder;
  TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run", 0};
  CommandResult result;
  explicit MadeRun(const std::string& environment = "") {
    write_text(train.recipe, tiny_recipe());
    result = train.run("", environment);
  }
};

}  // namespace

void FaultyRun::SetUp() {
  write_text(train.recipe, tiny_recipe());
}

const RunResult& FaultyRun::undisturbed() {
  static const RunResult result = [] {
    const MadeRun made;
    EXPECT_EQ(made.result.exit_code, 0) << made.result.output;
    return result_of(made.train.out);
  }();
  return result;
}

void FaultyRun::put_killed_run() const {
  static const MadeRun killed("RECKON_FAIL_AT=train.updated:5");
  ASSERT_EQ(killed.result.exit_code, 137) << killed.result.output;
  fs::remove_all(train.out);
  fs::copy(killed.train.out, train.out, fs::copy_options::recursive);
  // As a kill leaves one that is being written: it goes when the run goes on, and not where that is refused.
  const fs::path unfinished = train.out / "checkpoints/rl-1/step-000004.tmp";
  fs::create_directories(unfinished);
  write_text(unfinished / "config.json", "{");
}

fs::path FaultyRun::checkpoint(const std::string& name) const {
  return train.out / "checkpoints" / name;
}

std::string FaultyRun::expect_resumes(const std::string& arguments) const {
  const CommandResult resumed = train.run("--resume " + arguments);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  if (resumed.exit_code == 0) {
    EXPECT_EQ(difference(result_of(train.out), undisturbed()), "");
    EXPECT_EQ(leftovers(), std::vector<std::string>{});
  }
  return resumed.output;
}

std::string FaultyRun::expect_refused(int exit_code, const std::string& arguments) const {
  const auto before = files_of(train.out);
  const CommandResult refused = train.run(arguments);
  EXPECT_EQ(refused.exit_code, exit_code) << refused.output;
  EXPECT_TRUE(files_of(train.out) == before) << "files were changed";
  return refused.output;
}

CommandResult FaultyRun::shell(const std::string& script, const std::string& environment) const {
  const fs::path file = folder.path() / "script.sh";
  const std::string command = "env OMP_NUM_THREADS=1 " + environment + " " + reckon_program() + " train " +
                              train.recipe.string() + " --out " + train.out.string();
  write_text(file, "TRAIN='" + command + "'\nOUT='" + train.out.string() + "'\n" + script + "\n");
  return run_command("bash " + file.string());
}

std::vector<std::string> FaultyRun::leftovers() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(train.out)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".tmp" || ending == ".part" || ending == ".removed") found.push_back(entry.path().string());
  }
  return found;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename() != "lock")
      files[entry.path().string()] = read_text(entry.path());
  }
  return files;
}

std::string machine_faults(const std::string& settings) {
  // The library is not AddressSanitizer's, and comes before it.
  return "LD_PRELOAD=" + (binary_dir() / "tests" / "libmachine_faults.so").string() +
         " ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 " + settings;
}

}  // namespace reckon::testing
