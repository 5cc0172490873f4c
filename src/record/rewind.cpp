#include "reckon/record/rewind.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "log_folder.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/rollout_log.h"
#include "segment_copy.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// A line of a manifest as it stands there.
struct ListedFile {
  std::string line;
  std::uint64_t bytes = 0;
};
using Listed = std::map<std::string, ListedFile>;  ///< by name of the file

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

Listed read_manifest(const fs::path& manifest) {
  Listed listed;
  const std::string text = read_file(manifest);
  std::size_t number = 1;
  std::size_t start = 0;
  // What follows the last line feed was cut off by a crash.
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1, ++number) {
    const std::string line = text.substr(start, end - start);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("file") || !object["file"].is_string() ||
        !object.contains("bytes") || !object["bytes"].is_number_unsigned()) {
      throw Error(ExitCode::bad_data, manifest.string() + ":" + std::to_string(number) +
                                          ": is no line of a manifest (need a JSON object with \"file\" and "
                                          "\"bytes\"). Is the file damaged?");
    }
    listed[object["file"]] = {line, object["bytes"]};
  }
  return listed;
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

void check_listed_size(const fs::path& file, const ListedFile& listed) {
  const std::uint64_t bytes = fs::file_size(file);
  if (bytes == listed.bytes) return;
  throw Error(ExitCode::bad_data, file.string() + ": has " + std::to_string(bytes) + " bytes (need " +
                                      std::to_string(listed.bytes) +
                                      ", as the manifest says). Was it changed after it was written?");
}

/// The log of one rank. Whatever can fail because of what is there fails while nothing has been changed.
class RankRewind {
 public:
  RankRewind(const fs::path& folder, std::uint64_t rank, const RankFiles& files)
      : folder_(folder), manifest_(folder / manifest_file_name(rank)), rank_(rank), files_(files) {}

  void run(std::uint64_t last_step) {
    if (files_.manifest) listed_ = read_manifest(manifest_);
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
      const std::vector<std::uint64_t> steps = ascending_steps(segment.source);
      const auto end = std::upper_bound(steps.begin(), steps.end(), last_step);
      segment.num_steps = static_cast<std::uint64_t>(end - steps.begin());
      const bool as_it_is = there.closed && end == steps.end();
      segment.action = segment.num_steps == 0 ? Action::remove : as_it_is ? Action::leave : Action::replace;
      look_up(segment, there.closed);
      plan_.push_back(std::move(segment));
    }
    for (const auto& [name, file] : listed_) {
      if (!fs::exists(folder_ / name)) {
        throw Error(ExitCode::bad_data, (folder_ / name).string() + ": is not there, but " +
                                            manifest_.filename().string() + " lists it");
      }
    }
  }

  /// Finds or makes the line of a segment that stays as it is.
  void look_up(SegmentPlan& segment, bool closed) {
    const auto listed = listed_.find(segment.final_path.filename().string());
    if (closed && listed != listed_.end()) check_listed_size(segment.final_path, listed->second);
    if (segment.action != Action::leave) return;
    segment.line = listed != listed_.end()
                       ? listed->second.line
                       : manifest_line(segment.final_path, segment.number, check_segment(segment.final_path));
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
  Listed listed_;
  std::vector<SegmentPlan> plan_;
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
