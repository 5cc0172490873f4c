#include "reckon/ops/adamw.h"

#include <algorithm>
#include <cmath>

namespace reckon {

void adamw(std::span<float> weight, std::span<const float> gradient, std::span<float> first_moment,
           std::span<float> second_moment, const AdamWStep& s) {
  const auto beta1 = static_cast<float>(s.beta1);
  const auto beta2 = static_cast<float>(s.beta2);
  const auto gradient_scale = static_cast<float>(s.gradient_scale);
  const auto first_correction =
      static_cast<float>(1.0 / (1.0 - std::pow(s.beta1, static_cast<double>(s.step))));
  const auto second_correction =
      static_cast<float>(1.0 / (1.0 - std::pow(s.beta2, static_cast<double>(s.step))));
  const auto learning_rate = static_cast<float>(s.learning_rate);
  const auto decay = static_cast<float>(s.weight_decay);
  const auto eps = static_cast<float>(s.eps);
  float* w = weight.data();
  float* m = first_moment.data();
  float* v = second_moment.data();
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const float g = gradient[i] * gradient_scale;
    m[i] = beta1 * m[i] + (1.0f - beta1) * g;
    v[i] = beta2 * v[i] + (1.0f - beta2) * (g * g);
    const float direction = m[i] * first_correction / (std::sqrt(v[i] * second_correction) + eps);
    w[i] -= learning_rate * (direction + decay * w[i]);
  }
}

double sum_of_squares(std::span<const float> values) {
  constexpr std::size_t kBlock = 4096;
  double total = 0;
  for (std::size_t start = 0; start < values.size(); start += kBlock) {
    double block = 0;
    for (std::size_t i = start; i < std::min(start + kBlock, values.size()); ++i) {
      block += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    total += block;
  }
  return total;
}

}  // namespace reckon
