#include "reckon/dist/stragglers.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace reckon {
namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

PhaseTimes phase_times(std::span<const double> seconds, std::span<const std::string> hosts) {
  if (seconds.empty() || seconds.size() != hosts.size()) {
    throw Error(ExitCode::internal, "phase_times: " + std::to_string(seconds.size()) + " times of " +
                                        std::to_string(hosts.size()) + " ranks (need one of each)");
  }
  for (std::size_t rank = 0; rank < seconds.size(); ++rank) {
    if (std::isfinite(seconds[rank]) && seconds[rank] >= 0.0) continue;
    throw Error(ExitCode::internal, "phase_times: got " + std::to_string(seconds[rank]) + " s of rank " +
                                        std::to_string(rank) + " (need a finite time, 0 or more)");
  }
  constexpr double kShortest = 1e-6;
  const auto slowest = std::max_element(seconds.begin(), seconds.end());
  const auto rank = static_cast<std::size_t>(slowest - seconds.begin());
  const double median = median_of({seconds.begin(), seconds.end()});
  return {median, *slowest, static_cast<int>(rank), hosts[rank],
          std::max(*slowest, kShortest) / std::max(median, kShortest)};
}

std::vector<PhaseTimes> gather_phase_times(Communicator& world, std::span<const double> seconds) {
  const std::vector<std::string> all =
      world.all_gather({reinterpret_cast<const char*>(seconds.data()), seconds.size_bytes()});
  std::vector<std::string> hosts;
  for (int rank = 0; rank < world.size(); ++rank) hosts.push_back(world.host(rank));
  std::vector<PhaseTimes> phases;
  for (std::size_t phase = 0; phase < seconds.size(); ++phase) {
    std::vector<double> of_ranks(all.size());
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      if (all[rank].size() != seconds.size_bytes()) {
        throw Error(ExitCode::internal, "gather_phase_times: rank " + std::to_string(rank) + " gave " +
                                            std::to_string(all[rank].size() / sizeof(double)) +
                                            " phases, this rank " + std::to_string(seconds.size()));
      }
      std::memcpy(&of_ranks[rank], all[rank].data() + phase * sizeof(double), sizeof(double));
    }
    phases.push_back(phase_times(of_ranks, hosts));
  }
  return phases;
}

}  // namespace reckon
