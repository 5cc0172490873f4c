#include "reckon/ops/adamw.h"

#include <cmath>

#include "kernels/kernels.h"

namespace reckon {

void adamw(std::span<float> weight, std::span<const float> gradient, std::span<float> first_moment,
           std::span<float> second_moment, const AdamWStep& s) {
  const auto beta1 = static_cast<float>(s.beta1);
  const auto beta2 = static_cast<float>(s.beta2);
  const auto step = static_cast<double>(s.step);
  kernels().adamw(weight.data(), gradient.data(), first_moment.data(), second_moment.data(),
                  static_cast<std::int64_t>(weight.size()),
                  {.gradient_scale = static_cast<float>(s.gradient_scale),
                   .beta1 = beta1,
                   .beta2 = beta2,
                   .one_minus_beta1 = 1.0f - beta1,
                   .one_minus_beta2 = 1.0f - beta2,
                   .correction1 = static_cast<float>(1.0 / (1.0 - std::pow(s.beta1, step))),
                   .correction2 = static_cast<float>(1.0 / (1.0 - std::pow(s.beta2, step))),
                   .learning_rate = static_cast<float>(s.learning_rate),
                   .eps = static_cast<float>(s.eps),
                   .weight_decay = static_cast<float>(s.weight_decay)});
}

}  // namespace reckon
