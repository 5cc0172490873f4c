#pragma once

#include <gtest/gtest.h>

#include <map>

#include "app/tiny_run.h"

namespace reckon::testing {

/// The tiny run (tiny_run.h) without mpirun, to be disturbed and to be compared with the one that was not.
class FaultyRun : public ::testing::Test {
 protected:
  TempDir folder;
  TrainCommand train{folder.path() / "tiny.toml", folder.path() / "run", 0};

  void SetUp() override;

  /// The run that nothing disturbs; made once for all tests of a program.
  static const RunResult& undisturbed();

  /// Puts a run into train.out that was killed in step 5 of rl-1, behind the checkpoints
  /// cold-start/step-000004 and step-000005 and rl-1/step-000002.
  void put_killed_run() const;
  [[nodiscard]] std::filesystem::path checkpoint(const std::string& name = "rl-1/step-000002") const;

  /// Resumes, and expects the end of the undisturbed run and no file that is not finished.
  /// \return the output
  std::string expect_resumes(const std::string& arguments = "") const;
  /// Resumes, and expects to be refused with nothing changed. \return the output
  std::string expect_refused(int exit_code, const std::string& arguments = "--resume") const;

  /// Runs a script of bash in which $TRAIN is the command of the run, $OUT its folder.
  [[nodiscard]] CommandResult shell(const std::string& script, const std::string& environment = "") const;

  /// Files and folders of the run that are not finished.
  [[nodiscard]] std::vector<std::string> leftovers() const;
};

/// Contents of the files of a folder, by path; but for the file "lock".
[[nodiscard]] std::map<std::string, std::string> files_of(const std::filesystem::path& folder);

/// What makes the machine of a command fail (support/machine_faults.cpp): for `env`.
[[nodiscard]] std::string machine_faults(const std::string& settings);

}  // namespace reckon::testing
