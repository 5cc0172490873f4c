#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/record/rollout.h"

namespace reckon {

/// The schema of rollout logs; docs/rollout-log.md describes it dataset by dataset.
inline constexpr std::string_view kRolloutSchema = "reckon.rollouts/1";

/// Which version of the weights a log has for a token.
enum class LoggedVersions : std::uint8_t {
  completion = 0,  ///< that of its completion: all its tokens are of policy_version
  token = 1,       ///< its own: weights are replaced while completions are under way
};
constexpr auto enum_names(LoggedVersions) {
  return std::array{EnumName{LoggedVersions::completion, "completion"},
                    EnumName{LoggedVersions::token, "token"}};
}

/// What a rollout log says about the run that wrote it: attributes of the file's root, and the recipe.
struct RolloutLogInfo {
  std::string run_id;
  std::string stage;
  std::uint64_t rank = 0;
  std::uint64_t world_size = 1;
  std::string recipe_text;  ///< resolved; its SHA-256 becomes the attribute recipe_sha256
  std::string tokenizer_sha256;
  std::string grader_version;
  std::string fingerprint;  ///< numerics fingerprint of the machine
  std::string created;      ///< ISO 8601, UTC; where it is empty, each segment takes the time of its opening
  LoggedVersions versions = LoggedVersions::completion;
};

/// When a segment is closed and the next one begun: after the step that reaches one of the two.
struct RolloutLogLimits {
  std::uint64_t segment_bytes = std::uint64_t{256}
                                << 20;  ///< of rows as they are appended, before compression
  std::uint64_t segment_steps = std::uint64_t{1} << 32;
};

/// What the hash chain says of one step. Each 64 hexadecimal digits, or empty where it is not known.
struct StepHashes {
  std::string batch_sha256;
  std::string weights_before_sha256;
  std::string weights_after_sha256;
  bool operator==(const StepHashes&) const = default;
};

/// Writes what one rank samples in one stage: segments `rank-00000.000000.h5`, of which the live one ends in
/// `.part`. A process that dies at any moment loses at most the step that was being appended; only a kill
/// within a write of the index of a column with thousands of chunks, which is longer than a page, can leave a
/// `.part` that is refused as damaged. Close the log where nothing may be lost. A segment that is complete is
/// rewritten as an ordinary file, hashed and listed in `manifest-rank-00000.jsonl`. Existing segments are
/// never touched: a second writer in the same folder goes on with the next number. Not for use by two threads
/// at once.
///
/// Failpoints, all reached once for each step or segment: `rollout_log.open` (the live segment has no step
/// and still its temporary name), `rollout_log.tokens` (tokens are in the file, their completions are not),
/// `rollout_log.offsets` (all but the offsets), `rollout_log.steps` (all but the row of /steps),
/// `rollout_log.close` (before the rewriting), `rollout_log.rename` (rewritten, under its temporary name).
class RolloutLogWriter {
 public:
  /// \param folder  `rollouts/<stage>` of the run; made where it is not there.
  /// \param reward_term_names  columns of /rewards; each not empty and without '/', ',' and '.'.
  /// \throws Error(io)  where the folder or the file cannot be written; Error(internal) for a bad name of a
  /// term.
  RolloutLogWriter(std::filesystem::path folder, RolloutLogInfo info,
                   std::vector<std::string> reward_term_names, RolloutLogLimits limits = {});
  /// Leaves the live segment as a crash would: all appended steps are readable, nothing is rewritten.
  ~RolloutLogWriter();
  RolloutLogWriter(const RolloutLogWriter&) = delete;
  RolloutLogWriter& operator=(const RolloutLogWriter&) = delete;

  /// Appends one step; it is readable by others when this returns. Costs the same however long the file is.
  /// \throws Error(io), after which the log takes no more steps; Error(internal) where the batch contradicts
  /// itself (nothing is appended then).
  void append(const RolloutBatch& batch, const StepHashes& hashes);

  /// Closes the live segment: rewritten, renamed, listed. Does nothing when called again, and leaves the
  /// `.part` as it is after a failed append. \throws Error(io), and Error(bad_data) where the `.part` cannot
  /// be read back; it stays.
  void close();

  /// The file that is being appended to; empty between two segments and after close().
  [[nodiscard]] std::filesystem::path live_path() const;

 private:
  struct Segment;
  void open_segment();
  void close_segment();

  std::filesystem::path folder_;
  RolloutLogInfo info_;
  std::vector<std::string> reward_term_names_;
  RolloutLogLimits limits_;
  std::uint64_t next_segment_ = 0;
  bool failed_ = false;
  std::unique_ptr<Segment> segment_;
};

/// One step as it was appended: the same rows in the same order. Every completion has its versions.
struct RolloutStep {
  RolloutBatch batch;
  StepHashes hashes;
};

/// Reads a segment: a closed one, a live one, or the `.part` that a process left when it died. What was
/// appended after the opening is not seen. Everything is checked against the file's own extents before it is
/// used; but HDF5 itself is not safe from a hostile file: commands open logs by open_log() (guarded_log.h).
class RolloutLogReader {
 public:
  /// \throws Error(missing_input) where there is no such file; Error(bad_data), naming the file and the
  /// dataset, where it is no log of this schema or is damaged.
  explicit RolloutLogReader(const std::filesystem::path& file);
  ~RolloutLogReader();
  RolloutLogReader(RolloutLogReader&&) noexcept;
  RolloutLogReader& operator=(RolloutLogReader&&) noexcept;

  [[nodiscard]] const RolloutLogInfo& info() const;
  [[nodiscard]] std::uint64_t segment() const;
  [[nodiscard]] const std::vector<std::string>& reward_term_names() const;
  /// Steps that were appended completely.
  [[nodiscard]] std::uint64_t num_steps() const;
  /// The numbers of those steps, in the order in which they were appended. \throws Error(bad_data).
  [[nodiscard]] std::vector<std::uint64_t> step_numbers() const;
  /// Group::place() of the groups of one of those steps, in the order in which they lie there. \throws Error(bad_data).
  [[nodiscard]] std::vector<std::uint64_t> group_places(std::uint64_t index) const;
  /// \param index  below num_steps(). \throws Error(bad_data), naming the file and the dataset.
  /// A step without completions comes back with temperature 1: it has no row that could hold another.
  [[nodiscard]] RolloutStep read(std::uint64_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The segments of one rank in a folder, in order; of a segment that is both closed and live (the process
/// died between the renaming and the removal) only the closed file. Empty where there are none.
[[nodiscard]] std::vector<std::filesystem::path> rollout_segments(const std::filesystem::path& folder,
                                                                  std::uint64_t rank);

}  // namespace reckon
