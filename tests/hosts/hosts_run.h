#pragma once

#include <string>

#include "app/faulty_run.h"
#include "hosts/hosts.h"

namespace reckon::testing {

/// The tiny run over three hosts, a rank on each: rank r is on node r + 1.
class HostsRun : public FaultyRun {
 protected:
  Hosts hosts{.folder = folder.path()};

  void SetUp() override;

  /// For scripts of hosts.sh: the command of mpirun that trains into train.out, in the variable `train` an
  /// array. \param arguments of reckon train \param environment "A=1 B=2", which ranks get
  [[nodiscard]] std::string train_array(const std::string& arguments = "",
                                        const std::string& environment = "") const;
  /// Trains over the hosts, which nothing disturbs.
  [[nodiscard]] CommandResult train_across(const std::string& arguments = "") const;
};

}  // namespace reckon::testing
