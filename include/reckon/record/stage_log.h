#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/record/rollout_log.h"

namespace reckon {

/// One step of a stage, of all ranks.
struct StageStep {
  /// A segment that has part of the step.
  struct File {
    std::filesystem::path path;
    StepHashes hashes;  ///< as the file says; batch_sha256 is over the groups that lie in it
  };
  std::uint64_t step = 0;
  float temperature = 1;
  std::vector<std::string> reward_term_names;
  std::vector<Group> groups;               ///< in order of group_id
  std::vector<std::size_t> file_of_group;  ///< index into files, for each of groups
  std::vector<File> files;                 ///< in order of rank
};

/// Reads what all ranks of a stage sampled, step by step. Opening reads of each segment only which steps and
/// groups it has; then one step is in memory at a time. What is appended after the opening is not seen. Not
/// for use by two threads at once.
class StageLog {
 public:
  /// Whether segments that are still, or were when a process died, being written are read.
  enum class LiveSegments { read, skip };

  /// How segments are opened: see guarded_log.h.
  enum class Access {
    own,      ///< in this process: for a run that reads what it wrote itself
    guarded,  ///< as open_log() does: in a reading process where no manifest vouches for the file
  };

  /// \param folder  `rollouts/<stage>` of a run
  /// \throws Error(missing_input) where the folder has no segment; Error(bad_data), naming the file, where
  /// one is damaged or is of another run, stage, schema, rank or segment than its neighbours or its name say,
  /// or has other reward terms; and naming the step and both files where a rank has a step twice.
  explicit StageLog(const std::filesystem::path& folder, LiveSegments live = LiveSegments::read,
                    Access access = Access::own);
  ~StageLog();
  StageLog(StageLog&&) noexcept;
  StageLog& operator=(StageLog&&) noexcept;

  /// What the first segment says of the run; rank, world size and time are those of that segment.
  [[nodiscard]] const RolloutLogInfo& info() const;
  /// The numbers of the steps that some rank has, ascending.
  [[nodiscard]] const std::vector<std::uint64_t>& steps() const;

  /// \throws Error(bad_data), with the first of the problems but for the hashes of content, which read() does
  /// not compare; Error(internal) for a step that is not there.
  [[nodiscard]] StageStep read(std::uint64_t step) const;

  /// All that is wrong with a step, a line each, naming the step and the file or group; empty where it is as
  /// it was written:
  /// - a file that is damaged, or whose content is not what its batch_sha256 says;
  /// - a group that is out of order in its file, that stands twice, or that is missing: the groups of a stage
  ///   are numbered without a gap, those of a step after those of the step before, and no step has more
  ///   groups than the fullest one;
  /// - files that give the step different temperatures or weights.
  [[nodiscard]] std::vector<std::string> problems(std::uint64_t step) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Compares the closed segments of a folder with its manifests: a line for each file that has another size or
/// SHA-256 than listed, is listed and not there, or is there and not listed, and for each line of a manifest
/// that is none. Reads all files whole. Segments that are still written are not looked at.
[[nodiscard]] std::vector<std::string> rollout_manifest_problems(const std::filesystem::path& folder);

}  // namespace reckon
