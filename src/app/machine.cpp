#include <string>

#include "machine.h"
#include "reckon/base/error.h"

namespace reckon {

void check_machine() {
  const bool fits = std::string(RECKON_ISA) == "x86-64-v4"
                        ? __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0
                        : __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (!fits) {
    throw Error(ExitCode::environment,
                std::string("this machine has not the instructions of ") + RECKON_ISA +
                    ", for which reckon was built. Build it here, or with -DRECKON_ISA=x86-64-v3.");
  }
}

}  // namespace reckon
