// RMSNorm and its gradients (reckon/cuda/norm_rope.h). A row belongs to one block, which holds it in
// registers between the sum and what is made of it.
#include "gradient_sums.h"
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/norm_rope.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kQuads = 4;          // fours of a row that a thread holds in the forward pass
constexpr unsigned kMostThreads = 512;  // of a block
constexpr std::int64_t kMostWidth = 4 * kQuads * kMostThreads;

/// The first of the four columns that are a thread's q-th.
__device__ inline unsigned column_of(unsigned q) {
  return 4 * (threadIdx.x + q * blockDim.x);
}

__global__ void rms_norm_kernel(const float* x, const bf16* weight, float eps, std::int64_t width, bf16* y,
                                float* inv_rms) {
  const float* row = x + blockIdx.x * width;
  Values<4> held[kQuads];
  float squares = 0;
  for (unsigned q = 0; q < kQuads; ++q) {
    const unsigned column = column_of(q);
    if (column < width) held[q] = load_values<4>(row + column);
  }
  for (unsigned q = 0; q < kQuads; ++q) {
    if (column_of(q) < width) {
      for (const float value : held[q].at) squares = fmaf(value, value, squares);
    }
  }
  squares = block_sum(squares, shared_memory<float>());
  const float inverse = 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
  if (inv_rms != nullptr && threadIdx.x == 0) inv_rms[blockIdx.x] = inverse;
  for (unsigned q = 0; q < kQuads; ++q) {
    const unsigned column = column_of(q);
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

/// A thread's part of some rows, all read before anything is written: the gradient, x * r (r the inverse root
/// mean square), what dx is added to, and r. Zeros where there is no row or column.
template <unsigned quads, int rows_at_once>
struct Rows {
  Values<4> dy[rows_at_once][quads], n[rows_at_once][quads], dx[rows_at_once][quads];
  float inverse[rows_at_once];
};
template <unsigned quads, int rows_at_once>
__device__ Rows<quads, rows_at_once> load_rows(const BackwardArguments& a, std::int64_t first,
                                               std::int64_t end) {
  Rows<quads, rows_at_once> rows = {};
  for (int r = 0; r < rows_at_once; ++r) {
    if (first + r >= end) continue;
    rows.inverse[r] = a.inv_rms[first + r];
    for (unsigned q = 0; q < quads; ++q) {
      if (column_of(q) >= a.width) continue;
      const std::int64_t at = (first + r) * a.width + column_of(q);
      rows.dy[r][q] = load_values<4>(a.dy + at);
      rows.n[r][q] = load_values<4>(a.x + at);
      rows.dx[r][q] = load_values<4>(a.dx + at);
    }
  }
  for (int r = 0; r < rows_at_once; ++r) {
    for (unsigned q = 0; q < quads; ++q) {
      for (float& n : rows.n[r][q].at) n *= rows.inverse[r];
    }
  }
  return rows;
}

/// One block for kGradientRows rows, `rows_at_once` of them under way together. With n = x * r and
/// g = dy * weight: dx = r * (g - n * mean(g * n)), dweight = sum dy * n.
template <unsigned quads, int rows_at_once>
__global__ void __launch_bounds__(kMostThreads) rms_norm_backward_kernel(BackwardArguments a) {
  const std::int64_t first_of_chunk = blockIdx.x * kGradientRows;
  const std::int64_t past = first_of_chunk + kGradientRows;
  const std::int64_t end = past < a.rows ? past : a.rows;
  Values<4> w[quads] = {}, dweight[quads] = {};
  for (unsigned q = 0; q < quads; ++q) {
    if (column_of(q) < a.width) w[q] = load_values<4>(a.weight + column_of(q));
  }
  for (std::int64_t first = first_of_chunk; first < end; first += rows_at_once) {
    const Rows<quads, rows_at_once> rows = load_rows<quads, rows_at_once>(a, first, end);
    float products[rows_at_once] = {};
    for (int r = 0; r < rows_at_once; ++r) {
      for (unsigned q = 0; q < quads; ++q) {
        for (int i = 0; i < 4; ++i) {
          const float dy = rows.dy[r][q].at[i], n = rows.n[r][q].at[i];
          dweight[q].at[i] = fmaf(dy, n, dweight[q].at[i]);
          products[r] = fmaf(dy * w[q].at[i], n, products[r]);
        }
      }
    }
    block_sums(products, shared_memory<float>());
    for (int r = 0; r < rows_at_once; ++r) {
      const float mean = products[r] / static_cast<float>(a.width);
      for (unsigned q = 0; q < quads; ++q) {
        if (first + r >= end || column_of(q) >= a.width) continue;
        const std::int64_t at = (first + r) * a.width + column_of(q);
        Values<4> dx = rows.dx[r][q];
        for (int i = 0; i < 4; ++i) {
          const float through_mean = fmaf(-mean, rows.n[r][q].at[i], rows.dy[r][q].at[i] * w[q].at[i]);
          dx.at[i] = fmaf(rows.inverse[r], through_mean, dx.at[i]);
        }
        store_values(a.dx + at, dx);
        if (a.dx_rounded != nullptr) store_values(a.dx_rounded + at, dx);
      }
    }
  }
  for (unsigned q = 0; q < quads; ++q) {
    const unsigned column = column_of(q);
    if (column < a.width) store_values(a.sums + blockIdx.x * a.width + column, dweight[q]);
  }
}

/// Threads that hold a row of so many values, `quads` fours each.
unsigned threads_of_row(std::int64_t width, unsigned quads) {
  return static_cast<unsigned>(divide_up(width, 4 * quads * kWarp) * kWarp);
}

void check_width(const char* function, std::int64_t width) {
  require_multiple(function, "width", width, 8);
  require_at_most(function, "width", width, kMostWidth);
}

template <unsigned quads, int rows_at_once>
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
    launch_backward<1, 2>(arguments, stream);
  } else if (width <= 8 * kMostThreads) {
    launch_backward<2, 1>(arguments, stream);
  } else {
    launch_backward<4, 1>(arguments, stream);
  }
  add_gradient_sums(workspace, divide_up(rows, kGradientRows), width, dweight, stream);
}

}  // namespace reckon::cuda
