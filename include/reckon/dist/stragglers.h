#pragma once

#include <span>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"

namespace reckon {

/// How long a phase of a step took on the ranks, and where it took longest.
struct PhaseTimes {
  double median_s = 0.0;  ///< of an even number of ranks, the mean of the two in the middle
  double slowest_s = 0.0;
  int slowest_rank = 0;      ///< the first one of several
  std::string slowest_host;  ///< its machine
  double ratio = 1.0;        ///< slowest / median; a median below 1 us counts as 1 us, and all below as 1
};

/// \param seconds  [ranks], of one phase; finite, 0 or more
/// \param hosts    [ranks]
/// \throws Error(internal) where a time is not a time
[[nodiscard]] PhaseTimes phase_times(std::span<const double> seconds, std::span<const std::string> hosts);

/// Of several phases, by one all_gather(). \param seconds  [phases], of this rank; as many on every rank
/// \return [phases], the same on every rank
[[nodiscard]] std::vector<PhaseTimes> gather_phase_times(Communicator& world,
                                                         std::span<const double> seconds);

}  // namespace reckon
