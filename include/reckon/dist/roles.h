#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/dist/config.h"

namespace reckon {

/// Which ranks learn and which sample in a stage that does both. Ranks are of the whole job, in the order in
/// which their machines stand: learners fill whole machines first, so that their sums stay within them as far
/// as they can.
struct Roles {
  std::vector<int> learners;  ///< rank 0 is the first
  std::vector<int> workers;   ///< that only sample; none where mode is colocated
  [[nodiscard]] bool are_split() const { return !workers.empty(); }
  [[nodiscard]] bool is_worker(int rank) const;
};

/// \param hosts  of each rank, the same on every rank
/// \throws Error(usage) where there would be no learner or no worker.
[[nodiscard]] Roles place_roles(const ClusterConfig& config, const std::vector<std::string>& hosts);

}  // namespace reckon
