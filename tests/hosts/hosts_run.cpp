#include "hosts/hosts_run.h"

#include <sstream>

namespace reckon::testing {

void HostsRun::SetUp() {
  if (!has_hosts()) GTEST_SKIP() << "no right to make network namespaces";
  FaultyRun::SetUp();
}

std::string HostsRun::train_array(const std::string& arguments, const std::string& environment) const {
  std::string given;
  std::istringstream words("OMP_NUM_THREADS=1 " + environment);
  for (std::string word; words >> word;) given += " -x " + word;
  return "train=(across 1" + given + " " + reckon_program() + " train '" + train.recipe.string() +
         "' --out '" + train.out.string() + "' " + arguments + ")\n";
}

CommandResult HostsRun::train_across(const std::string& arguments) const {
  return hosts.run(train_array(arguments) + "\"${train[@]}\"");
}

}  // namespace reckon::testing
