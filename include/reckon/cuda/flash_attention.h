#pragma once

#include <cstdint>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/norm_rope.h"
#include "reckon/cuda/stream.h"

namespace reckon::cuda {

/// Sequences whose queries and keys lie packed one after the other: sequence s has the queries q_starts[s] ..
/// q_starts[s + 1] - 1 and the keys k_starts[s] .. k_starts[s + 1] - 1, at least as many. Its last query is
/// at its last key.
struct PackedSequences {
  const std::int32_t* q_starts = nullptr;  ///< [count + 1], device
  const std::int32_t* k_starts = nullptr;  ///< [count + 1], device
  std::int64_t count = 0;
  std::int64_t num_queries = 0, num_keys = 0;          ///< of all
  std::int64_t longest_queries = 0, longest_keys = 0;  ///< of one
};

/// Causal attention of the packed sequences: query i of a sequence with Q queries and K keys sees its keys j
/// <= i + K - Q. On a GPU by LibTorch's flash attention (Dao, arXiv:2307.08691): the fastest, with sums in an
/// order of its own choice. q, out [num_queries, heads, D], k, v [num_keys, kv_heads, D]; query head h reads
/// key head h / (heads / kv_heads). \param lse  [heads, num_queries] float32 or null: log sum_j e^(q . k_j /
/// sqrt(D))
void flash_attention_forward(const bf16* q, const bf16* k, const bf16* v, const PackedSequences& sequences,
                             const HeadShape& shape, bf16* out, float* lse, Stream stream);

/// Its gradients, without atomic additions: dq as q, dk and dv as k, written. out and lse may come from
/// another forward pass of the same formula.
void flash_attention_backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                              const float* lse, const PackedSequences& sequences, const HeadShape& shape,
                              bf16* dq, bf16* dk, bf16* dv, Stream stream);

}  // namespace reckon::cuda
