#include "launcher_end.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>

namespace reckon {
namespace {

/// How names of processes begin that start ranks and have nothing else to do: Open MPI 4 and 5, MPICH.
constexpr std::array<std::string_view, 7> kLaunchers = {"mpirun",  "mpiexec", "orterun",        "orted",
                                                        "prterun", "prted",   "hydra_pmi_proxy"};

bool is_launcher(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(in, name);
  return std::any_of(kLaunchers.begin(), kLaunchers.end(),
                     [&](std::string_view launcher) { return name.starts_with(launcher); });
}

/// The life of the other process. The one it is a copy of had threads: only system calls from here on.
[[noreturn]] void outlive(int launcher, unsigned seconds) {
  setsid();           // or it would be killed with the ranks
  dup2(launcher, 0);  // files that it kept open would look like a rank that still writes
  close_range(1, ~0U, 0);
  pollfd ended{0, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(seconds * 1000)) == 0)
    syscall(SYS_pidfd_send_signal, 0, SIGKILL, nullptr, 0);
  _exit(0);
}

}  // namespace

void end_launcher_later(unsigned seconds) {
  const pid_t parent = getppid();
  if (!is_launcher(parent)) return;
  // Not the number, which may be another process's by then.
  const auto launcher = static_cast<int>(syscall(SYS_pidfd_open, parent, 0));
  if (launcher < 0) return;
  if (_Fork() == 0) outlive(launcher, seconds);  // without what libraries do at a fork
  close(launcher);
}

}  // namespace reckon
