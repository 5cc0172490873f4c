#include "reckon/dist/roles.h"

#include <algorithm>
#include <cmath>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// Ranks by machine, machines in the order of their first ranks.
std::vector<int> by_host(const std::vector<std::string>& hosts) {
  std::vector<int> ranks;
  for (std::size_t first = 0; first < hosts.size(); ++first) {
    if (std::find(hosts.begin(), hosts.begin() + static_cast<std::ptrdiff_t>(first), hosts[first]) !=
        hosts.begin() + static_cast<std::ptrdiff_t>(first))
      continue;
    for (std::size_t rank = first; rank < hosts.size(); ++rank) {
      if (hosts[rank] == hosts[first]) ranks.push_back(static_cast<int>(rank));
    }
  }
  return ranks;
}

std::int64_t num_workers(const ClusterConfig& config, std::int64_t size) {
  if (size < 2) {
    throw Error(ExitCode::usage,
                "cluster.mode is \"split\" on 1 rank (need 2 or more: mpirun -n 2, or mode = \"colocated\")");
  }
  if (config.rollout_ranks >= size) {
    throw Error(ExitCode::usage, "cluster.rollout_ranks is " + std::to_string(config.rollout_ranks) + " of " +
                                     std::to_string(size) + " ranks (need 1 to " + std::to_string(size - 1) +
                                     ": at least one rank learns)");
  }
  if (config.rollout_ranks > 0) return config.rollout_ranks;
  const std::int64_t share = std::llround(config.rollout_share * static_cast<double>(size));
  return std::clamp<std::int64_t>(share, 1, size - 1);
}

}  // namespace

bool Roles::is_worker(int rank) const {
  return std::find(workers.begin(), workers.end(), rank) != workers.end();
}

Roles place_roles(const ClusterConfig& config, const std::vector<std::string>& hosts) {
  Roles roles;
  roles.learners = by_host(hosts);
  if (config.mode == ClusterMode::colocated) return roles;
  const auto size = static_cast<std::int64_t>(hosts.size());
  const auto cut = roles.learners.begin() + (size - num_workers(config, size));
  roles.workers.assign(cut, roles.learners.end());
  roles.learners.erase(cut, roles.learners.end());
  return roles;
}

}  // namespace reckon
