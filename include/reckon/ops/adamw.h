#pragma once

#include <cstdint>
#include <span>

namespace reckon {

struct AdamWStep {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double gradient_scale = 1;  ///< the gradient is multiplied by it first (clipping)
  std::int64_t step = 1;      ///< 1 at the first update: bias correction
};

/// AdamW (Loshchilov and Hutter, arXiv:1711.05101), elementwise, float32:
///   m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
///   w -= lr * (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay * w)
/// All spans have the same length.
void adamw(std::span<float> weight, std::span<const float> gradient, std::span<float> first_moment,
           std::span<float> second_moment, const AdamWStep& step);

}  // namespace reckon
