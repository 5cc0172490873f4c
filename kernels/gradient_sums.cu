// Sums over columns: 64 slices of the rows, interleaved, then the slices in order.
#include "gradient_sums.h"

#include "launch.h"
#include "launch_shape.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kColumns = 8;  // a sector of 32 bytes
constexpr unsigned kSlices = 64;
constexpr int kAtOnce = 8;  // loads under way

__global__ void add_gradient_sums_kernel(const float* sums, std::int64_t count, std::int64_t width,
                                         float* to) {
  float* slices = shared_memory<float>();  // [kSlices, kColumns]
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumns + threadIdx.x % kColumns;
  const unsigned slice = threadIdx.x / kColumns;
  float sum = 0;
  if (column < width) {
    for (std::int64_t first = slice; first < count; first += kAtOnce * kSlices) {
      float values[kAtOnce];
      for (int i = 0; i < kAtOnce; ++i) {
        const std::int64_t row = first + i * kSlices;
        values[i] = row < count ? sums[row * width + column] : 0.0f;
      }
      for (int i = 0; i < kAtOnce; ++i) sum += values[i];
    }
  }
  slices[threadIdx.x] = sum;
  __syncthreads();
  if (slice == 0 && column < width) {
    float total = 0;
    for (unsigned i = 0; i < kSlices; ++i) total += slices[i * kColumns + threadIdx.x];
    to[column] += total;
  }
}

}  // namespace

void add_gradient_sums(const float* sums, std::int64_t count, std::int64_t width, float* to, Stream stream) {
  if (count == 0) return;
  launch("add_gradient_sums", add_gradient_sums_kernel,
         {.grid = {static_cast<unsigned>(divide_up(width, kColumns))},
          .threads = kColumns * kSlices,
          .shared_bytes = kColumns * kSlices * sizeof(float)},
         stream, sums, count, width, to);
}

}  // namespace reckon::cuda
