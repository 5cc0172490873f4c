#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace reckon {

/// Reads a whole file. \throws Error(missing_input) where it is not there or cannot be read, Error(bad_data)
/// where it is longer than max_bytes.
[[nodiscard]] std::string read_file(const std::filesystem::path& path,
                                    std::size_t max_bytes = std::size_t{1} << 40);

/// Writes a file so that no one ever sees half of it: to `path.tmp`, fsync, rename, fsync of the folder.
/// Failpoints `atomic_file.write`, `atomic_file.rename`. \throws Error(io); the temporary file is removed.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

/// The same where the bytes come in pieces: `produce` calls its argument once for each piece.
using ByteSink = std::function<void(std::string_view)>;
void write_file_atomic(const std::filesystem::path& path,
                       const std::function<void(const ByteSink&)>& produce);

/// Makes what was written or renamed in a file or folder durable. \throws Error(io).
void fsync_path(const std::filesystem::path& path);

/// Makes a folder and its parents. \throws Error(io), naming the folder.
void make_folders(const std::filesystem::path& path);

}  // namespace reckon
