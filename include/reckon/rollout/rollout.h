#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/rollout/sampler.h"
#include "reckon/text/tokenizer.h"

namespace reckon {

/// What the completions of a step have in common.
struct RolloutPlan {
  std::uint64_t seed = 0;
  std::string stage;
  std::int64_t group_size = 1;
  std::uint64_t policy_version = 0;
  SampleOptions options;
};

/// Samples group_size completions for each group's prompt, under one policy: fills token ids, log-probs,
/// finish reason and text. The groups come with prompt, visit and group_id.
void sample_groups(Sampler& sampler, const Tokenizer& tokenizer, const RolloutPlan& plan,
                   std::vector<Group>& groups);

}  // namespace reckon
