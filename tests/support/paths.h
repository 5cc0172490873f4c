#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace reckon::testing {

/// Root of the source tree.
std::filesystem::path source_dir();
/// Root of the build tree.
std::filesystem::path binary_dir();
/// shared/data beside the source tree, where it is there; tests that need it skip otherwise.
std::optional<std::filesystem::path> shared_data();
/// The Python that has the oracle packages (transformers, tokenizers, h5py), where scripts/test.sh made it.
std::optional<std::filesystem::path> oracle_python();

/// How many cases of a long sweep to run: `sample` of them, or `all` under scripts/test.sh --full.
std::size_t sweep_size(std::size_t sample, std::size_t all);

/// A new empty folder, removed with everything in it when the object goes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct CommandResult {
  int exit_code = 0;
  std::string output;  ///< stdout and stderr together
};
/// Runs a shell command and waits for it.
CommandResult run_command(const std::string& command);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace reckon::testing
