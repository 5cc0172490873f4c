#include "reckon/ops/sums.h"

#include "kernels/kernels.h"

namespace reckon {

double sum_of_squares(std::span<const float> values) {
  return kernels().sum_of_squares(values.data(), static_cast<std::int64_t>(values.size()));
}

void add_to(std::span<float> to, std::span<const float> from) {
  kernels().add(to.data(), from.data(), static_cast<std::int64_t>(to.size()));
}

}  // namespace reckon
