#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "compare_scalars.h"

namespace reckon {

/// Pairs each member of the gold with one of the prediction: a perfect matching over pairs that are equal.
/// Equality with a rounded decimal is not transitive, so the first partner found may have to be given up
/// again (Kuhn's augmenting paths). \param compare  called at most once for a pair of positions (gold, pred)
[[nodiscard]] Equality match_members(std::size_t num_gold, std::size_t num_pred,
                                     const std::function<Equality(std::size_t, std::size_t)>& compare);

}  // namespace reckon
