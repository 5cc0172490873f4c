#pragma once

#include <span>
#include <string>

#include "reckon/record/rollout.h"

namespace reckon {

/// SHA-256 of what a batch says, as 64 hexadecimal digits: the same rows give the same digest whatever file,
/// chunk, segment or time they are stored in.
///
/// Numbers are little-endian in the width of their member; enums are one byte; a text or a list is its length
/// as u64 and then its elements. In this order:
///   text "reckon.rollouts/1"; step; reward_term_names (list of texts); number of groups (u64); for each
///   group
///     prompt: id, task, level, text, token_ids, gold, spec, source;
///     visit, group_id, admission; number of completions (u64); for each completion
///       sample_index, policy_version, token_ids, sampler_logprob, finish_reason, text, grade, verdict,
///       reward_terms, reward, advantage, temperature of the batch; where its tokens are of several versions
///       of the weights: text "versions", number of runs (u64), and for each run first_token, version.
/// A completion's prompt_id and group_id are those of its group and are not repeated.
[[nodiscard]] std::string batch_sha256(const RolloutBatch& batch);

/// SHA-256 of what one group says, whatever rank sampled it, as 64 hexadecimal digits: the text
/// "reckon.group/1", and then the fields from "prompt" to the last completion as batch_sha256 has them for
/// each group.
/// \param temperature  of the batch that the group is in
[[nodiscard]] std::string group_sha256(const Group& group, float temperature);

/// SHA-256 of all groups of a step, which does not depend on how they lie on ranks: over the digests of the
/// groups in order of group_id, each followed by a line feed.
[[nodiscard]] std::string rollouts_sha256(std::span<const std::string> group_hashes);

}  // namespace reckon
