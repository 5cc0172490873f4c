#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/paths.h"

namespace reckon::testing {

/// A recipe of a second: two training stages, the second with a reference model, and an evaluation; a
/// checkpoint every two steps.
[[nodiscard]] std::string tiny_recipe();

/// `reckon train` of a recipe file into a folder, alone or under mpirun.
struct TrainCommand {
  std::filesystem::path recipe;
  std::filesystem::path out;
  int ranks = 1;  ///< 0: without mpirun
  [[nodiscard]] CommandResult run(const std::string& arguments = "",
                                  const std::string& environment = "") const;
};

/// The program's path.
[[nodiscard]] std::string reckon_program();

/// What a run came to, for comparison: all that does not depend on clocks, ranks and restarts.
struct RunResult {
  std::vector<std::string> metrics;       ///< rows of metrics.jsonl without times, as JSON
  std::string chain;                      ///< chain.jsonl
  std::vector<std::string> group_hashes;  ///< of all groups of the rollout logs, by stage, step and number
  std::string lineage;                    ///< lineage.json
  std::string summary;                    ///< summary.json without times
  std::string weights;                    ///< bytes of the last stage's model.safetensors
  bool operator==(const RunResult&) const = default;
};
/// \param last  the checkpoint of the last stage
[[nodiscard]] RunResult result_of(const std::filesystem::path& run,
                                  const std::string& last = "rl-1/step-000005");
/// Where two results differ, in words; empty where they do not.
[[nodiscard]] std::string difference(const RunResult& now, const RunResult& expected);

}  // namespace reckon::testing
