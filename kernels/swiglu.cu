// SwiGLU and its gradient (reckon/cuda/elementwise.h): a block a row, eight neighbours a thread and round.
#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/elementwise.h"
#include "values.h"

namespace reckon::cuda {
namespace {

constexpr float kLog2E = 1.44269504f;

/// 1 / (1 + e^-x): 0 where e^-x overflows.
__device__ inline float sigmoid(float x) {
  return 1.0f / (1.0f + fast_exp2(-x * kLog2E));
}

__global__ void swiglu_kernel(const bf16* gate_up, std::int64_t width, bf16* h) {
  const bf16* gate = gate_up + blockIdx.x * 2 * width;
  for (std::int64_t column = 8 * threadIdx.x; column < width; column += 8 * blockDim.x) {
    const Values<8> g = load_values<8>(gate + column);
    Values<8> u = load_values<8>(gate + width + column);
    for (int i = 0; i < 8; ++i) u.at[i] *= g.at[i] * sigmoid(g.at[i]);
    store_values(h + blockIdx.x * width + column, u);
  }
}

// silu'(g) = s (1 + g (1 - s)) with s = 1 / (1 + e^-g).
__global__ void swiglu_backward_kernel(const bf16* dh, const bf16* gate_up, std::int64_t width,
                                       bf16* dgate_up, bf16* h) {
  const bf16* gate = gate_up + blockIdx.x * 2 * width;
  bf16* to = dgate_up + blockIdx.x * 2 * width;
  for (std::int64_t column = 8 * threadIdx.x; column < width; column += 8 * blockDim.x) {
    const Values<8> g = load_values<8>(gate + column);
    const Values<8> u = load_values<8>(gate + width + column);
    const Values<8> d = load_values<8>(dh + blockIdx.x * width + column);
    Values<8> dg, du, again;
    for (int i = 0; i < 8; ++i) {
      const float s = sigmoid(g.at[i]);
      const float silu = g.at[i] * s;
      dg.at[i] = d.at[i] * u.at[i] * s * fmaf(g.at[i], 1.0f - s, 1.0f);
      du.at[i] = d.at[i] * silu;
      again.at[i] = u.at[i] * silu;
    }
    store_values(to + column, dg);
    store_values(to + width + column, du);
    if (h != nullptr) store_values(h + blockIdx.x * width + column, again);
  }
}

}  // namespace

void swiglu(const bf16* gate_up, std::int64_t rows, std::int64_t width, bf16* h, Stream stream) {
  require_multiple("swiglu", "width", width, 8);
  if (rows == 0) return;
  launch("swiglu", swiglu_kernel,
         {.grid = {static_cast<unsigned>(rows)}, .threads = threads_for(width / 8, 512)}, stream, gate_up,
         width, h);
}

void swiglu_backward(const bf16* dh, const bf16* gate_up, std::int64_t rows, std::int64_t width,
                     bf16* dgate_up, bf16* h, Stream stream) {
  require_multiple("swiglu_backward", "width", width, 8);
  if (rows == 0) return;
  launch("swiglu_backward", swiglu_backward_kernel,
         {.grid = {static_cast<unsigned>(rows)}, .threads = threads_for(width / 8, 512)}, stream, dh, gate_up,
         width, dgate_up, h);
}

}  // namespace reckon::cuda
