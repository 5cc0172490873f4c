#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/stage_config.h"
#include "check.h"
#include "history.h"
#include "reckon/record/rollout_log.h"
#include "reckon/text/tokenizer.h"
#include "run_files.h"

namespace reckon {

/// One step of a stage as the files of its ranks have it.
struct LoggedStep {
  struct Part {
    std::string file;  ///< its name, for messages
    RolloutStep step;
  };
  std::uint64_t number = 0;
  std::vector<Part> parts;  ///< by rank
};

/// What a step's groups are held against; each may be unknown.
struct StepContext {
  const ChainEvent* event = nullptr;    ///< the chain's record of the step
  const StageConfig* config = nullptr;  ///< of the stage
  const Tokenizer* tokenizer = nullptr;
};

/// Compares a step with the chain and with itself: the hash of each group and of all of them, the weights
/// before and after, the order of groups and samples; texts with their tokens, rewards with their terms, and
/// advantages with the rewards. Names group, sample and what is wrong.
void check_step(const LoggedStep& step, const StepContext& context, Check& check);

/// Names of what totals_of() computes. \param terms  of rewards
[[nodiscard]] std::vector<std::string> total_names(const std::vector<std::string>& terms);
/// Sums over a step's completions, as the run's own row of metrics has them.
[[nodiscard]] StepTotals totals_of(const LoggedStep& step);

}  // namespace reckon
