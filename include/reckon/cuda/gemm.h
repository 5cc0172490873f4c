#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/stream.h"

namespace reckon::cuda {

/// How the library may sum a product.
enum class GemmSums {
  fast,   ///< as it likes
  exact,  ///< a row's sum does not depend on the other rows: no split of the inner dimension, one algorithm
          ///< for all M
};

/// Products of bfloat16 matrices, row-major, summed in float32 (cuBLASLt). Leading dimensions are the row
/// lengths.
class Gemm {
 public:
  explicit Gemm(GemmSums sums);
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  /// y = x W^T, the forward product of a linear layer. x [M, K], w [N, K], y [M, N].
  void forward(const bf16* x, const bf16* w, bf16* y, std::int64_t m, std::int64_t n, std::int64_t k,
               Stream stream, std::int64_t y_stride = 0);
  /// y = residual + x W^T, on a float32 residual stream; y may be the residual. residual, y [M, N].
  void forward_add(const bf16* x, const bf16* w, const float* residual, float* y, std::int64_t m,
                   std::int64_t n, std::int64_t k, Stream stream);
  /// dx = dy W. dy [M, N], w [N, K], dx [M, K].
  void backward_input(const bf16* dy, const bf16* w, bf16* dx, std::int64_t m, std::int64_t n, std::int64_t k,
                      Stream stream);
  void backward_input(const bf16* dy, const bf16* w, float* dx, std::int64_t m, std::int64_t n,
                      std::int64_t k, Stream stream, std::int64_t dy_stride = 0);
  /// dw += dy^T x. dy [M, N], x [M, K], dw [N, K] float32.
  void backward_weight(const bf16* dy, const bf16* x, float* dw, std::int64_t m, std::int64_t n,
                       std::int64_t k, Stream stream, std::int64_t dy_stride = 0);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reckon::cuda
