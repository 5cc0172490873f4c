#pragma once

#include <cstdint>
#include <functional>
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
  std::vector<std::string> stop = {};  ///< strings that end a completion; they stay in it
  /// Called with a completion when all that sample_groups() fills is there; it does not move after that, and
  /// is left alone. Others are still being sampled: this is where its grading can begin.
  std::function<void(std::size_t group, Completion& completion)> on_completion = {};
};

/// Completion::text of such tokens.
[[nodiscard]] std::string completion_text(std::span<const std::uint32_t> token_ids, FinishReason finish_reason,
                                          const Tokenizer& tokenizer);

/// Puts what was sampled into the record: token ids, log-probs, versions, finish reason and text.
void record_sample(const Sample& sample, const Tokenizer& tokenizer, Completion& completion);

/// Samples group_size completions for each group's prompt, under one policy: fills what
/// record_sample() does. The groups come with prompt, visit and group_id.
void sample_groups(Sampler& sampler, const Tokenizer& tokenizer, const RolloutPlan& plan,
                   std::vector<Group>& groups);

}  // namespace reckon
