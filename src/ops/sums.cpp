#include "reckon/ops/sums.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace reckon {

static_assert(kSquaresBlock == kSquaresBlockOfKernels);

double sum_of_squares(std::span<const float> values) {
  return kernels().sum_of_squares(values.data(), static_cast<std::int64_t>(values.size()));
}

std::vector<double> squares_of_blocks(std::span<const float> values) {
  std::vector<double> sums;
  sums.reserve((values.size() + kSquaresBlock - 1) / kSquaresBlock);
  for (std::size_t first = 0; first < values.size(); first += kSquaresBlock) {
    sums.push_back(sum_of_squares(values.subspan(first, std::min(kSquaresBlock, values.size() - first))));
  }
  return sums;
}

void add_to(std::span<float> to, std::span<const float> from) {
  kernels().add(to.data(), from.data(), static_cast<std::int64_t>(to.size()));
}

}  // namespace reckon
