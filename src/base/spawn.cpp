#include "spawn.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "reckon/base/error.h"

namespace reckon {
namespace {

constexpr const char* kWhat = "cannot be started";

/// The two ends of a pipe, closed where nobody takes them.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw system_error(ExitCode::environment, kWhat, errno);
  }
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  /// Hands an end (0 reads, 1 writes) over, not blocking.
  int take(std::size_t end) {
    const int taken = ends_[end];
    ends_[end] = -1;
    fcntl(taken, F_SETFL, fcntl(taken, F_GETFL) | O_NONBLOCK);
    return taken;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

bool can_run(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

/// The file that a command's first word names. Looked up here, not in the child, which may not allocate.
std::string program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (true) {
    const std::size_t colon = folders.find(':');
    const std::string_view folder = folders.substr(0, colon);
    const std::string path = (folder.empty() ? "." : std::string(folder)) + "/" + name;
    if (can_run(path)) return path;
    if (colon == std::string_view::npos) break;
    folders.remove_prefix(colon + 1);
  }
  throw Error(ExitCode::environment, std::string(kWhat) + ": no program " + in_quotes(name) + " in PATH");
}

/// What the child needs, made before it is there.
struct ChildSetup {
  const char* path;
  char* const* arguments;
  int input, output, errors;
  pid_t parent;
  std::int64_t memory_mb;
};

/// Runs in the child, which has our memory until it is another program: system calls only. Returns where one
/// fails.
void become_program(const ChildSetup& setup) {
  if (setsid() < 0) return;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
  if (getppid() != setup.parent) _exit(127);  // it ended before the kernel knew what to do then
  if (dup2(setup.input, 0) < 0 || dup2(setup.output, 1) < 0 || dup2(setup.errors, 2) < 0) return;
  if (close_range(3, ~0U, 0) != 0) return;
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (setup.memory_mb > 0) {
    rlimit memory{};
    if (getrlimit(RLIMIT_DATA, &memory) != 0) return;
    const auto bytes = static_cast<rlim_t>(setup.memory_mb) << 20;
    memory.rlim_max = bytes < memory.rlim_max ? bytes : memory.rlim_max;  // ours may be lower
    memory.rlim_cur = memory.rlim_max;
    if (setrlimit(RLIMIT_DATA, &memory) != 0) return;
  }
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(setup.path, setup.arguments, environ);
}

/// \return  the child; -1 and errno where there is none. Never inlined: its frame is the child's too.
[[gnu::noinline]] pid_t start(const ChildSetup& setup, int& child_errno) {
  volatile int failure = 0;  // written by the child, in our memory
  // A handler of ours must not run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork();
  if (pid == 0) {
    become_program(setup);
    failure = errno;
    _exit(127);
  }
  const int own_errno = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  child_errno = pid < 0 ? own_errno : failure;
  return pid;
}

}  // namespace

Spawned spawn(const std::vector<std::string>& command, std::int64_t memory_mb) {
  if (command.empty() || command[0].empty()) {
    throw Error(ExitCode::environment, std::string(kWhat) + ": the command is empty (need a program)");
  }
  const std::string path = program_path(command[0]);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  Pipe input;
  Pipe output;
  Pipe errors;
  for (const int end : {input.read_end(), output.write_end(), errors.write_end()}) {
    if (end > 2) continue;
    throw Error(ExitCode::environment,
                std::string(kWhat) + ": our standard streams are closed (need them open)");
  }
  int child_errno = 0;
  const ChildSetup setup{path.c_str(),       arguments.data(), input.read_end(), output.write_end(),
                         errors.write_end(), getpid(),         memory_mb};
  const pid_t pid = start(setup, child_errno);
  if (child_errno != 0) {
    if (pid > 0) waitpid(pid, nullptr, 0);
    throw system_error(ExitCode::environment, std::string(kWhat) + ": " + in_quotes(path), child_errno);
  }
  return {.pid = pid, .input = input.take(1), .output = output.take(0), .errors = errors.take(0)};
}

}  // namespace reckon
