#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace reckon {

/// What a manifest says of a closed segment.
struct ListedSegment {
  std::string line;  ///< as it stands there
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// A rank's manifest, by name of the file. What follows the last line feed was cut off by a crash and is left
/// out. \throws Error(bad_data) naming the line that is no line of a manifest.
[[nodiscard]] std::map<std::string, ListedSegment> read_segment_manifest(
    const std::filesystem::path& manifest);

/// What is wrong with a file that is listed, but for its content; "" where it is there and has its size.
[[nodiscard]] std::string listed_size_problem(const std::filesystem::path& file, const ListedSegment& listed);

}  // namespace reckon
