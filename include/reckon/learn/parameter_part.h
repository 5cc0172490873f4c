#pragma once

#include <cstdint>

#include "reckon/dist/communicator.h"

namespace reckon {

/// The part of the parameter vector whose summed gradient, optimizer moments and update are a rank's:
/// contiguous, in rank order, cut where a block of sum_of_squares() begins, sizes differing by at most one
/// block. Empty where there are fewer blocks than ranks. What a rank writes of a checkpoint is the same part.
[[nodiscard]] Range parameter_part(std::int64_t parameters, int rank, int size);

/// What two ranges have in common; empty, and within the first, where that is nothing.
[[nodiscard]] Range intersection(Range a, Range b);

}  // namespace reckon
