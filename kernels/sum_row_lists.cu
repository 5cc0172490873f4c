#include <stdexcept>
#include <string>

#include "launch.h"
#include "reckon/cuda/elementwise.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kThreads = 256;

/// A thread sums eight neighbouring values of a row.
__global__ void sum_row_lists_kernel(const bf16* from, const std::int32_t* starts, const std::int32_t* lists,
                                     std::int64_t rows, std::int64_t width, bf16* to) {
  const std::int64_t vectors = width / 8;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * vectors;
       i += step) {
    const std::int64_t row = i / vectors;
    const std::int64_t column = i % vectors * 8;
    float sums[8] = {};
    for (std::int32_t use = starts[row]; use < starts[row + 1]; ++use) {
      const uint4 values = load16(from + static_cast<std::int64_t>(lists[use]) * width + column);
      const std::uint32_t words[4] = {values.x, values.y, values.z, values.w};
      for (unsigned word = 0; word < 4; ++word) {
        sums[2 * word] += low_bf16(words[word]);
        sums[2 * word + 1] += high_bf16(words[word]);
      }
    }
    store16(to + row * width + column, uint4{pack_bf16(sums[0], sums[1]), pack_bf16(sums[2], sums[3]),
                                             pack_bf16(sums[4], sums[5]), pack_bf16(sums[6], sums[7])});
  }
}

}  // namespace

void sum_row_lists(const bf16* from, const std::int32_t* starts, const std::int32_t* lists, std::int64_t rows,
                   std::int64_t width, bf16* to, Stream stream) {
  if (width % 8 != 0)
    throw std::invalid_argument("sum_row_lists: width " + std::to_string(width) + " (need a multiple of 8)");
  if (rows == 0) return;
  constexpr std::int64_t kMostBlocks = 65536;
  const std::int64_t blocks = (rows * width / 8 + kThreads - 1) / kThreads;
  launch(
      "sum_row_lists", sum_row_lists_kernel,
      {.grid = dim3{static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks)}, .threads = kThreads},
      stream, from, starts, lists, rows, width, to);
}

}  // namespace reckon::cuda
