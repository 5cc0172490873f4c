#pragma once

#include <cstdint>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/stream.h"

/// The operations of reckon/ops/norm_rope.h on a GPU. All pointers are device memory; T rows, each with a
/// result of its own: no row's result depends on T. The residual stream is float32, what goes into matrix
/// products is bfloat16, sums are float32 in an order that depends on the row's width alone. Nothing is read
/// or written for T = 0.
namespace reckon::cuda {

/// y = x / sqrt(mean(x^2) + eps) * weight. x [T, H] float32, weight [H], y [T, H], inv_rms [T] or null.
/// \throws std::invalid_argument where H is not a multiple of 8, or above 8,192
void rms_norm(const float* x, const bf16* weight, float eps, std::int64_t rows, std::int64_t width, bf16* y,
              float* inv_rms, Stream stream);

/// Rows whose contributions to a weight's gradient are summed together; such sums are then added in an order
/// that depends on their number alone.
inline constexpr std::int64_t kGradientRows = 64;
/// Floats of workspace for the gradient of a weight of `width` values over so many rows.
[[nodiscard]] constexpr std::int64_t gradient_workspace(std::int64_t rows, std::int64_t width) {
  return (rows + kGradientRows - 1) / kGradientRows * width;
}

/// Gradients of rms_norm. dx [T, H] += ...; dx_rounded [T, H] or null: dx afterwards, as bfloat16; dweight
/// [H] += ... in an order of sums that depends on T alone. dy [T, H]. \param workspace
/// gradient_workspace(rows, width) floats \throws std::invalid_argument as rms_norm
void rms_norm_backward(const float* dy, const float* x, const bf16* weight, const float* inv_rms,
                       std::int64_t rows, std::int64_t width, float* dx, bf16* dx_rounded, float* dweight,
                       float* workspace, Stream stream);

/// The heads of a row of qkv [T, (heads + 2 kv_heads) D]: queries, keys, values.
struct HeadShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;  ///< even, at most 256
  [[nodiscard]] std::int64_t width() const { return (heads + 2 * kv_heads) * head_dim; }
};

/// What turns queries and keys: cosines and sines [positions, D / 2] float32 (RopeTable's), and the row's
/// positions [T].
struct Rotation {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  const std::int32_t* positions = nullptr;
};

/// Of a model's family: null where it has none.
struct HeadWeights {
  const bf16* bias = nullptr;    ///< [width()] of the qkv product
  const bf16* q_norm = nullptr;  ///< [D], RMSNorm over each head before the rotation (Qwen3); both or none
  const bf16* k_norm = nullptr;  ///< [D]
  float eps = 0;
};

/// From the qkv product to queries, keys and values: bias added (to qkv itself too, rounded: the backward
/// pass reads it), heads normalised, queries and keys turned. qkv [T, width()] in and out; q [T, heads, D], k
/// and v [T, kv_heads, D]. Sixteen bytes at a time where D is a multiple of 16, else one by one.
/// \param q_inv_rms, k_inv_rms  [T, heads], [T, kv_heads] or null
/// \throws std::invalid_argument where D is odd or above 256, or one of the two norms is missing
void split_heads(bf16* qkv, const HeadShape& shape, const HeadWeights& weights, const Rotation& rotation,
                 std::int64_t rows, bf16* q, bf16* k, bf16* v, float* q_inv_rms, float* k_inv_rms,
                 Stream stream);

/// Gradients that split_heads_backward adds to, null where the family has none.
struct HeadGradients {
  float* bias = nullptr;
  float* q_norm = nullptr;
  float* k_norm = nullptr;
};
/// Gradient of split_heads: dqkv [T, width()] written; bias and norms added to. dq [T, heads, D], dk and dv
/// [T, kv_heads, D]. The bias's gradient sums dqkv before it is rounded.
/// \param qkv        as split_heads left it; read where there are norms
/// \param workspace  gradient_workspace(rows, width()) floats
/// \throws std::invalid_argument as split_heads; where there are norms without q_inv_rms and k_inv_rms, or
///                   with one gradient of the two
void split_heads_backward(const bf16* dq, const bf16* dk, const bf16* dv, const bf16* qkv,
                          const HeadShape& shape, const HeadWeights& weights, const Rotation& rotation,
                          const float* q_inv_rms, const float* k_inv_rms, std::int64_t rows, bf16* dqkv,
                          const HeadGradients& gradients, float* workspace, Stream stream);

}  // namespace reckon::cuda
