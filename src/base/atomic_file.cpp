#include "reckon/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw system_error(ExitCode::io, path.string() + ": cannot write", errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    throw Error(ExitCode::missing_input, path.string() + ": is a folder (need a file)");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw system_error(ExitCode::missing_input, path.string() + ": cannot read", errno);
  std::string bytes;
  std::string buffer(std::size_t{1} << 16, '\0');
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    bytes.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > max_bytes) {
      throw Error(ExitCode::bad_data,
                  path.string() + ": longer than " + std::to_string(max_bytes) + " bytes");
    }
  }
  return bytes;
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  write_file_atomic(path, [&](const ByteSink& sink) { sink(bytes); });
}

void write_file_atomic(const fs::path& path, const std::function<void(const ByteSink&)>& produce) {
  const fs::path temporary = path.string() + ".tmp";
  try {
    const Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) throw system_error(ExitCode::io, temporary.string() + ": cannot write", errno);
    produce([&](std::string_view piece) { write_all(file.get(), piece, temporary); });
    failpoint("atomic_file.write");
    if (fsync(file.get()) != 0)
      throw system_error(ExitCode::io, temporary.string() + ": fsync failed", errno);
    failpoint("atomic_file.rename");
    if (rename(temporary.c_str(), path.c_str()) != 0) {
      throw system_error(ExitCode::io, path.string() + ": cannot rename " + temporary.string(), errno);
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  fsync_path(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void fsync_path(const fs::path& path) {
  const Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0 || fsync(descriptor.get()) != 0) {
    throw system_error(ExitCode::io, path.string() + ": fsync failed", errno);
  }
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(ExitCode::io, path.string() + ": cannot make the folder: " + error.message());
}

}  // namespace reckon
