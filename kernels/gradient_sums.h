#pragma once

#include <cstdint>

#include "reckon/cuda/stream.h"

namespace reckon::cuda {

/// The second stage of a weight's gradient: to[c] += sum_i sums[i, c], in an order that depends on count
/// alone. sums [count, width], to [width]. Nothing is done for count = 0.
void add_gradient_sums(const float* sums, std::int64_t count, std::int64_t width, float* to, Stream stream);

}  // namespace reckon::cuda
