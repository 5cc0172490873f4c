// SwiGLU, AdamW, sums, and the layouts that matrix products read.
#include "bf16.h"
#include "vector_math.h"

namespace reckon::RECKON_KERNELS {
namespace {

RECKON_INLINE f32x16 sigmoid(f32x16 x) {
  return 1.0f / (1.0f + exp(0.0f - x));
}

}  // namespace

void swiglu(const float* gate_up, std::int64_t rows, std::int64_t width, float* h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* gate = gate_up + row * 2 * width;
    for (std::int64_t i = 0; i < width; i += 16) {
      const std::int64_t lanes = width - i < 16 ? width - i : 16;
      const f32x16 g = load_partial(gate + i, lanes);
      const f32x16 u = load_partial(gate + width + i, lanes);
      store_partial(h + row * width + i, g * sigmoid(g) * u, lanes);
    }
  }
}

void swiglu_backward(const float* dh, const float* gate_up, std::int64_t rows, std::int64_t width,
                     float* dgate_up, float* h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* gate = gate_up + row * 2 * width;
    float* to = dgate_up + row * 2 * width;
    for (std::int64_t i = 0; i < width; i += 16) {
      const std::int64_t lanes = width - i < 16 ? width - i : 16;
      const f32x16 g = load_partial(gate + i, lanes);
      const f32x16 u = load_partial(gate + width + i, lanes);
      const f32x16 d = load_partial(dh + row * width + i, lanes);
      const f32x16 s = sigmoid(g);
      if (h != nullptr) store_partial(h + row * width + i, g * s * u, lanes);
      const f32x16 slope = multiply_add(g, 1.0f - s, broadcast(1.0f));
      store_partial(to + i, d * u * s * slope, lanes);
      store_partial(to + width + i, d * g * s, lanes);
    }
  }
}

void adamw(float* __restrict weight, const float* __restrict gradient, float* __restrict first_moment,
           float* __restrict second_moment, std::int64_t size, const AdamWFactors& factors) {
  const AdamWFactors f = factors;
  for (std::int64_t i = 0; i < size; ++i) {
    const float g = gradient[i] * f.gradient_scale;
    const float m = f.beta1 * first_moment[i] + f.one_minus_beta1 * g;
    const float v = f.beta2 * second_moment[i] + f.one_minus_beta2 * (g * g);
    first_moment[i] = m;
    second_moment[i] = v;
    const float direction = m * f.correction1 / (__builtin_sqrtf(v * f.correction2) + f.eps);
    weight[i] -= f.learning_rate * (direction + f.weight_decay * weight[i]);
  }
}

double sum_of_squares(const float* values, std::int64_t size) {
  constexpr std::int64_t kBlock = kSquaresBlockOfKernels;
  double total = 0;
  for (std::int64_t first = 0; first < size; first += kBlock) {
    const std::int64_t end = first + kBlock < size ? first + kBlock : size;
    double lane[16] = {};
    std::int64_t i = first;
    for (; i + 16 <= end; i += 16) {
      for (int j = 0; j < 16; ++j) {
        lane[j] += static_cast<double>(values[i + j]) * static_cast<double>(values[i + j]);
      }
    }
    for (int j = 0; i + j < end; ++j) {
      lane[j] += static_cast<double>(values[i + j]) * static_cast<double>(values[i + j]);
    }
    for (int width = 8; width > 0; width /= 2) {
      for (int j = 0; j < width; ++j) lane[j] += lane[j + width];
    }
    total += lane[0];
  }
  return total;
}

void add(float* __restrict to, const float* __restrict from, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) to[i] += from[i];
}

void add_bias(float* __restrict y, const float* __restrict bias, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < width; ++i) y[row * width + i] += bias[i];
  }
}

void bias_backward(const float* __restrict dy, std::int64_t rows, std::int64_t width,
                   float* __restrict dbias) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < width; ++i) dbias[i] += dy[row * width + i];
  }
}

/// An 8 x 8 tile, transposed in registers: pairs of rows are interleaved three times.
RECKON_INLINE void transpose_tile(const float* from, std::int64_t from_stride, float* to,
                                  std::int64_t to_stride) {
  using Row = float __attribute__((vector_size(32)));
  using Order = std::int32_t __attribute__((vector_size(32)));
  constexpr Order kLow = {0, 8, 1, 9, 2, 10, 3, 11};
  constexpr Order kHigh = {4, 12, 5, 13, 6, 14, 7, 15};
  Row rows[8];
  Row mixed[8];
  for (int i = 0; i < 8; ++i) __builtin_memcpy(&rows[i], from + i * from_stride, sizeof(Row));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + 4], kLow);
      mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + 4], kHigh);
    }
    for (int i = 0; i < 8; ++i) rows[i] = mixed[i];
  }
  for (int i = 0; i < 8; ++i) __builtin_memcpy(to + i * to_stride, &rows[i], sizeof(Row));
}

void transpose(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  constexpr std::int64_t kTile = 8;
  const std::int64_t whole_rows = rows - rows % kTile;
  const std::int64_t whole_cols = cols - cols % kTile;
  for (std::int64_t r = 0; r < whole_rows; r += kTile) {
    for (std::int64_t c = 0; c < whole_cols; c += kTile) {
      transpose_tile(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = r < whole_rows ? whole_cols : 0; c < cols; ++c) {
      to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
}

void to_bf16(const float* __restrict from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
             std::uint16_t* __restrict to, std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) to[r * to_stride + c] = bf16_bits(from[r * from_stride + c]);
    for (std::int64_t c = cols; c < to_stride; ++c) to[r * to_stride + c] = 0;
  }
}

void transpose_to_bf16(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                       std::uint16_t* to, std::int64_t to_stride) {
  constexpr std::int64_t kTile = 16;
  std::int64_t r = 0;
  for (; r + kTile <= rows; r += kTile) {
    for (std::int64_t c = 0; c < cols; ++c) {
      float column[kTile];
      for (std::int64_t i = 0; i < kTile; ++i) column[i] = from[(r + i) * from_stride + c];
      std::uint16_t bits[kTile];
      for (std::int64_t i = 0; i < kTile; ++i) bits[i] = bf16_bits(column[i]);
      __builtin_memcpy(to + c * to_stride + r, bits, sizeof bits);
    }
  }
  for (std::int64_t c = 0; c < cols; ++c) {
    for (std::int64_t i = r; i < rows; ++i) to[c * to_stride + i] = bf16_bits(from[i * from_stride + c]);
    for (std::int64_t i = rows; i < to_stride; ++i) to[c * to_stride + i] = 0;
  }
}

void pack_pairs(const float* __restrict from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                std::uint16_t* __restrict to, std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; r += 2) {
    const float* even = from + r * from_stride;
    const float* odd = r + 1 < rows ? even + from_stride : nullptr;
    std::uint16_t* pairs = to + r / 2 * to_stride;
    for (std::int64_t c = 0; c < cols; ++c) {
      const std::uint32_t pair =
          bf16_bits(even[c]) | (odd == nullptr ? 0u : std::uint32_t{bf16_bits(odd[c])} << 16);
      __builtin_memcpy(pairs + 2 * c, &pair, sizeof pair);
    }
  }
}

}  // namespace reckon::RECKON_KERNELS
