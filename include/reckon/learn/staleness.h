#pragma once

#include <cstdint>
#include <span>

#include "reckon/record/rollout.h"

namespace reckon {

/// Whether a token of the completion is of other weights than those of `policy_version`. The first token has
/// the oldest.
[[nodiscard]] bool is_stale(const Completion& completion, std::uint64_t policy_version);

/// How far the completions of a step are from the weights that its first update starts from, in versions:
/// optimizer updates that these have seen and the weights that sampled had not.
struct Staleness {
  std::int64_t tokens = 0;        ///< completion tokens
  std::int64_t stale_tokens = 0;  ///< of older weights
  double mean = 0;                ///< over tokens; 0 where there are none
  std::uint64_t max = 0;
};

/// \throws Error(internal) where a token is of a version that is yet to come.
[[nodiscard]] Staleness staleness_of(std::span<const Group> groups, std::uint64_t policy_version);

}  // namespace reckon
