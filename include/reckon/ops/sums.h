#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace reckon {

/// Values whose squares are summed by themselves: what is cut between ranks is cut where a block begins.
inline constexpr std::size_t kSquaresBlock = 4096;

/// Sum of squares in float64 over blocks of kSquaresBlock values, sixteen sums a block that meet along a
/// binary tree, blocks in order: the same for any number of ranks.
[[nodiscard]] double sum_of_squares(std::span<const float> values);

/// The sums of the blocks; added in order from 0 they are sum_of_squares(). \return [ceil(size / block)]
[[nodiscard]] std::vector<double> squares_of_blocks(std::span<const float> values);

/// to[i] += from[i]. Same length.
void add_to(std::span<float> to, std::span<const float> from);

}  // namespace reckon
