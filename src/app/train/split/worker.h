#pragma once

#include <memory>

#include "app/train/run.h"

namespace reckon {

/// A rollout worker's part of a grpo stage: samples and grades the groups that the first learner hands out,
/// by the weights that it sends. \param decoder  of the model's shape; has the stage's last weights
/// afterwards \throws AgreedError where the run ends before the stage does; Error(internal) where the learner
/// has not been heard of for cluster.timeout_s.
StageOutcome run_rollout_worker(TrainRun& run, const StageConfig& stage, Decoder& decoder);

}  // namespace reckon
