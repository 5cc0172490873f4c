#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reckon/record/rollout.h"
#include "reckon/reward/config.h"
#include "reckon/task/task.h"

namespace reckon {

/// Names of the reward terms, in the order of Completion::reward_terms: accuracy, format, random.
[[nodiscard]] std::vector<std::string> reward_term_names();

/// Fills grade, verdict, reward_terms and reward of every completion of a group.
///   accuracy  1 where the verdict is right
///   format    1 where the text is well_formed() and ended by eos
///   random    a coin keyed by (seed, prompt id, visit, sample index): knows nothing of the completion
/// reward = sum of weight * term, in float64. Where the grader failed all terms are 0: never paid.
/// \param task  the task that made group.prompt.
/// \param seed  run.seed.
/// \throws Error(bad_data) where the prompt's spec is malformed.
void grade_group(const Task& task, const RewardConfig& weights, std::uint64_t seed, Group& group);

/// Before a run: on a few problems of each level the reference trace and the direct answer must be right and
/// well formed, a wrong answer wrong, and a trace that was cut off no answer. A grader that fails in silence
/// pays nothing to everyone, or everything. \throws Error(internal)
void check_grader(const Task& task, std::span<const std::int64_t> levels);

}  // namespace reckon
