#pragma once

#include <vector>

#include "grpo_stage.h"

namespace reckon {

/// Samples the completions of groups once more: each token by the weights of the version that the log names
/// for it. \param groups  prompts, and completions as logged; replaced by what comes out, not graded \throws
/// Error(bad_data) naming a version that is not among them
void sample_again(TrainRun& run, const StageConfig& stage, const PolicyVersions& versions,
                  SamplingPolicy& policy, std::vector<Group>& groups);

/// The log-probs of all completions' tokens, one after the other, each by the weights of its version.
/// \param learner  of the policy's engine \throws as sample_again()
[[nodiscard]] std::vector<float> logprobs_again(const PolicyVersions& versions, SamplingPolicy& policy,
                                                Learner& learner, const std::vector<Group>& groups,
                                                float temperature);

}  // namespace reckon
