#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "groups.h"
#include "run_files.h"

namespace reckon {

/// What a folder `rollouts/<stage>` has, by the names of its files.
struct LogFolder {
  struct Segment {
    std::filesystem::path file;  ///< closed, or where it is not, the .part
    bool part_beside = false;    ///< closed, and its .part is there too
    [[nodiscard]] bool is_part() const { return file.extension() == ".part"; }
  };
  std::map<std::uint64_t, std::map<std::uint64_t, Segment>> ranks;  ///< rank, number
  std::vector<std::string> leftovers;                               ///< of writing: .tmp
  std::vector<std::string> strangers;
};
[[nodiscard]] LogFolder read_log_folder(const std::filesystem::path& folder);

/// What was seen in a segment.
struct SegmentSeen {
  std::uint64_t number = 0, steps = 0, completions = 0, tokens = 0;
  std::set<std::string> prompts;  ///< a digest of each
  bool damaged = false;           ///< the counts are not of all of it
};

/// Reads what all ranks of a stage sampled, a step at a time, in the order of steps. A segment that cannot be
/// read is a fault, and passed over.
class StageReader {
 public:
  /// \param inspect  called with each segment when it is opened
  using Inspect = std::function<void(const std::filesystem::path&, const SegmentReader&)>;
  StageReader(const LogFolder& folder, Check& check, Inspect inspect);

  /// The next step of any rank; nothing at the end.
  [[nodiscard]] std::optional<LoggedStep> next();
  /// Whether a segment could not be read: what is missing may be in it.
  [[nodiscard]] bool damaged() const { return damaged_; }
  /// By name of the file.
  [[nodiscard]] const std::map<std::string, SegmentSeen>& seen() const { return seen_; }

 private:
  struct Rank {
    std::uint64_t number = 0;
    std::vector<std::filesystem::path> files;  ///< still to be read, the next one last
    std::string name;                          ///< of the open one
    std::unique_ptr<SegmentReader> reader;
    std::uint64_t index = 0;          ///< of the next step in it
    std::optional<RolloutStep> step;  ///< that was read and not taken
    std::optional<std::uint64_t> last;
  };
  void advance(Rank& rank);
  void open(Rank& rank);
  void count(const Rank& rank);

  Check& check_;
  Inspect inspect_;
  std::vector<Rank> ranks_;
  std::map<std::string, SegmentSeen> seen_;
  bool damaged_ = false;
};

/// Compares the manifests of a folder with its files and with what was seen in them.
void check_segment_manifests(const std::filesystem::path& folder, const LogFolder& files,
                             const std::map<std::string, SegmentSeen>& seen, Check& check);

}  // namespace reckon
