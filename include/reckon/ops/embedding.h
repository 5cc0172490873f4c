#pragma once

#include <cstdint>
#include <span>

namespace reckon {

/// x[t] = table[id[t]]. \param table [V, H]  \param x [T, H]
/// \throws std::invalid_argument where an id is not below V.
void embedding(std::span<const float> table, std::int64_t width, std::span<const std::uint32_t> token_ids,
               std::span<float> x);

/// dtable[id[t]] += dx[t], rows in order. \param dx [T, H]  \param dtable [V, H]
void embedding_backward(std::span<const float> dx, std::int64_t width,
                        std::span<const std::uint32_t> token_ids, std::span<float> dtable);

}  // namespace reckon
