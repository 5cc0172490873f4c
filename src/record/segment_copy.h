#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace reckon {

/// How many rows a segment holds.
struct SegmentCounts {
  std::uint64_t steps = 0, prompts = 0, completions = 0, tokens = 0;
};

/// `rank-00003.000012.h5`.
[[nodiscard]] std::string segment_file_name(std::uint64_t rank, std::uint64_t segment);
/// `manifest-rank-00003.jsonl`.
[[nodiscard]] std::string manifest_file_name(std::uint64_t rank);

/// Writes the first steps of a segment, with just the rows that belong to them, as the ordinary file
/// `temporary`, and makes it durable. No one may have the segment open for writing.
/// \param num_steps  at most as many as the segment has
/// \throws Error(bad_data), naming the file and the dataset, where the segment is damaged; Error(io) where
/// the copy cannot be written. `temporary` is then not there.
SegmentCounts copy_segment(const std::filesystem::path& segment, std::uint64_t num_steps,
                           const std::filesystem::path& temporary);

/// Reads all of a segment. \throws Error(bad_data), naming the file and the dataset.
SegmentCounts check_segment(const std::filesystem::path& segment);

/// The line of the manifest for a closed segment, whose size and hash are taken from the file.
[[nodiscard]] std::string manifest_line(const std::filesystem::path& file, std::uint64_t segment,
                                        const SegmentCounts& counts);

/// Gives a file another name, in the place of what had it. \throws Error(io).
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Rewrites `<final_path>.part`, which no one has open for writing, as the ordinary file final_path; lists it
/// in the manifest; removes the .part. \throws Error(io), Error(bad_data); final_path is then either not
/// there or complete.
void rewrite_segment(const std::filesystem::path& final_path, std::uint64_t rank, std::uint64_t segment);

}  // namespace reckon
