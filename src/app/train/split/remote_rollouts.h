#pragma once

#include <memory>

#include "app/train/rollout_source.h"

namespace reckon {

/// Groups of the rollout workers, for the learners of a stage. Collective over the learners.
/// \param done  steps that the stage goes on after \param from  its ledger then
[[nodiscard]] std::unique_ptr<RolloutSource> make_remote_rollouts(TrainRun& run, const StageConfig& stage,
                                                                  GrpoStage& grpo, Engine& engine,
                                                                  std::int64_t done, LedgerState from);

}  // namespace reckon
