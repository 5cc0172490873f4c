#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/learn/train_sequence.h"

namespace reckon {

/// Cuts a list between ranks, each taking consecutive entries, in rank order, so that the heaviest share is
/// as light as it can be. A function of the weights alone. Shares of the last ranks may be empty.
/// \param weights  0 or more each, their sum below 2^63
/// \return [ranks], covering [0, weights.size())
[[nodiscard]] std::vector<Range> cut_by_weight(std::span<const std::int64_t> weights, int ranks);

/// The leaves of an update that each rank works on. Their weight is the rows that they put through the model
/// (PackedBatch): by number alone, ranks whose completions happen to be short wait for the others.
/// \param leaf_sequences  sequences of a leaf, the last one maybe fewer
/// \return [ranks], covering [0, number of leaves)
[[nodiscard]] std::vector<Range> leaf_shares(std::span<const TrainSequence> sequences,
                                             std::int64_t leaf_sequences, int ranks);

}  // namespace reckon
