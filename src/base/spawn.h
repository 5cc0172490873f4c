#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reckon {

/// A started process and our ends of its standard streams, which do not block.
struct Spawned {
  int pid = -1;
  int input = -1;
  int output = -1;
  int errors = -1;
};

/// Starts a program, see ChildProcess. \param memory_mb  RLIMIT_DATA in MiB; 0 is none.
/// \throws Error(environment) "cannot be started: ..."
[[nodiscard]] Spawned spawn(const std::vector<std::string>& command, std::int64_t memory_mb);

}  // namespace reckon
