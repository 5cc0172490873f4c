#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/reward/config.h"
#include "reckon/task/task.h"

namespace reckon {

/// Names of the terms that a stage computes and logs, in the order of Completion::reward_terms: accuracy,
/// format, and of the others those with a weight, in the order of RewardConfig.
[[nodiscard]] std::vector<std::string> reward_term_names(const RewardConfig& config);

/// Fills grade, verdict, several_answers, reward_terms and reward of one completion of a group. Reads nothing
/// else of the group but prompt and visit, so that the completions of a group may be graded at the same time.
///   accuracy               1 where the verdict is right
///   format                 1 where the text is well_formed() and ended by eos
///   format_strict, _think, _soft   strict_format(), think_format(), tag_count_format(); 0 where it was cut
///   off random                 a coin keyed by (seed, prompt id, visit, sample index): knows nothing of the
///   completion the others             as in terms.h; whatever is not right counts as wrong
/// reward = min(max(sum of weight * term, clip_low), clip_high), in float64. Where the grader failed all
/// terms and the reward are 0: never paid. \param task    the task that made group.prompt. \param config  of
/// with_lengths(). \param seed    run.seed. \throws Error(bad_data) where the prompt's spec is malformed.
void grade_completion_of(const Group& group, const Task& task, const RewardConfig& config, std::uint64_t seed,
                         Completion& completion);

/// The same for all completions of a group.
void grade_group(const Task& task, const RewardConfig& config, std::uint64_t seed, Group& group);

}  // namespace reckon
