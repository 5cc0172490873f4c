// The functions of the other files here, as a table. Compiled twice, as they are.
#include "kernels.h"

namespace reckon::RECKON_KERNELS {

void rms_norm(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float eps, float* y,
              float* inv_rms);
void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inv_rms,
                       std::int64_t rows, std::int64_t width, float* dx, float* dweight);
void norm_rope(const HeadRows& heads, const float* qkv, const float* weight, float eps, float* out,
               float* inv_rms);
void norm_rope_backward(const HeadRows& heads, const float* dout, const float* qkv, const float* weight,
                        const float* inv_rms, float* dqkv, float* dweight);
void rope(const HeadRows& heads, const float* qkv, float* out);
void rope_backward(const HeadRows& heads, const float* dout, float* dqkv);
void swiglu(const float* gate_up, std::int64_t rows, std::int64_t width, float* h);
void swiglu_backward(const float* dh, const float* gate_up, std::int64_t rows, std::int64_t width,
                     float* dgate_up, float* h);
void softmax_statistics(const float* logits, std::int64_t vocab, float inverse_temperature, float* lse,
                        float* entropy);
void token_logprob_backward(float* logits, std::int64_t vocab, float inverse_temperature, float lse,
                            float factor, std::uint32_t token);
std::int64_t gumbel_bounds(const float* logits, std::int64_t vocab, float inverse_temperature,
                           const GumbelKey& key, float* bounds, float* shift, float* lse);
std::int64_t next_at_least(const float* bounds, std::int64_t from, std::int64_t vocab, float least);
void attend(const AttentionTile& tile);
void attend_backward(const AttentionBackwardHead& head);
void adamw(float* weight, const float* gradient, float* first_moment, float* second_moment, std::int64_t size,
           const AdamWFactors& factors);
double sum_of_squares(const float* values, std::int64_t size);
void add(float* to, const float* from, std::int64_t size);
void add_bias(float* y, const float* bias, std::int64_t rows, std::int64_t width);
void bias_backward(const float* dy, std::int64_t rows, std::int64_t width, float* dbias);
void transpose(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride, float* to,
               std::int64_t to_stride);
void to_bf16(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
             std::uint16_t* to, std::int64_t to_stride);
void transpose_to_bf16(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                       std::uint16_t* to, std::int64_t to_stride);
void pack_pairs(const float* from, std::int64_t rows, std::int64_t cols, std::int64_t from_stride,
                std::uint16_t* to, std::int64_t to_stride);

const Kernels& table() {
  static constexpr Kernels kTable{
      .rms_norm = rms_norm,
      .rms_norm_backward = rms_norm_backward,
      .norm_rope = norm_rope,
      .norm_rope_backward = norm_rope_backward,
      .rope = rope,
      .rope_backward = rope_backward,
      .swiglu = swiglu,
      .swiglu_backward = swiglu_backward,
      .softmax_statistics = softmax_statistics,
      .token_logprob_backward = token_logprob_backward,
      .gumbel_bounds = gumbel_bounds,
      .next_at_least = next_at_least,
      .attend = attend,
      .attend_backward = attend_backward,
      .adamw = adamw,
      .sum_of_squares = sum_of_squares,
      .add = add,
      .add_bias = add_bias,
      .bias_backward = bias_backward,
      .transpose = transpose,
      .to_bf16 = to_bf16,
      .transpose_to_bf16 = transpose_to_bf16,
      .pack_pairs = pack_pairs,
  };
  return kTable;
}

}  // namespace reckon::RECKON_KERNELS
