#pragma once

#include <span>

namespace reckon {

/// Sum of squares in float64 over blocks of 4,096 values, sixteen sums a block that meet along a binary tree,
/// blocks in order: the same for any number of ranks.
[[nodiscard]] double sum_of_squares(std::span<const float> values);

/// to[i] += from[i]. Same length.
void add_to(std::span<float> to, std::span<const float> from);

}  // namespace reckon
