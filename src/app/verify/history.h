#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "check.h"
#include "reckon/lineage/chain.h"

namespace reckon {

/// What the chain says of one stage.
struct StageHistory {
  std::string name, kind, from, tasks;
  std::string weights_before;            ///< those that `from` made
  std::string weights_after;             ///< after the last step; empty for a stage that makes none
  std::vector<const ChainEvent*> steps;  ///< step n at n - 1
  std::vector<const ChainEvent*> evaluations;
  std::string first_link, last_link;
  bool ended = false;
  [[nodiscard]] bool makes_weights() const { return kind != "eval"; }
  /// After `step` steps.
  [[nodiscard]] std::string weights_at(std::int64_t step) const;
};

/// A run as its chain tells it.
struct RunHistory {
  RunHistory() = default;
  RunHistory(RunHistory&&) = default;  // moved, never copied: stages point into lines
  RunHistory& operator=(RunHistory&&) = default;

  std::vector<ChainLine> lines;  ///< up to the first that does not verify; never changed once read
  bool whole = false;            ///< all lines verify
  bool cut_off = false;          ///< something follows the last line feed
  std::vector<StageHistory> stages;
  std::vector<std::string>
      recipes;            ///< settings_sha256() of the run's recipe, and of those it was changed to
  bool finished = false;  ///< every stage has ended; set by the caller, who knows the recipe

  /// The event "run"; empty where the chain does not begin with it.
  [[nodiscard]] const ChainEvent& run() const;
  [[nodiscard]] const StageHistory* find(const std::string& stage) const;
  [[nodiscard]] std::string head() const { return lines.empty() ? "" : lines.back().link; }
  [[nodiscard]] std::string recipe_sha256() const { return recipes.empty() ? "" : recipes.back(); }
};

/// Reads chain.jsonl and checks its links, and that one event follows from the other: steps ascend by one,
/// each starts from the weights that the one before it made, and each stage from those of its `from`.
[[nodiscard]] RunHistory check_chain(const std::filesystem::path& file, VerifyReport& report);

/// The first digits of a SHA-256, for messages.
[[nodiscard]] inline std::string short_hash(const std::string& sha256) {
  constexpr std::size_t kShown = 12;
  if (sha256.empty()) return "none";
  return sha256.size() > kShown ? sha256.substr(0, kShown) + "..." : sha256;
}

}  // namespace reckon
