#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace reckon {

/// The tokens of a completion from first_token on, up to the next run: chosen by the weights of one version,
/// to which their log-probs belong. A completion has several runs where the weights were replaced under it,
/// or where it was begun by others.
struct VersionRun {
  std::uint64_t first_token = 0;
  std::uint64_t version = 0;  ///< optimizer steps the weights had seen
  bool operator==(const VersionRun&) const = default;
};

/// Runs of so many tokens begin at token 0 and ascend, in tokens and in versions; no tokens have no runs.
/// \return what is otherwise, with the values; "" where nothing is
[[nodiscard]] std::string version_runs_problem(std::span<const VersionRun> runs, std::uint64_t num_tokens);

}  // namespace reckon
