#include "reckon/learn/staleness.h"

#include <algorithm>
#include <string>
#include <vector>

#include "reckon/base/error.h"

namespace reckon {

bool is_stale(const Completion& completion, std::uint64_t policy_version) {
  return completion.policy_version != policy_version;
}

Staleness staleness_of(std::span<const Group> groups, std::uint64_t policy_version) {
  Staleness result;
  double sum = 0;
  const auto add = [&](const Group& group, const VersionRun& run, std::size_t end) {
    if (run.version > policy_version) {
      throw Error(ExitCode::internal, "staleness_of: a completion of group " +
                                          std::to_string(group.group_id) + " is of policy version " +
                                          std::to_string(run.version) + " (need at most the learner's, " +
                                          std::to_string(policy_version) + ")");
    }
    const std::uint64_t behind = policy_version - run.version;
    const auto tokens = static_cast<std::int64_t>(end - run.first_token);
    result.tokens += tokens;
    result.stale_tokens += behind > 0 ? tokens : 0;
    sum += static_cast<double>(tokens) * static_cast<double>(behind);
    result.max = std::max(result.max, behind);
  };
  for (const Group& group : groups) {
    for (const Completion& completion : group.completions) {
      const std::vector<VersionRun> runs = version_runs(completion);
      for (std::size_t i = 0; i < runs.size(); ++i)
        add(group, runs[i], i + 1 < runs.size() ? runs[i + 1].first_token : completion.token_ids.size());
    }
  }
  if (result.tokens > 0) result.mean = sum / static_cast<double>(result.tokens);
  return result;
}

}  // namespace reckon
