#include "machine.h"

#include <sys/resource.h>

#include <string>

#include "reckon/base/error.h"
#include "reckon/ops/isa.h"

namespace reckon {

void check_machine() {
  (void)active_isa();
}

void check_limits() {
  constexpr rlim_t kMinFiles = 64;  // MPI has some 20 of them open, logs, checkpoints and workers the rest
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kMinFiles) return;
  throw Error(ExitCode::environment, "a process may have " + std::to_string(files.rlim_cur) +
                                         " files open (need at least " + std::to_string(kMinFiles) +
                                         "). Raise the limit by ulimit -n");
}

}  // namespace reckon
