// A bias on each row, and its gradient (reckon/cuda/elementwise.h).
#include "gradient_sums.h"
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/norm_rope.h"
#include "values.h"

namespace reckon::cuda {
namespace {

/// A block a row, `n` neighbours a thread and round.
template <int n, class T>
__global__ void add_bias_kernel(T* y, const bf16* bias, std::int64_t width) {
  T* row = y + blockIdx.x * width;
  for (std::int64_t column = n * threadIdx.x; column < width; column += n * blockDim.x) {
    Values<n> sum = load_values<n>(row + column);
    const Values<n> b = load_values<n>(bias + column);
    for (int i = 0; i < n; ++i) sum.at[i] += b.at[i];
    store_values(row + column, sum);
  }
}

template <int n, class T>
void add_bias_as(T* y, const bf16* bias, std::int64_t rows, std::int64_t width, Stream stream) {
  require_multiple("add_bias", "width", width, 8);
  if (rows == 0) return;
  launch("add_bias", add_bias_kernel<n, T>,
         {.grid = {static_cast<unsigned>(rows)}, .threads = threads_for(width / n, 512)}, stream, y, bias,
         width);
}

constexpr unsigned kWarps = 8;
constexpr unsigned kColumns = 8 * kWarp;  // of a block

/// The rows of a chunk, every eighth by one warp; then the warps in order.
__global__ void bias_backward_kernel(const bf16* dy, std::int64_t rows, std::int64_t width, float* sums) {
  float* of_warps = shared_memory<float>();  // [kWarps, kColumns]
  const unsigned warp = threadIdx.x / kWarp;
  const unsigned lane = threadIdx.x % kWarp;
  const std::int64_t column = std::int64_t{blockIdx.y} * kColumns + 8 * lane;
  const std::int64_t first = blockIdx.x * kGradientRows + warp;
  constexpr int kRowsOfWarp = kGradientRows / kWarps;
  Values<8> values[kRowsOfWarp] = {};
  for (int r = 0; r < kRowsOfWarp; ++r) {
    const std::int64_t row = first + r * kWarps;
    if (row < rows && column < width) values[r] = load_values<8>(dy + row * width + column);
  }
  for (int i = 0; i < 8; ++i) {
    float sum = 0;
    for (int r = 0; r < kRowsOfWarp; ++r) sum += values[r].at[i];
    of_warps[warp * kColumns + 8 * lane + i] = sum;
  }
  __syncthreads();
  const std::int64_t mine = std::int64_t{blockIdx.y} * kColumns + threadIdx.x;
  if (mine < width) {
    float total = 0;
    for (unsigned w = 0; w < kWarps; ++w) total += of_warps[w * kColumns + threadIdx.x];
    sums[blockIdx.x * width + mine] = total;
  }
}

}  // namespace

void add_bias(bf16* y, const bf16* bias, std::int64_t rows, std::int64_t width, Stream stream) {
  add_bias_as<8>(y, bias, rows, width, stream);
}

void add_bias(float* y, const bf16* bias, std::int64_t rows, std::int64_t width, Stream stream) {
  add_bias_as<4>(y, bias, rows, width, stream);
}

void bias_backward(const bf16* dy, std::int64_t rows, std::int64_t width, float* dbias, float* workspace,
                   Stream stream) {
  require_multiple("bias_backward", "width", width, 8);
  if (rows == 0) return;
  const std::int64_t chunks = divide_up(rows, kGradientRows);
  launch("bias_backward", bias_backward_kernel,
         {.grid = {static_cast<unsigned>(chunks), static_cast<unsigned>(divide_up(width, kColumns))},
          .threads = kWarps * kWarp,
          .shared_bytes = kWarps * kColumns * sizeof(float)},
         stream, dy, rows, width, workspace);
  add_gradient_sums(workspace, chunks, width, dbias, stream);
}

}  // namespace reckon::cuda
