#pragma once

// The inner loops of the operations. src/ops/kernels/*.cpp is compiled twice, for AVX2 and for AVX-512, with
// the same operations in the same order; src/ops/isa.cpp chooses when the program starts. The kernels check
// nothing: the functions of include/reckon/ops do, and their comments say what is computed. Plain pointers
// only: an inline function of the standard library, compiled for AVX-512, could be linked into code that runs
// without it.

#include <cstdint>

#include "attention_kernels.h"

namespace reckon {

/// Of sum_of_squares: kSquaresBlock.
inline constexpr std::int64_t kSquaresBlockOfKernels = 4096;

/// Of rope and norm_rope.
inline constexpr std::int64_t kLongestHead = 256;

/// Rows of queries or keys in the product of the qkv weight, and the rotation of their positions.
struct HeadRows {
  std::int64_t rows = 0;
  std::int64_t stride = 0;  // of a row of qkv, in floats
  std::int64_t offset = 0;  // of the first head in a row
  std::int64_t heads = 0;
  std::int64_t dim = 0;
  const float* cosines = nullptr;  // [positions, dim / 2]
  const float* sines = nullptr;
  const std::int32_t* positions = nullptr;  // [rows]
};

/// What names the random words of a token: Philox key, and the counter's words beside the block of the
/// vocabulary.
struct GumbelKey {
  std::uint32_t key0 = 0, key1 = 0;
  std::uint32_t position = 0, visit = 0, sample = 0;
};

struct AdamWFactors {
  float gradient_scale, beta1, beta2, one_minus_beta1, one_minus_beta2;
  float correction1, correction2;  // 1 / (1 - beta^t)
  float learning_rate, eps, weight_decay;
};

struct Kernels {
  void (*rms_norm)(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float eps,
                   float* y, float* inv_rms);
  void (*rms_norm_backward)(const float* dy, const float* x, const float* weight, const float* inv_rms,
                            std::int64_t rows, std::int64_t width, float* dx, float* dweight);
  void (*norm_rope)(const HeadRows& heads, const float* qkv, const float* weight, float eps, float* out,
                    float* inv_rms);
  void (*norm_rope_backward)(const HeadRows& heads, const float* dout, const float* qkv, const float* weight,
                             const float* inv_rms, float* dqkv, float* dweight);
  void (*rope)(const HeadRows& heads, const float* qkv, float* out);
  void (*rope_backward)(const HeadRows& heads, const float* dout, float* dqkv);

  void (*swiglu)(const float* gate_up, std::int64_t rows, std::int64_t width, float* h);
  void (*swiglu_backward)(const float* dh, const float* gate_up, std::int64_t rows, std::int64_t width,
                          float* dgate_up, float* h);

  /// *lse, and *entropy where that is not null.
  void (*softmax_statistics)(const float* logits, std::int64_t vocab, float inverse_temperature, float* lse,
                             float* entropy);
  void (*token_logprob_backward)(float* logits, std::int64_t vocab, float inverse_temperature, float lse,
                                 float factor, std::uint32_t token);
  /// Writes a bound on e^(x_v / T - shift) / E_v, where E_v = -ln u_v and u_v is the random word of v, and
  /// returns the place of the largest; *lse as softmax_statistics.
  std::int64_t (*gumbel_bounds)(const float* logits, std::int64_t vocab, float inverse_temperature,
                                const GumbelKey& key, float* bounds, float* shift, float* lse);
  /// The first v >= from with bounds[v] >= least, or vocab.
  std::int64_t (*next_at_least)(const float* bounds, std::int64_t from, std::int64_t vocab, float least);

  void (*attend)(const AttentionTile& tile);
  void (*attend_backward)(const AttentionBackwardHead& head);

  void (*adamw)(float* weight, const float* gradient, float* first_moment, float* second_moment,
                std::int64_t size, const AdamWFactors& factors);
  double (*sum_of_squares)(const float* values, std::int64_t size);
  void (*add)(float* to, const float* from, std::int64_t size);
  /// y[t] += bias, and dbias += sum of rows in order.
  void (*add_bias)(float* y, const float* bias, std::int64_t rows, std::int64_t width);
  void (*bias_backward)(const float* dy, std::int64_t rows, std::int64_t width, float* dbias);

  /// to [cols, rows] = from [rows, cols]^T
  void (*transpose)(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                    float* to, std::int64_t to_stride);
  /// Rounded to nearest, ties to even. to rows are `to_stride` apart, zero behind `cols`.
  void (*to_bf16)(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                  std::uint16_t* to, std::int64_t to_stride);
  /// As transpose, rounded; to rows are `to_stride` apart, zero behind `rows`.
  void (*transpose_to_bf16)(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                            std::uint16_t* to, std::int64_t to_stride);
  /// Pairs of rows side by side, as dot products of bfloat16 read them: to [(rows + 1) / 2, cols, 2].
  void (*pack_pairs)(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                     std::uint16_t* to, std::int64_t to_stride);
};

namespace kernels_avx2 {
const Kernels& table();
}
namespace kernels_avx512 {
const Kernels& table();
}

/// Those of this machine: isa.cpp.
const Kernels& kernels();

}  // namespace reckon
