#include "reckon/record/rewind.h"

#include <algorithm>

#include "log_folder.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/rollout_log.h"
#include "segment_copy.h"
#include "segment_manifest.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

enum class Action { leave, replace, remove };

struct SegmentPlan {
  std::uint64_t number = 0;
  fs::path final_path;
  fs::path source;           ///< where its steps are: final_path, or the .part
  bool part_beside = false;  ///< both are there
  Action action = Action::leave;
  std::uint64_t num_steps = 0;  ///< that stay
  std::string line;             ///< of the manifest, for what stays
};

fs::path part_of(const SegmentPlan& segment) {
  return segment.final_path.string() + ".part";
}
fs::path copy_of(const SegmentPlan& segment) {
  return segment.final_path.string() + ".tmp";
}

/// The steps of a segment, which must ascend.
std::vector<std::uint64_t> ascending_steps(const fs::path& segment) {
  std::vector<std::uint64_t> steps = RolloutLogReader(segment).step_numbers();
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i] <= steps[i - 1]) {
      throw Error(ExitCode::bad_data, segment.string() + ": steps/step: row " + std::to_string(i) + " is " +
                                          std::to_string(steps[i]) + " after " +
                                          std::to_string(steps[i - 1]) + " (need ascending steps)");
    }
  }
  return steps;
}

/// The log of one rank. Whatever can fail because of what is there fails while nothing has been changed.
class RankRewind {
 public:
  RankRewind(const fs::path& folder, std::uint64_t rank, const RankFiles& files)
      : folder_(folder), manifest_(folder / manifest_file_name(rank)), rank_(rank), files_(files) {}

  void run(std::uint64_t last_step) {
    if (files_.manifest) listed_ = read_segment_manifest(manifest_);
    plan(last_step);
    failpoint("rollout_log.rewind");
    for (const fs::path& leftover : files_.leftovers) fs::remove(leftover);
    make_copies();
    // From here on a line of the manifest stands only for a file that stays as it is: killed in between, the
    // next call does not take the old hash for the new file's.
    write_manifest();
    failpoint("rollout_log.rewind_replace");
    for (const SegmentPlan& segment : plan_) change(segment);
    fsync_path(folder_);
    list_new_files();
    failpoint("rollout_log.rewind_manifest");
    write_manifest();
  }

 private:
  void plan(std::uint64_t last_step) {
    for (const auto& [number, there] : files_.segments) {
      if (!there.closed && !there.part) continue;
      SegmentPlan segment;
      segment.number = number;
      segment.final_path = folder_ / segment_file_name(rank_, number);
      segment.source = there.closed ? segment.final_path : part_of(segment);
      segment.part_beside = there.closed && there.part;
      const std::vector<std::uint64_t> steps = steps_of(segment, last_step);
      if (!steps.empty() && steps.back() >= last_step) reached_ = true;
      const auto end = std::upper_bound(steps.begin(), steps.end(), last_step);
      segment.num_steps = static_cast<std::uint64_t>(end - steps.begin());
      const bool as_it_is = there.closed && end == steps.end();
      segment.action = segment.num_steps == 0 ? Action::remove : as_it_is ? Action::leave : Action::replace;
      if (segment.action == Action::leave) segment.line = line_of(segment);
      plan_.push_back(std::move(segment));
    }
    for (const auto& [name, file] : listed_) {
      const std::string problem = listed_size_problem(folder_ / name, file);
      if (!problem.empty()) throw Error(ExitCode::bad_data, problem);
    }
  }

  /// The steps of a segment. A `.part` that cannot be read is taken for empty where none of its steps could
  /// stay: segments before it reach last_step, or nothing is to stay at all.
  [[nodiscard]] std::vector<std::uint64_t> steps_of(const SegmentPlan& segment,
                                                    std::uint64_t last_step) const {
    try {
      return ascending_steps(segment.source);
    } catch (const Error&) {
      const bool is_needed = !reached_ && last_step != 0;
      if (is_needed || segment.source == segment.final_path) throw;
      return {};
    }
  }

  /// The manifest's line of a segment that stays as it is.
  [[nodiscard]] std::string line_of(const SegmentPlan& segment) const {
    const auto listed = listed_.find(segment.final_path.filename().string());
    if (listed != listed_.end()) return listed->second.line;
    return manifest_line(segment.final_path, segment.number, check_segment(segment.final_path));
  }

  void make_copies() {
    try {
      for (SegmentPlan& segment : plan_) {
        if (segment.action != Action::replace) continue;
        counts_[segment.number] = copy_segment(segment.source, segment.num_steps, copy_of(segment));
        failpoint("rollout_log.rewind_copy");
      }
    } catch (...) {
      std::error_code ignored;
      for (const SegmentPlan& segment : plan_) fs::remove(copy_of(segment), ignored);
      throw;
    }
  }

  void change(const SegmentPlan& segment) const {
    if (segment.action == Action::leave && !segment.part_beside) return;
    // The .part goes last: while it is there alone, its steps are nowhere else.
    if (segment.action == Action::replace) rename_file(copy_of(segment), segment.final_path);
    if (segment.action == Action::remove) fs::remove(segment.final_path);
    fsync_path(folder_);
    fs::remove(part_of(segment));
    failpoint("rollout_log.rewind_segment");
  }

  void list_new_files() {
    for (SegmentPlan& segment : plan_) {
      if (segment.action != Action::replace) continue;
      segment.line = manifest_line(segment.final_path, segment.number, counts_.at(segment.number));
    }
  }

  /// Writes the lines that are known, where the file says something else.
  void write_manifest() const {
    std::string text;
    for (const SegmentPlan& segment : plan_) {
      if (!segment.line.empty()) text += segment.line + "\n";
    }
    const bool there = fs::exists(manifest_);
    if (text.empty()) {
      if (there) fs::remove(manifest_);
    } else if (!there || read_file(manifest_) != text) {
      write_file_atomic(manifest_, text);
    }
  }

  fs::path folder_, manifest_;
  std::uint64_t rank_;
  const RankFiles& files_;
  std::map<std::string, ListedSegment> listed_;
  std::vector<SegmentPlan> plan_;
  bool reached_ = false;  ///< a segment that is in the plan has last_step or a later one
  std::map<std::uint64_t, SegmentCounts> counts_;
};

}  // namespace

void rewind_rollout_log(const fs::path& folder, std::uint64_t last_step, std::uint64_t share,
                        std::uint64_t num_shares) {
  if (num_shares == 0 || share >= num_shares) {
    throw Error(ExitCode::internal, "rewind_rollout_log: share " + std::to_string(share) + " of " +
                                        std::to_string(num_shares) + " (need a share below their number)");
  }
  try {
    for (const auto& [rank, files] : list_log_folder(folder)) {
      if (rank % num_shares == share) RankRewind(folder, rank, files).run(last_step);
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ExitCode::io, error.path1().string() + ": " + error.code().message());
  }
}

}  // namespace reckon
