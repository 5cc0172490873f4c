#include "reckon/record/stage_log.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <optional>

#include "log_folder.h"
#include "reckon/base/error.h"
#include "reckon/record/batch_hash.h"
#include "reckon/record/guarded_log.h"
#include "segment_copy.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Segments that are kept open; each costs some megabytes.
constexpr std::size_t kMaxOpen = 8;

struct IndexedFile {
  fs::path path;
  std::uint64_t rank = 0;
  RolloutLogInfo info;
  std::vector<std::string> reward_term_names;
};

/// Where part of a step lies.
struct StepPart {
  std::size_t file = 0;     ///< index into the files
  std::uint64_t index = 0;  ///< of the step in the file
};

/// The numbers of some groups: first .. last.
struct GroupRange {
  std::uint64_t first = 0, last = 0;
};

struct IndexedStep {
  std::vector<StepPart> parts;  ///< in order of rank
  std::optional<GroupRange>
      groups;  ///< the lowest and the highest of all ranks; none where there is no group
};

std::string text_of(std::uint64_t number) {
  return std::to_string(number);
}

[[noreturn]] void reject(const fs::path& file, const std::string& what) {
  throw Error(ExitCode::bad_data, file.string() + ": " + what);
}

/// All segments of a stage must be of one run, and each what its name says.
void check_file(const IndexedFile& file, std::uint64_t segment, std::uint64_t number_in_name,
                std::uint64_t rank_in_name, const IndexedFile& first) {
  if (file.info.rank != rank_in_name || segment != number_in_name) {
    reject(file.path, "says that it is segment " + text_of(segment) + " of rank " + text_of(file.info.rank) +
                          " (need what its name says). Was it renamed?");
  }
  const auto same = [&](const std::string& what, const std::string& mine, const std::string& of_first) {
    if (mine == of_first) return;
    reject(file.path, "is of the " + what + " " + in_quotes(mine) + " (need " + in_quotes(of_first) +
                          ", as " + first.path.filename().string() + " is)");
  };
  same("run", file.info.run_id, first.info.run_id);
  same("stage", file.info.stage, first.info.stage);
  if (file.reward_term_names != first.reward_term_names) {
    reject(file.path, "has other reward terms than " + first.path.filename().string());
  }
}

void widen(std::optional<GroupRange>& range, std::uint64_t group) {
  if (!range) range = GroupRange{group, group};
  range->first = std::min(range->first, group);
  range->last = std::max(range->last, group);
}

std::uint64_t width(const GroupRange& range) {
  return range.last - range.first + 1;
}

}  // namespace

struct StageLog::Impl {
  std::vector<IndexedFile> files;
  std::map<std::uint64_t, IndexedStep> index;
  std::vector<std::uint64_t> steps;
  std::uint64_t num_groups = 0;  ///< of the fullest step
  Access access = Access::own;
  std::deque<std::pair<std::size_t, std::unique_ptr<RolloutLogSource>>>
      open;  ///< by index of the file, oldest first

  void add_file(const fs::path& path, std::uint64_t rank, std::uint64_t number);
  [[nodiscard]] std::unique_ptr<RolloutLogSource> open_file(const fs::path& path) const {
    return access == Access::own ? open_own_log(path) : open_log(path);
  }
  [[nodiscard]] const RolloutLogSource& reader(std::size_t file);
  [[nodiscard]] const IndexedStep& at(std::uint64_t step) const;
  [[nodiscard]] GroupRange needed_groups(std::uint64_t step) const;
  void check_order(const StageStep::File& file, const RolloutBatch& batch,
                   std::vector<std::string>& problems) const;
  void check_part(const StageStep& step, const StageStep::File& file, const RolloutBatch& batch,
                  bool is_first, std::vector<std::string>& problems) const;
  void check_groups(const StageStep& step, std::vector<std::string>& problems) const;
  StageStep read(std::uint64_t number, std::vector<std::string>& problems, bool compare_hashes);
};

void StageLog::Impl::add_file(const fs::path& path, std::uint64_t rank, std::uint64_t number) {
  const std::unique_ptr<RolloutLogSource> opened = open_file(path);
  const RolloutLogSource& reader = *opened;
  files.push_back({path, rank, reader.info(), reader.reward_term_names()});
  check_file(files.back(), reader.segment(), number, rank, files.front());
  if (files.size() > 1) files.back().info.recipe_text.clear();  // long, and nobody asks for it
  const std::vector<std::uint64_t> numbers = reader.step_numbers();
  for (std::uint64_t i = 0; i < numbers.size(); ++i) {
    IndexedStep& step = index[numbers[i]];
    if (!step.parts.empty() && files[step.parts.back().file].rank == rank) {
      reject(path, "has step " + text_of(numbers[i]) + ", which stands in " +
                       files[step.parts.back().file].path.filename().string() +
                       " too (need each step of a rank once)");
    }
    step.parts.push_back({files.size() - 1, i});
    for (const std::uint64_t group : reader.group_places(i)) widen(step.groups, group);
  }
}

const RolloutLogSource& StageLog::Impl::reader(std::size_t file) {
  const auto found =
      std::find_if(open.begin(), open.end(), [&](const auto& entry) { return entry.first == file; });
  if (found != open.end()) return *found->second;
  if (open.size() == kMaxOpen) open.pop_front();
  open.emplace_back(file, open_file(files[file].path));
  return *open.back().second;
}

const IndexedStep& StageLog::Impl::at(std::uint64_t step) const {
  const auto found = index.find(step);
  if (found != index.end()) return found->second;
  throw Error(ExitCode::internal,
              files.front().path.parent_path().string() + ": has no step " + text_of(step));
}

/// The groups that a step must have. At its ends it may lack some: what is between two steps belongs to the
/// first of them until that is as full as the fullest step, and then to the second.
GroupRange StageLog::Impl::needed_groups(std::uint64_t step) const {
  const auto here = index.find(step);
  GroupRange needed = *here->second.groups;
  const auto missing_at_end = [&](const GroupRange& range, const GroupRange& next) {
    const std::uint64_t gap = next.first > range.last + 1 ? next.first - range.last - 1 : 0;
    return std::min(gap, num_groups - width(range));
  };
  const auto next = index.find(step + 1);
  if (next != index.end() && next->second.groups) {
    needed.last += missing_at_end(*here->second.groups, *next->second.groups);
  }
  const auto before = step == 0 ? index.end() : index.find(step - 1);
  if (before != index.end() && before->second.groups) {
    const GroupRange& range = *before->second.groups;
    const std::uint64_t end = range.last + missing_at_end(range, *here->second.groups) + 1;
    needed.first = std::min(needed.first, std::max(end, range.last + 1));
  }
  return needed;
}

void StageLog::Impl::check_order(const StageStep::File& file, const RolloutBatch& batch,
                                 std::vector<std::string>& problems) const {
  for (std::size_t i = 1; i < batch.groups.size(); ++i) {
    if (batch.groups[i].place() > batch.groups[i - 1].place()) continue;
    problems.push_back(file.path.string() + ": step " + text_of(batch.step) + ": group " +
                       text_of(batch.groups[i].place()) + " comes after group " +
                       text_of(batch.groups[i - 1].place()) + " (need ascending groups)");
  }
}

void StageLog::Impl::check_part(const StageStep& step, const StageStep::File& file, const RolloutBatch& batch,
                                bool is_first, std::vector<std::string>& problems) const {
  check_order(file, batch, problems);
  const std::string where = file.path.string() + ": step " + text_of(batch.step) + ": ";
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  if (!is_first && bits(batch.temperature) != bits(step.temperature)) {
    problems.push_back(where + "the temperature is " + std::to_string(batch.temperature) + " (need " +
                       std::to_string(step.temperature) + ", as in the file before)");
  }
  const StepHashes& first = step.files.front().hashes;
  if (file.hashes.weights_before_sha256 != first.weights_before_sha256 ||
      file.hashes.weights_after_sha256 != first.weights_after_sha256) {
    problems.push_back(where + "names other weights than " + step.files.front().path.filename().string());
  }
}

void StageLog::Impl::check_groups(const StageStep& step, std::vector<std::string>& problems) const {
  if (step.groups.empty()) return;
  const std::string where =
      files.front().path.parent_path().string() + ": step " + text_of(step.step) + ": group ";
  const auto name_of = [&](std::size_t group) {
    return step.files[step.file_of_group[group]].path.filename().string();
  };
  const auto before = step.step == 0 ? index.end() : index.find(step.step - 1);
  if (before != index.end() && before->second.groups &&
      before->second.groups->last >= step.groups.front().place()) {
    problems.push_back(where + text_of(step.groups.front().place()) + " comes after group " +
                       text_of(before->second.groups->last) + " of step " + text_of(step.step - 1) +
                       " (need groups that ascend from step to step)");
  }
  const GroupRange needed = needed_groups(step.step);
  std::uint64_t next = needed.first;
  const auto report_missing = [&](std::uint64_t end) {
    if (end - next > 1) {
      problems.push_back(where + text_of(next) + " and " + text_of(end - next - 1) +
                         " after it are missing (need " + text_of(needed.first) + " to " +
                         text_of(needed.last) + ")");
    } else if (end - next == 1) {
      problems.push_back(where + text_of(next) + " is missing (need " + text_of(needed.first) + " to " +
                         text_of(needed.last) + ")");
    }
  };
  for (std::size_t i = 0; i < step.groups.size(); ++i) {
    const std::uint64_t group = step.groups[i].place();
    if (i > 0 && group == step.groups[i - 1].place()) {
      problems.push_back(where + text_of(group) + " stands twice, in " + name_of(i - 1) + " and " +
                         name_of(i));
      continue;
    }
    report_missing(group);
    next = group + 1;
  }
  report_missing(needed.last + 1);
}

StageStep StageLog::Impl::read(std::uint64_t number, std::vector<std::string>& problems,
                               bool compare_hashes) {
  StageStep step;
  step.step = number;
  step.reward_term_names = files.front().reward_term_names;
  std::vector<std::pair<Group, std::size_t>> groups;
  for (const StepPart& part : at(number).parts) {
    RolloutStep read;
    try {
      read = reader(part.file).read(part.index);
    } catch (const Error& error) {
      problems.push_back("step " + text_of(number) + ": " + error.what());
      continue;
    }
    step.files.push_back({files[part.file].path, read.hashes});
    const bool is_first = groups.empty();
    // A file without groups has no row that could hold a temperature.
    if (is_first && !read.batch.groups.empty()) step.temperature = read.batch.temperature;
    check_part(step, step.files.back(), read.batch, is_first || read.batch.groups.empty(), problems);
    if (compare_hashes && batch_sha256(read.batch) != read.hashes.batch_sha256) {
      problems.push_back(files[part.file].path.string() + ": step " + text_of(number) +
                         ": the SHA-256 of its completions is not its batch_sha256. Was it changed?");
    }
    for (Group& group : read.batch.groups) groups.emplace_back(std::move(group), step.files.size() - 1);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.first.place() < b.first.place(); });
  for (auto& [group, file] : groups) {
    step.groups.push_back(std::move(group));
    step.file_of_group.push_back(file);
  }
  check_groups(step, problems);
  return step;
}

StageLog::StageLog(const fs::path& folder, LiveSegments live, Access access)
    : impl_(std::make_unique<Impl>()) {
  impl_->access = access;
  for (const auto& [rank, there] : list_log_folder(folder)) {
    for (const auto& [number, segment] : there.segments) {
      const fs::path closed = folder / segment_file_name(rank, number);
      if (segment.closed) {
        impl_->add_file(closed, rank, number);
      } else if (segment.part && live == LiveSegments::read) {
        impl_->add_file(closed.string() + ".part", rank, number);
      }
    }
  }
  if (impl_->files.empty()) {
    throw Error(ExitCode::missing_input,
                folder.string() + ": has no segment of a rollout log (need rank-00000.000000.h5 or others)");
  }
  for (const auto& [number, step] : impl_->index) {
    impl_->steps.push_back(number);
    if (step.groups) impl_->num_groups = std::max(impl_->num_groups, width(*step.groups));
  }
}

StageLog::~StageLog() = default;
StageLog::StageLog(StageLog&&) noexcept = default;
StageLog& StageLog::operator=(StageLog&&) noexcept = default;

const RolloutLogInfo& StageLog::info() const {
  return impl_->files.front().info;
}
const std::vector<std::uint64_t>& StageLog::steps() const {
  return impl_->steps;
}

StageStep StageLog::read(std::uint64_t number) const {
  std::vector<std::string> problems;
  StageStep step = impl_->read(number, problems, false);
  if (!problems.empty()) throw Error(ExitCode::bad_data, problems.front());
  return step;
}

std::vector<std::string> StageLog::problems(std::uint64_t number) const {
  std::vector<std::string> problems;
  static_cast<void>(impl_->read(number, problems, true));
  return problems;
}

}  // namespace reckon
