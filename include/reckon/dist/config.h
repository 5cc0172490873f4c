#pragma once

#include <array>
#include <cstdint>

#include "reckon/base/describe.h"

namespace reckon {

/// What the ranks of a job do in a stage that samples and learns.
enum class ClusterMode {
  colocated,  ///< every rank samples, then learns
  split,      ///< some sample, the others learn
};
constexpr auto enum_names(ClusterMode) {
  return std::array{EnumName{ClusterMode::colocated, "colocated"}, EnumName{ClusterMode::split, "split"}};
}

/// The [cluster] table.
struct ClusterConfig {
  ClusterMode mode = ClusterMode::colocated;
  std::int64_t rollout_ranks = 0;
  double rollout_share = 0.5;
  double timeout_s = 600;
};

template <class Visitor>
void describe(Visitor& visit, ClusterConfig& c) {
  visit("mode", c.mode, any(),
        "colocated: every rank samples and learns; split: rollout workers sample while learners learn. The "
        "results are the same");
  visit("rollout_ranks", c.rollout_ranks, at_least(0),
        "ranks that sample where mode is \"split\"; 0: by rollout_share");
  visit("rollout_share", c.rollout_share, Bounds{.low = 0, .high = 1, .low_open = true, .high_open = true},
        "share of the ranks that sample, rounded, at least one and not all; used where rollout_ranks is 0");
  visit("timeout_s", c.timeout_s, between(1, 1e6),
        "longest wait for another rank, in seconds; the job ends then, and names the rank");
}

}  // namespace reckon
