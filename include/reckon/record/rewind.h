#pragma once

#include <cstdint>
#include <filesystem>

namespace reckon {

/// Makes the rollout log of a stage what it was after `last_step`, for a run that goes on from there:
/// segments lose their later steps, a `.part` that a dead process left is closed, leftovers of writing
/// (`.tmp`, a
/// `.part` beside its closed file) and segments without a step go, and the manifests list exactly what is
/// there. No process may have a segment of the folder open for writing. Killed at any moment and called again
/// it comes to the same end. Does nothing where the folder is not there.
///
/// A process that is killed while it appends may leave a `.part` that cannot be read (rollout_log.h). That is
/// no matter where segments before it reach last_step: close the log at each checkpoint, and what a `.part`
/// has is always later.
///
/// Rank numbers are those of the files, whatever the world size was then. What is not rewritten is not read
/// whole if the manifest lists it: its hash in the manifest still stands for it.
///
/// \param folder      `rollouts/<stage>` of the run
/// \param last_step   the last step that stays; 0, where steps count from 1: none
/// \param share       this caller's ranks: those with rank % num_shares == share, 0 .. num_shares - 1
/// \param num_shares  callers that share the work, at least 1; together they must cover all shares
/// \throws Error(bad_data), naming the file and the dataset, where a segment is damaged, its steps do not
/// ascend, or a file that the manifest lists is not there or has another size; Error(io) where a write fails.
/// The segments are then still as they were.
///
/// Failpoints, in this order for each rank: `rollout_log.rewind` (before the first change), `.rewind_copy`
/// (after each copy, under its temporary name), `.rewind_replace` (before the first change of a segment),
/// `.rewind_segment` (after each), `.rewind_manifest` (before the manifest lists them).
void rewind_rollout_log(const std::filesystem::path& folder, std::uint64_t last_step, std::uint64_t share,
                        std::uint64_t num_shares);

}  // namespace reckon
