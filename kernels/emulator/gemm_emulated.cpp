// Gemm by plain loops: sums in float32, in order.
#include "emulator/emulator.h"
#include "reckon/cuda/gemm.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

void put(bf16& to, float value) {
  to = to_bf16(value);
}
void put(float& to, float value) {
  to = value;
}

/// y[i, j] = sum_l a[i, l] b[j, l], with strides for rows and columns; rows of y are `y_row` apart, or
/// columns where that is 0.
template <class T>
void product(const bf16* a, std::int64_t a_row, std::int64_t a_column, const bf16* b, std::int64_t b_row,
             std::int64_t b_column, T* y, std::int64_t rows, std::int64_t columns, std::int64_t inner,
             bool add, Stream stream, std::int64_t y_row = 0) {
  if (inner == 0) return;
  const std::int64_t y_stride = y_row == 0 ? columns : y_row;
  emulator::put_on_stream(stream, [=] {
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        float sum = 0;
        for (std::int64_t l = 0; l < inner; ++l)
          sum += to_float(a[i * a_row + l * a_column]) * to_float(b[j * b_row + l * b_column]);
        if constexpr (std::is_same_v<T, float>) {
          if (add) sum += y[i * y_stride + j];
        }
        put(y[i * y_stride + j], sum);
      }
    }
  });
}

}  // namespace

struct Gemm::State {};
Gemm::Gemm(GemmSums) {}
Gemm::~Gemm() = default;

void Gemm::forward(const bf16* x, const bf16* w, bf16* y, std::int64_t m, std::int64_t n, std::int64_t k,
                   Stream stream, std::int64_t y_stride) {
  product(x, k, 1, w, k, 1, y, m, n, k, false, stream, y_stride);
}
void Gemm::forward_add(const bf16* x, const bf16* w, const float* residual, float* y, std::int64_t m,
                       std::int64_t n, std::int64_t k, Stream stream) {
  if (y != residual) copy_on_device(y, residual, static_cast<std::size_t>(m * n) * sizeof(float), stream);
  product(x, k, 1, w, k, 1, y, m, n, k, true, stream);
}
void Gemm::backward_input(const bf16* dy, const bf16* w, bf16* dx, std::int64_t m, std::int64_t n,
                          std::int64_t k, Stream stream) {
  product(dy, n, 1, w, 1, k, dx, m, k, n, false, stream);
}
void Gemm::backward_input(const bf16* dy, const bf16* w, float* dx, std::int64_t m, std::int64_t n,
                          std::int64_t k, Stream stream, std::int64_t dy_stride) {
  product(dy, dy_stride == 0 ? n : dy_stride, 1, w, 1, k, dx, m, k, n, false, stream);
}
void Gemm::backward_weight(const bf16* dy, const bf16* x, float* dw, std::int64_t m, std::int64_t n,
                           std::int64_t k, Stream stream, std::int64_t dy_stride) {
  product(dy, 1, dy_stride == 0 ? n : dy_stride, x, 1, k, dw, n, k, m, true, stream);
}

}  // namespace reckon::cuda
