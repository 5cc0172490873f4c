#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "process.h"

namespace reckon {
namespace {

constexpr int kChannelNumber = 3;

/// The workers of this process, by slot; 0 is none.
using Workers = std::array<pid_t, kMaxWorkers>;

void end_worker(pid_t& worker) {
  if (worker <= 0) return;
  kill(worker, SIGKILL);
  while (waitpid(worker, nullptr, 0) < 0 && errno == EINTR) {
  }
  worker = 0;
}

/// \return the other end of the new worker's channel; not open where the system refuses.
Descriptor start_worker(pid_t& worker) {
  auto [ours, theirs] = make_channel();
  if (!ours.is_open()) return {};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);  // it died before the line above
    isolate(theirs.get());
    run_worker(kChannelNumber);
  }
  worker = child;
  return std::move(ours);
}

}  // namespace

void isolate(int kept) {
  const int null = open("/dev/null", O_RDWR);
  if (kept != kChannelNumber) dup2(kept, kChannelNumber);
  for (int stream = 0; stream < kChannelNumber; ++stream) dup2(null, stream);
  close_range(kChannelNumber + 1, ~0u, 0);
  setsid();  // Ctrl-C at the terminal is for the rank, which still grades what it has sampled
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void run_zygote(int control) {
  Workers workers{};
  Message request;
  while (receive_message(control, request, std::nullopt) == Receive::ok) {
    if (request.bytes.size() != 2) break;
    const auto slot = static_cast<unsigned char>(request.bytes[1]);
    if (slot >= kMaxWorkers) break;
    end_worker(workers[slot]);
    Descriptor channel;
    if (request.bytes[0] == kSpawn) channel = start_worker(workers[slot]);
    if (!send_message(control, request.bytes, Deadline::max(), channel.get())) break;
  }
  for (pid_t& worker : workers) end_worker(worker);
  _exit(0);
}

}  // namespace reckon
