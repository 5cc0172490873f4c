// RMSNorm and its gradients (reckon/cuda/norm_rope.h). A row belongs to one block, which holds it in
// registers between the sum and what is made of it.
#include "gradient_sums.h"
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/norm_rope.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr int kQuads = 4;               // fours of a row that a thread holds in the forward pass
constexpr unsigned kMostThreads = 512;  // of a block
constexpr std::int64_t kMostWidth = 4 * kQuads * kMostThreads;

__global__ void rms_norm_kernel(const float* x, const bf16* weight, float eps, std::int64_t width, bf16* y,
                                float* inv_rms) {
  const float* row = x + blockIdx.x * width;
  Values<4> held[kQuads];
  float squares = 0;
  for (int q = 0; q < kQuads; ++q) {
    const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
    if (column < width) held[q] = load_values<4>(row + column);
  }
  for (int q = 0; q < kQuads; ++q) {
    if (4 * (threadIdx.x + q * blockDim.x) < width) {
      for (const float value : held[q].at) squares = fmaf(value, value, squares);
    }
  }
  squares = block_sum(squares, shared_memory<float>());
  const float inverse = 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
  if (inv_rms != nullptr && threadIdx.x == 0) inv_rms[blockIdx.x] = inverse;
  for (int q = 0; q < kQuads; ++q) {
    const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
    if (column < width) {
      const Values<4> w = load_values<4>(weight + column);
      for (int i = 0; i < 4; ++i) held[q].at[i] = held[q].at[i] * inverse * w.at[i];
      store_values(y + blockIdx.x * width + column, held[q]);
    }
  }
}

/// block_sum() of several values.
template <int n>
__device__ void block_sums(float (&values)[n], float* scratch) {
  const unsigned warps = blockDim.x / kWarp;
  for (float& value : values) value = warp_sum(value);
  __syncthreads();  // readers of an earlier reduction are done
  if (threadIdx.x % kWarp == 0) {
    for (int i = 0; i < n; ++i) scratch[threadIdx.x / kWarp * n + i] = values[i];
  }
  __syncthreads();
  for (int i = 0; i < n; ++i) values[i] = scratch[i];
  for (unsigned warp = 1; warp < warps; ++warp) {
    for (int i = 0; i < n; ++i) values[i] += scratch[warp * n + i];
  }
}

struct BackwardArguments {
  const float* dy;
  const float* x;
  const bf16* weight;
  const float* inv_rms;
  std::int64_t rows, width;
  float* dx;
  bf16* dx_rounded;
  float* sums;  // [chunks of kGradientRows, width]
};

/// One block for kGradientRows rows, `rows_at_once` of them under way together. With n = x * r (r the inverse
/// root mean square) and g = dy * weight: dx = r * (g - n * mean(g * n)), dweight = sum dy * n.
template <int quads, int rows_at_once>
__global__ void __launch_bounds__(kMostThreads) rms_norm_backward_kernel(BackwardArguments a) {
  const std::int64_t first_of_chunk = blockIdx.x * kGradientRows;
  const std::int64_t past = first_of_chunk + kGradientRows;
  const std::int64_t end = past < a.rows ? past : a.rows;
  Values<4> dweight[quads] = {};
  for (std::int64_t first = first_of_chunk; first < end; first += rows_at_once) {
    Values<4> dy[rows_at_once][quads], n[rows_at_once][quads];
    float inverse[rows_at_once], products[rows_at_once];
    for (int r = 0; r < rows_at_once; ++r) {
      const bool is_here = first + r < end;
      inverse[r] = is_here ? a.inv_rms[first + r] : 0.0f;
      for (int q = 0; q < quads; ++q) {
        const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
        dy[r][q] = n[r][q] = {};
        if (is_here && column < a.width) {
          dy[r][q] = load_values<4>(a.dy + (first + r) * a.width + column);
          n[r][q] = load_values<4>(a.x + (first + r) * a.width + column);
        }
      }
    }
    Values<4> w[quads] = {};
    for (int q = 0; q < quads; ++q) {
      const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
      if (column < a.width) w[q] = load_values<4>(a.weight + column);
    }
    for (int r = 0; r < rows_at_once; ++r) {
      products[r] = 0;
      for (int q = 0; q < quads; ++q) {
        for (int i = 0; i < 4; ++i) {
          n[r][q].at[i] *= inverse[r];
          dweight[q].at[i] = fmaf(dy[r][q].at[i], n[r][q].at[i], dweight[q].at[i]);
          products[r] = fmaf(dy[r][q].at[i] * w[q].at[i], n[r][q].at[i], products[r]);
        }
      }
    }
    block_sums(products, shared_memory<float>());
    for (int r = 0; r < rows_at_once; ++r) {
      const float mean = products[r] / static_cast<float>(a.width);
      for (int q = 0; q < quads; ++q) {
        const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
        if (first + r >= end || column >= a.width) continue;
        const std::int64_t at = (first + r) * a.width + column;
        Values<4> dx = load_values<4>(a.dx + at);
        for (int i = 0; i < 4; ++i) {
          const float through_mean = fmaf(-mean, n[r][q].at[i], dy[r][q].at[i] * w[q].at[i]);
          dx.at[i] = fmaf(inverse[r], through_mean, dx.at[i]);
        }
        store_values(a.dx + at, dx);
        if (a.dx_rounded != nullptr) store_values(a.dx_rounded + at, dx);
      }
    }
  }
  for (int q = 0; q < quads; ++q) {
    const unsigned column = 4 * (threadIdx.x + q * blockDim.x);
    if (column < a.width) store_values(a.sums + blockIdx.x * a.width + column, dweight[q]);
  }
}

/// Threads that hold a row of so many values, `quads` fours each.
unsigned threads_of_row(std::int64_t width, int quads) {
  return static_cast<unsigned>(divide_up(width, 4 * quads * kWarp) * kWarp);
}

void check_width(const char* function, std::int64_t width) {
  require_multiple(function, "width", width, 8);
  require_at_most(function, "width", width, kMostWidth);
}

template <int quads, int rows_at_once>
void launch_backward(const BackwardArguments& arguments, Stream stream) {
  launch("rms_norm_backward", rms_norm_backward_kernel<quads, rows_at_once>,
         {.grid = {static_cast<unsigned>(divide_up(arguments.rows, kGradientRows))},
          .threads = threads_of_row(arguments.width, quads),
          .shared_bytes = rows_at_once * kMostThreads / kWarp * sizeof(float)},
         stream, arguments);
}

}  // namespace

void rms_norm(const float* x, const bf16* weight, float eps, std::int64_t rows, std::int64_t width, bf16* y,
              float* inv_rms, Stream stream) {
  check_width("rms_norm", width);
  if (rows == 0) return;
  launch("rms_norm", rms_norm_kernel,
         {.grid = {static_cast<unsigned>(rows)},
          .threads = threads_of_row(width, kQuads),
          .shared_bytes = kMostThreads / kWarp * sizeof(float)},
         stream, x, weight, eps, width, y, inv_rms);
}

void rms_norm_backward(const float* dy, const float* x, const bf16* weight, const float* inv_rms,
                       std::int64_t rows, std::int64_t width, float* dx, bf16* dx_rounded, float* dweight,
                       float* workspace, Stream stream) {
  check_width("rms_norm_backward", width);
  if (rows == 0) return;
  const BackwardArguments arguments{dy, x, weight, inv_rms, rows, width, dx, dx_rounded, workspace};
  if (width <= 4 * kMostThreads) {
    launch_backward<1, 4>(arguments, stream);
  } else if (width <= 8 * kMostThreads) {
    launch_backward<2, 2>(arguments, stream);
  } else {
    launch_backward<4, 1>(arguments, stream);
  }
  add_gradient_sums(workspace, divide_up(rows, kGradientRows), width, dweight, stream);
}

}  // namespace reckon::cuda
