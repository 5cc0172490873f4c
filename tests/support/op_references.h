#pragma once

// The operations of include/reckon/ops once more, as plain loops in float64: the definitions that the tests
// of ops hold them against. Written from the formulas in the headers, which also say the shapes. Backward
// functions recompute what they need and return gradients that start at zero.

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/ops/adamw.h"
#include "reckon/ops/attention.h"
#include "reckon/ops/norm_rope.h"

namespace reckon::testing {

using Doubles = std::vector<double>;

[[nodiscard]] Doubles doubles(std::span<const float> values);

/// Each value as the nearest bfloat16 (8 bits of mantissa), ties to even. Finite values only.
[[nodiscard]] std::vector<float> rounded_to_bf16(std::span<const float> values);

}  // namespace reckon::testing

namespace reckon::testing::reference {

/// y = x W^T. x [T, in], weight [out, in].
[[nodiscard]] Doubles linear(const Doubles& x, const Doubles& weight, std::size_t out, std::size_t in);
[[nodiscard]] Doubles linear_backward_input(const Doubles& dy, const Doubles& weight, std::size_t out,
                                            std::size_t in);
[[nodiscard]] Doubles linear_backward_weight(const Doubles& dy, const Doubles& x, std::size_t out,
                                             std::size_t in);
[[nodiscard]] Doubles add_bias(const Doubles& y, const Doubles& bias);
[[nodiscard]] Doubles bias_backward(const Doubles& dy, std::size_t width);

/// The gradients of an input and of a weight.
struct InputAndWeight {
  Doubles input, weight;
};

[[nodiscard]] Doubles rms_norm(const Doubles& x, const Doubles& weight, double eps);
[[nodiscard]] InputAndWeight rms_norm_backward(const Doubles& dy, const Doubles& x, const Doubles& weight,
                                               double eps);

/// What rope and norm_rope turn by: the arguments of RopeTable.
struct Rotation {
  std::vector<float> frequencies;
  double scale = 1;
};

[[nodiscard]] Doubles rope(const Doubles& qkv, const HeadSlice& slice, const Rotation& rotation,
                           std::span<const std::int32_t> positions);
[[nodiscard]] Doubles rope_backward(const Doubles& dout, const HeadSlice& slice, const Rotation& rotation,
                                    std::span<const std::int32_t> positions);
[[nodiscard]] Doubles norm_rope(const Doubles& qkv, const HeadSlice& slice, const Doubles& weight, double eps,
                                const Rotation& rotation, std::span<const std::int32_t> positions);
[[nodiscard]] InputAndWeight norm_rope_backward(const Doubles& dout, const Doubles& qkv,
                                                const HeadSlice& slice, const Doubles& weight, double eps,
                                                const Rotation& rotation,
                                                std::span<const std::int32_t> positions);

struct HeadCounts {
  std::size_t heads = 0, kv_heads = 0, dim = 0;
};
struct AttentionResult {
  Doubles out;  // [T, heads, dim]
  Doubles lse;  // [T, heads]
};
struct AttentionGradients {
  Doubles dq, dk, dv;
};
/// q [T, heads, dim], k and v [T, kv_heads, dim]; `runs` says which rows are whose positions.
[[nodiscard]] AttentionResult attention(const Doubles& q, const Doubles& k, const Doubles& v,
                                        std::span<const RowRun> runs, const HeadCounts& counts);
[[nodiscard]] AttentionGradients attention_backward(const Doubles& dout, const Doubles& q, const Doubles& k,
                                                    const Doubles& v, std::span<const RowRun> runs,
                                                    const HeadCounts& counts);

[[nodiscard]] Doubles swiglu(const Doubles& gate_up, std::size_t width);
[[nodiscard]] Doubles swiglu_backward(const Doubles& dh, const Doubles& gate_up, std::size_t width);

struct TokenStatistics {
  Doubles logprob, entropy, lse;  // [R]
};
[[nodiscard]] TokenStatistics token_logprob(const Doubles& logits, std::span<const std::uint32_t> token_ids,
                                            double temperature);
[[nodiscard]] Doubles token_logprob_backward(const Doubles& coef, const Doubles& logits,
                                             std::span<const std::uint32_t> token_ids, double temperature);

[[nodiscard]] Doubles embedding(const Doubles& table, std::size_t width,
                                std::span<const std::uint32_t> token_ids);
[[nodiscard]] Doubles embedding_backward(const Doubles& dx, std::size_t width,
                                         std::span<const std::uint32_t> token_ids, std::size_t vocab);

/// One step of AdamW on all values, in place.
struct AdamWState {
  Doubles weight, first_moment, second_moment;
};
void adamw(AdamWState& state, const Doubles& gradient, const AdamWStep& step);

/// Summed in long double, one value after the other.
[[nodiscard]] double sum_of_squares(std::span<const float> values);

}  // namespace reckon::testing::reference
