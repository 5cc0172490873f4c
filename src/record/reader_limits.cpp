#include "reader_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "reckon/base/error.h"

namespace reckon {
namespace {

[[noreturn]] void fail(const char* what) {
  throw system_error(ExitCode::environment, std::string("read-log: ") + what, errno);
}

template <class Resource>
void set_limit(Resource resource, rlim_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) fail("no limits can be set");
  limit.rlim_cur = std::min(value, limit.rlim_max);
  // The processor time is set anew for each answer, so only its soft limit is.
  if (resource != RLIMIT_CPU) limit.rlim_max = limit.rlim_cur;
  if (setrlimit(resource, &limit) != 0) fail("a limit cannot be set");
}

/// Of address space that the program takes as it stands: its code, and with sanitizers their shadow.
rlim_t address_space_bytes() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  if (!(statm >> pages)) fail("/proc/self/statm cannot be read");
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void allow_one_more_file() {
#ifndef __SANITIZE_ADDRESS__  // the sanitizers open files and pipes of their own while the program runs
  // A new file gets the lowest free number: one is left, for the log.
  const int next = fcntl(STDIN_FILENO, F_DUPFD, 0);
  if (next < 0) fail("no file can be opened");
  close(next);
  set_limit(RLIMIT_NOFILE, static_cast<rlim_t>(next) + 1);
#endif
}

}  // namespace

void allow_cpu_seconds(std::uint64_t seconds) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto so_far = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1;
  set_limit(RLIMIT_CPU, so_far + seconds);
}

void limit_reader(std::uint64_t memory_mb) {
  set_limit(RLIMIT_AS, address_space_bytes() + (static_cast<rlim_t>(memory_mb) << 20));
  set_limit(RLIMIT_FSIZE, 0);
  set_limit(RLIMIT_CORE, 0);
  allow_one_more_file();
}

}  // namespace reckon
