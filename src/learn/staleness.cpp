#include "reckon/learn/staleness.h"

#include <algorithm>
#include <string>

#include "reckon/base/error.h"

namespace reckon {

bool is_stale(const Completion& completion, std::uint64_t policy_version) {
  return completion.policy_version != policy_version;
}

Staleness staleness_of(std::span<const Group> groups, std::uint64_t policy_version) {
  Staleness result;
  double sum = 0;
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      if (completion.policy_version > policy_version) {
        throw Error(ExitCode::internal,
                    "staleness_of: a completion of group " + std::to_string(completion.group_id) +
                        " is of policy version " + std::to_string(completion.policy_version) +
                        " (need at most the learner's, " + std::to_string(policy_version) + ")");
      }
      const auto length = static_cast<std::int64_t>(completion.token_ids.size());
      const std::uint64_t behind = policy_version - completion.policy_version;
      result.tokens += length;
      if (is_stale(completion, policy_version)) result.stale_tokens += length;
      sum += static_cast<double>(length) * static_cast<double>(behind);
      result.max = std::max(result.max, behind);
    }
  }
  if (result.tokens > 0) result.mean = sum / static_cast<double>(result.tokens);
  return result;
}

}  // namespace reckon
