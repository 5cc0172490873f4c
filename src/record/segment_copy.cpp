#include "segment_copy.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "reckon/base/atomic_file.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/sha256.h"
#include "reckon/record/line_file.h"
#include "reckon/record/rollout_log.h"
#include "rollout_schema.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr hsize_t kPiece = hsize_t{1} << 20;  ///< elements; whole chunks of the copy

/// How many elements of each column belong to the first steps of a segment. Rows are appended in order, and a
/// prompt gets its row when it is first used: what belongs to the first steps is the beginning of each
/// column.
class FirstRows {
 public:
  FirstRows(std::string path, RolloutTables& from, std::uint64_t num_steps) : path_(std::move(path)) {
    visit_all(from,
              [&](const std::string& name, auto& column, Element) { columns_[name] = &column.dataset; });
    counts_.steps = num_steps;
    if (num_steps != 0) {
      counts_.completions = read_number("steps/first_completion", num_steps - 1) +
                            read_number("steps/num_completions", num_steps - 1);
    }
    counts_.tokens = read_number("completions/token_offset", counts_.completions);
    counts_.prompts = num_prompts();
  }

  [[nodiscard]] const SegmentCounts& counts() const { return counts_; }

  /// Elements of one column, which has them.
  [[nodiscard]] hsize_t of(const std::string& name) const {
    const hsize_t rows = rows_of(name);
    const auto ends_with = [&](std::string_view ending) { return name.ends_with(ending); };
    hsize_t needed = rows;
    if (ends_with("/offsets") || ends_with("/token_offset")) {
      needed = rows + 1;
    } else if (ends_with("/values")) {
      needed = read_number(name.substr(0, name.rfind('/')) + "/offsets", rows);
    }
    require(name, needed);
    return needed;
  }

 private:
  [[nodiscard]] hsize_t rows_of(const std::string& name) const {
    if (name.starts_with("prompts/")) return counts_.prompts;
    if (name.starts_with("tokens/")) return counts_.tokens;
    return name.starts_with("steps/") ? counts_.steps : counts_.completions;
  }

  void require(const std::string& name, hsize_t needed) const {
    const hsize_t size = columns_.at(name)->size();
    if (size >= needed) return;
    throw Error(ExitCode::bad_data, path_ + ": " + name + ": " + std::to_string(size) + " rows (need " +
                                        std::to_string(needed) + " for the first " +
                                        std::to_string(counts_.steps) + " steps). Is the file damaged?");
  }

  [[nodiscard]] std::uint64_t read_number(const std::string& name, std::uint64_t row) const {
    require(name, row + 1);
    std::uint64_t number = 0;
    columns_.at(name)->read(&number, row, 1);
    return number;
  }

  [[nodiscard]] std::uint64_t num_prompts() const {
    const std::string name = "completions/prompt_row";
    require(name, counts_.completions);
    std::uint64_t end = 0;
    std::vector<std::uint64_t> rows;
    for (hsize_t first = 0; first < counts_.completions; first += kPiece) {
      rows.resize(std::min(kPiece, counts_.completions - first));
      columns_.at(name)->read(rows.data(), first, rows.size());
      end = std::max(end, *std::max_element(rows.begin(), rows.end()) + 1);
    }
    return end;
  }

  std::string path_;
  std::map<std::string, hdf5::Dataset*> columns_;
  SegmentCounts counts_;
};

void copy_rows(RolloutTables& from, const FirstRows& rows, RolloutTables& to) {
  std::vector<hdf5::Dataset*> sources;
  visit_all(from, [&](const std::string&, auto& column, Element) { sources.push_back(&column.dataset); });
  auto source = sources.begin();
  visit_all(to, [&]<class T>(const std::string& name, Column<T>& column, Element) {
    const hdf5::Dataset& elements = **source++;
    const hsize_t end = rows.of(name);
    for (hsize_t first = 0; first < end; first += kPiece) {
      column.pending.resize(std::min(kPiece, end - first));
      elements.read(column.pending.data(), first, column.pending.size());
      column.commit();
    }
  });
}

SegmentCounts write_copy(const fs::path& segment, std::uint64_t num_steps, const fs::path& temporary) {
  const RolloutLogReader reader(segment);
  const hdf5::File source = hdf5::File::open(segment, segment.extension() == ".part", ExitCode::bad_data);
  RolloutTables from;
  open_rollout_tables(source, from, reader.reward_term_names());
  const FirstRows rows(segment.string(), from, num_steps);
  hdf5::File copy = hdf5::File::create(temporary);
  {
    RolloutTables to;
    create_rollout_tables(copy, to, reader.info(), reader.segment(), reader.reward_term_names(),
                          ChunkSize::closed);
    copy_rows(from, rows, to);
  }
  copy.close();
  fsync_path(temporary);
  return rows.counts();
}

}  // namespace

std::string segment_file_name(std::uint64_t rank, std::uint64_t segment) {
  char name[64];
  std::snprintf(name, sizeof name, "rank-%05llu.%06llu.h5", static_cast<unsigned long long>(rank),
                static_cast<unsigned long long>(segment));
  return name;
}

std::string manifest_file_name(std::uint64_t rank) {
  char name[64];
  std::snprintf(name, sizeof name, "manifest-rank-%05llu.jsonl", static_cast<unsigned long long>(rank));
  return name;
}

SegmentCounts copy_segment(const fs::path& segment, std::uint64_t num_steps, const fs::path& temporary) {
  try {
    return write_copy(segment, num_steps, temporary);
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
}

SegmentCounts check_segment(const fs::path& segment) {
  const RolloutLogReader reader(segment);
  for (std::uint64_t i = 0; i < reader.num_steps(); ++i) static_cast<void>(reader.read(i));
  const hdf5::File file = hdf5::File::open(segment, segment.extension() == ".part", ExitCode::bad_data);
  RolloutTables tables;
  open_rollout_tables(file, tables, reader.reward_term_names());
  return FirstRows(segment.string(), tables, reader.num_steps()).counts();
}

std::string manifest_line(const fs::path& file, std::uint64_t segment, const SegmentCounts& counts) {
  nlohmann::ordered_json line;
  line["file"] = file.filename().string();
  line["segment"] = segment;
  line["steps"] = counts.steps;
  line["prompts"] = counts.prompts;
  line["completions"] = counts.completions;
  line["tokens"] = counts.tokens;
  line["bytes"] = static_cast<std::uint64_t>(fs::file_size(file));
  line["sha256"] = sha256_of_file(file);
  return line.dump();
}

void rename_file(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    throw system_error(ExitCode::io, to.string() + ": cannot rename " + from.string(), errno);
  }
}

void rewrite_segment(const fs::path& final_path, std::uint64_t rank, std::uint64_t segment) {
  const fs::path part = final_path.string() + ".part";
  const fs::path temporary = final_path.string() + ".tmp";
  failpoint("rollout_log.close");
  const SegmentCounts counts = copy_segment(part, RolloutLogReader(part).num_steps(), temporary);
  failpoint("rollout_log.rename");
  rename_file(temporary, final_path);
  fsync_path(final_path.parent_path());
  LineFile manifest(final_path.parent_path() / manifest_file_name(rank));
  manifest.append(manifest_line(final_path, segment, counts));
  manifest.sync();
  // Only now: while the .part stands beside the closed file, the manifest may lack its line.
  std::error_code ignored;
  fs::remove(part, ignored);
}

}  // namespace reckon
