#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reckon {

/// The files of one segment in a folder.
struct SegmentFiles {
  bool closed = false;  ///< rank-00003.000012.h5
  bool part = false;    ///< rank-00003.000012.h5.part
};

/// The files of one rank in a folder.
struct RankFiles {
  std::map<std::uint64_t, SegmentFiles> segments;  ///< by number; neither flag where only a leftover is there
  std::vector<std::filesystem::path> leftovers;    ///< files that end in .tmp
  bool manifest = false;
};

/// What a folder holds of a rollout log, by rank; files of other names are not ours and not in it. Empty
/// where there is no folder.
[[nodiscard]] std::map<std::uint64_t, RankFiles> list_log_folder(const std::filesystem::path& folder);

}  // namespace reckon
