#pragma once

#include <optional>
#include <string>

#include "reckon/lineage/chain.h"
#include "reckon/record/rollout.h"
#include "reckon/text/tokenizer.h"

namespace reckon {

/// The first thing in which a step done again differs from the run's, in words; nothing where none does.
using Difference = std::optional<std::string>;

/// Prompts and their places, without completions.
[[nodiscard]] Difference compare_prompts(const Group& again, const Group& logged);
/// Tokens one by one, their log-probs, how the completion ended and the versions of the weights. \param
/// logprob_bound  0: the same bits
[[nodiscard]] Difference compare_tokens(const Completion& again, const Completion& logged,
                                        double logprob_bound);
/// The text of a completion's tokens.
[[nodiscard]] Difference compare_text(const Completion& logged, const Tokenizer& tokenizer);
/// Grade, verdict, reward terms and reward.
[[nodiscard]] Difference compare_reward(const Completion& again, const Completion& logged,
                                        const std::vector<std::string>& terms);
[[nodiscard]] Difference compare_advantage(const Completion& again, const Completion& logged);
/// The log-probs that the learner computes of a completion's tokens.
[[nodiscard]] Difference compare_logprobs(std::span<const float> again, const Completion& logged,
                                          double bound);

/// "group 12, sample 3"
[[nodiscard]] std::string completion_name(const Completion& completion);

}  // namespace reckon
