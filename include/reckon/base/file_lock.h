#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace reckon {

/// Holds a file for one process: an flock(2), which the kernel lets go however the process ends. The file
/// names its holder for people ("pid 4711 on gpu02"), and stays when the lock is gone.
class FileLock {
 public:
  /// Makes the file where it is not there, and waits for the lock for so long.
  /// \param on_wait  called once, with the holder's name, where the lock is not free at once
  /// \throws Error(environment), naming the holder, where the lock is not free in time; Error(io).
  FileLock(const std::filesystem::path& file, double wait_seconds,
           const std::function<void(const std::string& holder)>& on_wait = {});
  /// Does not wait. \return null where another holds it. \throws Error(io)
  [[nodiscard]] static std::unique_ptr<FileLock> try_take(const std::filesystem::path& file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(const std::filesystem::path& file);  // not locked yet
  bool try_lock(const std::filesystem::path& file);

  int descriptor_ = -1;
};

}  // namespace reckon
