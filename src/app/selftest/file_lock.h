#pragma once

#include <filesystem>

namespace reckon::selftest {

/// An exclusive flock of a file, where nobody else has it.
class FileLock {
 public:
  /// \param file  is made where it is not there \throws Error(io) where it cannot be opened, or the file
  /// system knows no locks
  explicit FileLock(const std::filesystem::path& file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// False where another holds it.
  [[nodiscard]] bool is_held() const { return is_held_; }

 private:
  int descriptor_ = -1;
  bool is_held_ = false;
};

}  // namespace reckon::selftest
