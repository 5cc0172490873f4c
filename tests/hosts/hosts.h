#pragma once

#include <filesystem>
#include <string>

#include "support/paths.h"

namespace reckon::testing {

/// Whether this machine lets this user make hosts (tests/support/hosts.sh). Tests skip where not.
[[nodiscard]] bool has_hosts();

/// Hosts of one machine, for the time of a script.
struct Hosts {
  std::filesystem::path folder;  ///< for the script; the test's own
  int number = 3;
  std::string links = {};  ///< options -l of hosts.sh

  /// Runs a script of bash with the functions of hosts.sh; for four minutes, then its exit code is 124.
  [[nodiscard]] CommandResult run(const std::string& script) const;
};

}  // namespace reckon::testing
