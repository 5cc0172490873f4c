#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reckon {

/// A text file that only grows, a line at a time. Each line is one write(2): nothing waits in a buffer of
/// ours, and a reader never sees two lines mixed.
class LineFile {
 public:
  /// Opens or makes the file. \throws Error(io).
  explicit LineFile(std::filesystem::path path);
  ~LineFile();
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&&) = delete;

  /// Adds the line and its end. \throws Error(io), after taking back what was written of it.
  void append(std::string_view line);
  /// Takes away what stands behind the first `bytes` of the file. \throws Error(io); Error(bad_data) where
  /// the file is shorter than that.
  void truncate(std::uint64_t bytes);
  /// Makes all lines durable (fsync). \throws Error(io).
  void sync();
  /// Of the file. \throws Error(io).
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Cuts a file of lines back to its first `bytes`, which end a line, and makes that durable. A file that is
/// not there has 0 bytes. No one may have it open for appending.
/// \throws Error(bad_data) where the file is shorter or the byte before is no line feed; Error(io).
void rewind_lines(const std::filesystem::path& file, std::uint64_t bytes);

}  // namespace reckon
