#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "calcium.h"
#include "process.h"
#include "wire.h"

namespace reckon {
namespace {

constexpr rlim_t kMaxDataBytes = rlim_t{512} * 1024 * 1024;
constexpr rlim_t kMaxCpuSeconds = 2;

void set_limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  setrlimit(resource, &limit);
}

/// Bytes of writable memory that the process has already.
rlim_t data_bytes() {
  unsigned long data_pages = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%*u %*u %*u %*u %*u %lu", &data_pages) != 1) data_pages = 0;
  std::fclose(file);
  return data_pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void limit_memory() {
#ifndef __SANITIZE_ADDRESS__
  // RLIMIT_DATA counts what the worker writes to. RLIMIT_AS would count the program's libraries as well,
  // which are mapped (gigabytes, with LibTorch) but not used here. AddressSanitizer's shadow is terabytes of
  // writable mappings: there is no limit in that build.
  const rlim_t limit = data_bytes() + kMaxDataBytes;
  set_limit(RLIMIT_DATA, limit, limit);
#endif
  set_limit(RLIMIT_CORE, 0, 0);
}

/// The system counts the processor time of a process's whole life: each request gets its own from here.
void limit_time() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1);
  set_limit(RLIMIT_CPU, seconds + kMaxCpuSeconds, RLIM_INFINITY);
}

std::optional<Expr> take_tree(std::string_view& rest) {
  std::uint32_t size = 0;
  if (rest.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, rest.data(), sizeof size);
  rest.remove_prefix(sizeof size);
  if (size > rest.size()) return std::nullopt;
  auto tree = read_expr(rest.substr(0, size));
  rest.remove_prefix(size);
  return tree;
}

Equality answer(std::string_view request) {
  const auto a = take_tree(request);
  const auto b = a ? take_tree(request) : std::nullopt;
  if (!b || !request.empty()) return Equality::undecided;
  return equal_by_calcium(*a, *b);
}

}  // namespace

void run_worker(int channel) {
  limit_memory();
  Message request;
  while (receive_message(channel, request, std::nullopt) == Receive::ok) {
    limit_time();
    const std::string reply(1, static_cast<char>(answer(request.bytes)));
    if (!send_message(channel, reply, Deadline::max())) break;
  }
  _exit(0);
}

}  // namespace reckon
