#pragma once

#include <cstdint>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/stream.h"

namespace reckon::cuda {

/// Sum of squares, float64: blocks of 65,536 values, each in a fixed order, then the blocks in a fixed order:
/// a function of values and count. 0 for count = 0.
/// \param sum        one double in device memory, written: nothing waits for the host
/// \param workspace  sum_of_squares_workspace(count) doubles
/// \throws std::invalid_argument where values is not 16-byte aligned
void sum_of_squares(const float* values, std::int64_t count, double* sum, double* workspace, Stream stream);
[[nodiscard]] constexpr std::int64_t sum_of_squares_workspace(std::int64_t count) {
  return (count + 65535) / 65536;
}

/// Settings of an AdamW step (Loshchilov and Hutter, arXiv:1711.05101), as in reckon/ops/adamw.h.
struct AdamWSettings {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
  double max_grad_norm = 0;  ///< the gradient is scaled down to this norm; 0 does not clip
  double gradient_scale =
      1;                  ///< the gradient is multiplied by it first (unscale), before its norm is looked at
  std::int64_t step = 1;  ///< 1 at the first update
};

/// A stretch of the parameter vector with one weight decay.
struct DecayRange {
  std::int64_t begin = 0, end = 0;
  float weight_decay = 0;
};

/// One pass over all parameters: unscale, clip by the norm, moments, decay, update, and the bfloat16 copy
/// that products read. 30 bytes a parameter. Where the norm is not finite nothing is changed, and the moments
/// and weights stay: the host reads the norm later and stops. A value's result does not depend on its place.
///   g' = g * gradient_scale * min(1, max_grad_norm / norm), norm = |gradient_scale| sqrt(squares)
/// weight, gradient, first_moment, second_moment [count] float32; rounded [count].
/// \param squares  device: the sum of squares of the gradient as it stands (not unscaled)
/// \param ranges   device, ascending, covering [0, count)
/// \throws std::invalid_argument where step < 1, there are no ranges, rounded is not 8-byte or another array
///                 not 16-byte aligned
void adamw(float* weight, const float* gradient, float* first_moment, float* second_moment, bf16* rounded,
           std::int64_t count, const double* squares, const DecayRange* ranges, std::int64_t num_ranges,
           const AdamWSettings& settings, Stream stream);

}  // namespace reckon::cuda
