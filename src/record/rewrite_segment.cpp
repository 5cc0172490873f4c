#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "reckon/base/atomic_file.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/sha256.h"
#include "reckon/record/line_file.h"
#include "rollout_schema.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Copies all rows of all columns, in pieces that are whole chunks of the destination.
void copy_rows(RolloutTables& from, RolloutTables& to) {
  constexpr hsize_t kPiece = hsize_t{1} << 20;
  std::vector<hdf5::Dataset*> sources;
  visit_all(from, [&](const std::string&, auto& column, Element) { sources.push_back(&column.dataset); });
  auto source = sources.begin();
  visit_all(to, [&]<class T>(const std::string&, Column<T>& column, Element) {
    const hdf5::Dataset& rows = **source++;
    for (hsize_t first = 0; first < rows.size(); first += kPiece) {
      column.pending.resize(std::min(kPiece, rows.size() - first));
      rows.read(column.pending.data(), first, column.pending.size());
      column.commit();
    }
  });
}

SegmentCounts write_copy(const fs::path& part, const fs::path& temporary, const RolloutLogInfo& info,
                         std::uint64_t segment, const std::vector<std::string>& reward_term_names) {
  const hdf5::File source = hdf5::File::open(part, true, ExitCode::io);
  RolloutTables from;
  open_rollout_tables(source, from, reward_term_names);
  RolloutLogInfo same = info;
  same.created = source.read_text_attribute("/", "created");
  hdf5::File copy = hdf5::File::create(temporary, hdf5::File::Existing::replace);
  SegmentCounts counts;
  {
    RolloutTables to;
    create_rollout_tables(copy, to, same, segment, reward_term_names, ChunkSize::closed);
    copy_rows(from, to);
    counts = {to.steps.step.size(), to.prompts.id.size(), to.completions.step.size(), to.tokens.id.size()};
  }
  copy.close();
  fsync_path(temporary);
  return counts;
}

void list_in_manifest(const fs::path& final_path, const RolloutLogInfo& info, std::uint64_t segment,
                      const SegmentCounts& counts, const std::string& sha256) {
  nlohmann::ordered_json line;
  line["file"] = final_path.filename().string();
  line["segment"] = segment;
  line["steps"] = counts.steps;
  line["prompts"] = counts.prompts;
  line["completions"] = counts.completions;
  line["tokens"] = counts.tokens;
  line["bytes"] = static_cast<std::uint64_t>(fs::file_size(final_path));
  line["sha256"] = sha256;
  LineFile manifest(final_path.parent_path() / manifest_file_name(info.rank));
  manifest.append(line.dump());
  manifest.sync();
}

}  // namespace

void rewrite_segment(const fs::path& final_path, const RolloutLogInfo& info, std::uint64_t segment,
                     const std::vector<std::string>& reward_term_names) {
  const fs::path part = final_path.string() + ".part";
  const fs::path temporary = final_path.string() + ".tmp";
  failpoint("rollout_log.close");
  SegmentCounts counts;
  std::string sha256;
  try {
    counts = write_copy(part, temporary, info, segment, reward_term_names);
    sha256 = sha256_of_file(temporary);
    failpoint("rollout_log.rename");
    if (std::rename(temporary.c_str(), final_path.c_str()) != 0) {
      throw system_error(ExitCode::io, final_path.string() + ": cannot rename " + temporary.string(), errno);
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  fsync_path(final_path.parent_path());
  list_in_manifest(final_path, info, segment, counts, sha256);
  // Only now: while the .part stands beside the closed file, the manifest may lack its line.
  std::error_code ignored;
  fs::remove(part, ignored);
}

}  // namespace reckon
