#include "reckon/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "reckon/base/error.h"

namespace reckon {
namespace {

std::string holder_of(int descriptor) {
  char text[256];
  const ssize_t size = pread(descriptor, text, sizeof text, 0);
  std::string holder(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "another process" : holder;
}

void write_holder(int descriptor) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const std::string text = "pid " + std::to_string(getpid()) + " on " + host + "\n";
  // For people alone: a lock whose holder cannot be written down is a lock all the same.
  if (ftruncate(descriptor, 0) == 0) static_cast<void>(!pwrite(descriptor, text.data(), text.size(), 0));
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& file)
    : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw system_error(ExitCode::io, file.string() + ": cannot be opened", errno);
}

FileLock::FileLock(const std::filesystem::path& file, double wait_seconds,
                   const std::function<void(const std::string&)>& on_wait)
    : FileLock(file) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(wait_seconds);
  for (bool is_first = true; !try_lock(file); is_first = false) {
    const std::string holder = holder_of(descriptor_);
    if (is_first && on_wait) on_wait(holder);
    if (Clock::now() >= deadline)
      throw Error(ExitCode::environment, file.string() + ": is held by " + holder);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::unique_ptr<FileLock> FileLock::try_take(const std::filesystem::path& file) {
  std::unique_ptr<FileLock> lock(new FileLock(file));
  if (!lock->try_lock(file)) lock.reset();
  return lock;
}

bool FileLock::try_lock(const std::filesystem::path& file) {
  int result = -1;
  do {
    result = flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    write_holder(descriptor_);
    return true;
  }
  if (errno == EWOULDBLOCK) return false;
  throw system_error(ExitCode::io, file.string() + ": cannot be locked", errno);
}

FileLock::~FileLock() {
  close(descriptor_);
}

}  // namespace reckon
