// Rows of the embedding table, and its gradient (reckon/cuda/elementwise.h).
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/elementwise.h"
#include "values.h"

namespace reckon::cuda {
namespace {

__global__ void embedding_kernel(const bf16* table, const std::uint32_t* token_ids, std::int64_t width,
                                 float* x) {
  const bf16* from = table + token_ids[blockIdx.x] * width;
  float* to = x + blockIdx.x * width;
  for (std::int64_t column = 4 * threadIdx.x; column < width; column += 4 * blockDim.x)
    store_values(to + column, load_values<4>(from + column));
}

constexpr unsigned kThreads = 128;
constexpr int kAtOnce = 8;  // rows under way

/// A block a token and stretch of columns: the token's rows one after the other.
__global__ void embedding_backward_kernel(const float* dx, RowsByToken rows, std::int64_t width,
                                          float* dtable) {
  const std::int64_t column = 4 * (std::int64_t{blockIdx.y} * kThreads + threadIdx.x);
  if (column >= width) return;
  float* to = dtable + rows.token_ids[blockIdx.x] * width + column;
  const std::int32_t end = rows.offsets[blockIdx.x + 1];
  Values<4> sum = load_values<4>(to);
  for (std::int32_t first = rows.offsets[blockIdx.x]; first < end; first += kAtOnce) {
    Values<4> values[kAtOnce];
    for (int r = 0; r < kAtOnce; ++r) {
      if (first + r < end) values[r] = load_values<4>(dx + rows.rows[first + r] * width + column);
    }
    for (int r = 0; r < kAtOnce; ++r) {
      if (first + r < end) {
        for (int i = 0; i < 4; ++i) sum.at[i] += values[r].at[i];
      }
    }
  }
  store_values(to, sum);
}

}  // namespace

void embedding(const bf16* table, const std::uint32_t* token_ids, std::int64_t rows, std::int64_t width,
               float* x, Stream stream) {
  require_multiple("embedding", "width", width, 8);
  if (rows == 0) return;
  launch("embedding", embedding_kernel,
         {.grid = {static_cast<unsigned>(rows)}, .threads = threads_for(width / 4, 512)}, stream, table,
         token_ids, width, x);
}

void embedding_backward(const float* dx, const RowsByToken& rows, std::int64_t width, float* dtable,
                        Stream stream) {
  require_multiple("embedding_backward", "width", width, 8);
  if (rows.num_tokens == 0) return;
  launch("embedding_backward", embedding_backward_kernel,
         {.grid = {static_cast<unsigned>(rows.num_tokens),
                   static_cast<unsigned>(divide_up(width, 4 * kThreads))},
          .threads = kThreads},
         stream, dx, rows, width, dtable);
}

}  // namespace reckon::cuda
