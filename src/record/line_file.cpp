#include "reckon/record/line_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// A file descriptor that closes itself.
struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

}  // namespace

LineFile::LineFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw system_error(ExitCode::io, path_.string() + ": cannot write", errno);
}

LineFile::LineFile(LineFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

LineFile::~LineFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void LineFile::append(std::string_view line) {
  std::string bytes(line);
  bytes.push_back('\n');
  const off_t start =
      lseek(descriptor_, 0, SEEK_END);  // negative for a pipe, from which nothing can be taken back
  ssize_t written = -1;
  do {
    errno = 0;
    written = write(descriptor_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(bytes.size())) return;
  const int reason =
      written < 0 ? errno : ENOSPC;  // a file takes less than it was given only where the disk is full
  if (written > 0 && start >= 0) static_cast<void>(!ftruncate(descriptor_, start));
  throw system_error(ExitCode::io,
                     path_.string() + ": cannot append a line of " + std::to_string(bytes.size()) + " bytes",
                     reason);
}

void LineFile::truncate(std::uint64_t bytes) {
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  if (size >= 0 && static_cast<std::uint64_t>(size) < bytes) {
    throw Error(ExitCode::bad_data, path_.string() + ": has " + std::to_string(size) +
                                        " bytes (need at least " + std::to_string(bytes) +
                                        " to cut it there)");
  }
  if (size < 0 || ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
    throw system_error(ExitCode::io,
                       path_.string() + ": cannot cut the file at byte " + std::to_string(bytes), errno);
  }
}

void LineFile::sync() {
  if (fsync(descriptor_) != 0) throw system_error(ExitCode::io, path_.string() + ": fsync failed", errno);
}

std::uint64_t LineFile::bytes() const {
  const off_t end = lseek(descriptor_, 0, SEEK_END);
  if (end < 0) throw system_error(ExitCode::io, path_.string() + ": has no size", errno);
  return static_cast<std::uint64_t>(end);
}

void rewind_lines(const std::filesystem::path& file, std::uint64_t bytes) {
  const Descriptor opened{open(file.c_str(), O_RDWR | O_CLOEXEC)};
  const bool is_there = opened.number >= 0;
  if (!is_there && errno != ENOENT) throw system_error(ExitCode::io, file.string() + ": cannot open", errno);
  const off_t size = is_there ? lseek(opened.number, 0, SEEK_END) : 0;
  if (size < 0) throw system_error(ExitCode::io, file.string() + ": cannot seek", errno);
  if (static_cast<std::uint64_t>(size) < bytes) {
    throw Error(ExitCode::bad_data, file.string() + ": has " + std::to_string(size) +
                                        " bytes (need at least " + std::to_string(bytes) +
                                        "). Was it cut short or replaced?");
  }
  if (!is_there) return;
  char last = '\n';
  if (bytes != 0 && pread(opened.number, &last, 1, static_cast<off_t>(bytes) - 1) != 1) {
    throw system_error(ExitCode::io, file.string() + ": cannot read", errno);
  }
  if (last != '\n') {
    throw Error(ExitCode::bad_data, file.string() + ": byte " + std::to_string(bytes) +
                                        " does not end a line (need a line feed there). Was it changed?");
  }
  if (static_cast<std::uint64_t>(size) != bytes && ftruncate(opened.number, static_cast<off_t>(bytes)) != 0) {
    throw system_error(ExitCode::io, file.string() + ": cannot cut back", errno);
  }
  if (fsync(opened.number) != 0) throw system_error(ExitCode::io, file.string() + ": fsync failed", errno);
}

}  // namespace reckon
