#include "hosts/hosts.h"

namespace reckon::testing {
namespace {

constexpr int kNotAllowed = 77;  // hosts.sh

std::string hosts_program() {
  return "FORWARDER='" + (binary_dir() / "tests" / "link_forwarder").string() + "' timeout 240 '" +
         (source_dir() / "tests/support/hosts.sh").string() + "'";
}

}  // namespace

bool has_hosts() {
  static const bool are_allowed = run_command(hosts_program() + " -n 1 /dev/null").exit_code != kNotAllowed;
  return are_allowed;
}

CommandResult Hosts::run(const std::string& script) const {
  const std::filesystem::path file = folder / "hosts-script.sh";
  write_text(file, script + "\n");
  return run_command(hosts_program() + " -n " + std::to_string(number) + " " + links + " '" + file.string() +
                     "'");
}

}  // namespace reckon::testing
