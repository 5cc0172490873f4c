#pragma once

#include <filesystem>
#include <string>

namespace reckon {

/// Memory that may still be taken, in MiB; what is resident already is not in it.
struct MemoryLimit {
  double machine_mb = 0;  ///< by all processes of this machine together; infinite where nobody says
  std::string source;     ///< of machine_mb: "MemAvailable" or the file of a control group
  double process_mb = 0;  ///< address space by this process alone (RLIMIT_AS); infinite without a limit
};

/// The least of MemAvailable and what each control group (version 1 or 2) above this process has left; caches
/// of files that the kernel gives up when it must count as free.
/// \param root  where proc/ and sys/ are, for tests
[[nodiscard]] MemoryLimit memory_limit(const std::filesystem::path& root = "/");

}  // namespace reckon
