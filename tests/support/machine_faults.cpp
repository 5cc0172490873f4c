// Loaded into the program under test by LD_PRELOAD: what a machine does wrong, at a chosen moment.
//   FAULT_DISK_BYTES      so many bytes are free for the files whose paths begin with
//   FAULT_DISK_FOLDER     this; files grow by them, and then the disk is full
//   FAULT_FSYNC_MS        each fsync takes so many milliseconds
//   FAULT_CLOCK_BACK_MS   so many milliseconds after the start the time of day goes back an hour
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

long setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? -1 : std::atol(text);
}

std::atomic<long>& bytes_left() {
  static std::atomic<long> left = setting("FAULT_DISK_BYTES");
  return left;
}

bool is_limited(int file) {
  const char* folder = std::getenv("FAULT_DISK_FOLDER");
  if (folder == nullptr) return false;
  char link[64] = "/proc/self/fd/";
  char digits[16];
  int count = 0;
  for (int rest = file; rest > 0 || count == 0; rest /= 10)
    digits[count++] = static_cast<char>('0' + rest % 10);
  std::size_t end = std::strlen(link);
  while (count > 0) link[end++] = digits[--count];
  link[end] = 0;
  char path[PATH_MAX];
  const ssize_t size = readlink(link, path, sizeof path);
  const std::size_t length = std::strlen(folder);
  return size > static_cast<ssize_t>(length) && std::strncmp(path, folder, length) == 0;
}

/// How much of a write the disk takes. As on a real one, what lies within the file has its place already.
std::size_t granted(int file, std::size_t count, off_t offset) {
  struct stat info {};
  if (count == 0 || !is_limited(file) || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) return count;
  if (offset < 0) offset = (fcntl(file, F_GETFL) & O_APPEND) != 0 ? info.st_size : lseek(file, 0, SEEK_CUR);
  const long grows = std::max(0L, static_cast<long>(offset) + static_cast<long>(count) - info.st_size);
  if (grows == 0) return count;
  const long left = std::max(0L, bytes_left().fetch_sub(grows));
  const long missing = std::max(0L, grows - left);
  return static_cast<std::size_t>(std::max(0L, static_cast<long>(count) - missing));
}

constexpr long kHour = 3600;

long monotonic_ms() {
  timespec now{};
  next<int(clockid_t, timespec*)>("clock_gettime")(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

long seconds_back() {
  static const long after = setting("FAULT_CLOCK_BACK_MS");
  static const long start = monotonic_ms();
  return after >= 0 && monotonic_ms() - start >= after ? kHour : 0;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* data, size_t count) {
  const std::size_t size = granted(file, count, -1);
  if (size == 0 && count > 0) return errno = ENOSPC, -1;
  return next<ssize_t(int, const void*, size_t)>("write")(file, data, size);
}

ssize_t pwrite(int file, const void* data, size_t count, off_t offset) {
  const std::size_t size = granted(file, count, offset);
  if (size == 0 && count > 0) return errno = ENOSPC, -1;
  return next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(file, data, size, offset);
}

ssize_t pwrite64(int file, const void* data, size_t count, off64_t offset) {
  return pwrite(file, data, count, offset);
}

int fsync(int file) {
  static const long wait = setting("FAULT_FSYNC_MS");
  if (wait > 0) usleep(static_cast<useconds_t>(wait) * 1000);
  return next<int(int)>("fsync")(file);
}

int clock_gettime(clockid_t clock, timespec* now) {
  const int result = next<int(clockid_t, timespec*)>("clock_gettime")(clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec -= seconds_back();
  return result;
}

int gettimeofday(timeval* now, void* zone) {
  const int result = next<int(timeval*, void*)>("gettimeofday")(now, zone);
  now->tv_sec -= seconds_back();
  return result;
}

time_t time(time_t* out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
