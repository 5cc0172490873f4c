#include "reckon/record/version_run.h"

#include "reckon/record/rollout.h"

namespace reckon {

std::string version_runs_problem(std::span<const VersionRun> runs, std::uint64_t num_tokens) {
  if (runs.empty() != (num_tokens == 0)) {
    return std::to_string(runs.size()) + " version runs of " + std::to_string(num_tokens) +
           " tokens (need some where there are tokens, else none)";
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& [first, version] = runs[i];
    if (i == 0 ? first == 0
               : first > runs[i - 1].first_token && first < num_tokens && version > runs[i - 1].version)
      continue;
    return "version run " + std::to_string(i) + " begins at token " + std::to_string(first) + " of " +
           std::to_string(num_tokens) + ", of version " + std::to_string(version) +
           (i == 0 ? " (need token 0)"
                   : " (need a token and a version after " + std::to_string(runs[i - 1].first_token) +
                         " and " + std::to_string(runs[i - 1].version) + ")");
  }
  return "";
}

std::vector<VersionRun> version_runs(const Completion& completion) {
  if (!completion.versions.empty() || completion.token_ids.empty()) return completion.versions;
  return {{0, completion.policy_version}};
}

}  // namespace reckon
