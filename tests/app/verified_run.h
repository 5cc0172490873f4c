#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "reckon/record/rollout_log.h"
#include "support/paths.h"

namespace reckon::testing {

/// What verify_files() says of a folder.
struct Verified {
  int failures = 0;
  std::string text;  ///< the report, a line a finding; one blank between its columns
};
[[nodiscard]] Verified verify(const std::filesystem::path& run);

/// tiny_recipe() with a file of problems beside the generated ones, which no stage works on.
[[nodiscard]] std::string recipe_with_file(const std::filesystem::path& problems);

/// A run that has come to its end, made once in a test program, with its problems file.
[[nodiscard]] const std::filesystem::path& finished_run();

/// A copy of the finished run, to be tampered with.
class TamperedRun {
 public:
  TamperedRun();
  [[nodiscard]] const std::filesystem::path& folder() const { return run_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& path) const { return run_ / path; }
  /// Replaces the first `was` in a file, which must be there.
  void edit(const std::string& file, const std::string& was, const std::string& now) const;
  /// Lets a function change the lines of a file.
  void edit_lines(const std::string& file,
                  const std::function<void(std::vector<std::string>&)>& change) const;
  [[nodiscard]] Verified verify() const { return testing::verify(run_); }

 private:
  TempDir temp_;
  std::filesystem::path run_;
};

/// Flips a bit of a file. \param bit  from its beginning
void flip_bit(const std::filesystem::path& file, std::uint64_t bit);

/// The steps of a rank's log.
using Steps = std::vector<RolloutStep>;
/// Writes the log of a stage anew, with whatever a function makes of its steps: by the program's own writer,
/// so that files and manifests are sound and only the chain can tell. \param seal  batch_sha256 is made anew
/// too
void rewrite_log(const std::filesystem::path& folder, const std::function<void(Steps&)>& change,
                 bool seal = true);

/// All files of a folder, by their paths in it, sorted; without the lock, which says nothing of the run.
[[nodiscard]] std::vector<std::string> files_of(const std::filesystem::path& folder);

}  // namespace reckon::testing
