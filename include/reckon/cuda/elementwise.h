#pragma once

#include <cstdint>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/stream.h"

/// What stands between the matrix products, on a GPU. All pointers are device memory, rows start at multiples
/// of 16 bytes; a width that is no multiple of 8 is refused by std::invalid_argument. Nothing is read or
/// written for no rows. A row's result depends on that row alone.
namespace reckon::cuda {

/// x[t] = table[id[t]]. table [V, H], x [T, H] float32. Ids must be below V. H is a multiple of 8.
void embedding(const bf16* table, const std::uint32_t* token_ids, std::int64_t rows, std::int64_t width,
               float* x, Stream stream);

/// The rows of a batch by token: the rows of unique token u are rows[offsets[u]] ... in ascending order.
struct RowsByToken {
  const std::uint32_t* token_ids = nullptr;  ///< [U], ascending
  const std::int32_t* offsets = nullptr;     ///< [U + 1]
  const std::int32_t* rows = nullptr;        ///< [T]
  std::int64_t num_tokens = 0;               ///< U
};
/// dtable[id[t]] += dx[t], the rows of a token in order: without atomic additions, the same bits each time.
/// dx [T, H], dtable [V, H] float32.
void embedding_backward(const float* dx, const RowsByToken& rows, std::int64_t width, float* dtable,
                        Stream stream);

/// h = silu(g) * u, g and u the halves of a row of gate_up [T, 2 width]; h [T, width]. width is a multiple
/// of 8.
void swiglu(const bf16* gate_up, std::int64_t rows, std::int64_t width, bf16* h, Stream stream);
/// dgate_up [T, 2 width] written; h [T, width] or null: what swiglu gives, once more.
void swiglu_backward(const bf16* dh, const bf16* gate_up, std::int64_t rows, std::int64_t width,
                     bf16* dgate_up, bf16* h, Stream stream);

/// y[t] += bias. y [T, N], bias [N]. N is a multiple of 8.
void add_bias(bf16* y, const bf16* bias, std::int64_t rows, std::int64_t width, Stream stream);
void add_bias(float* y, const bf16* bias, std::int64_t rows, std::int64_t width, Stream stream);
/// dbias [N] += sum_t dy[t], as rms_norm_backward sums. \param workspace  gradient_workspace(rows, width)
/// floats (norm_rope.h)
void bias_backward(const bf16* dy, std::int64_t rows, std::int64_t width, float* dbias, float* workspace,
                   Stream stream);

/// to[i] = from[rows[i]], and to[rows[i]] += from[i]. Rows of `width` bfloat16 or float32 values. In
/// scatter_add_rows a row may be named more than once: the additions are done in the order of i. To find
/// such rows each name is compared with every other.
void gather_rows(const bf16* from, const std::int32_t* rows, std::int64_t count, std::int64_t width, bf16* to,
                 Stream stream);
void scatter_add_rows(const float* from, const std::int32_t* rows, std::int64_t count, std::int64_t width,
                      float* to, Stream stream);

/// to[t] = sum of from[lists[i]] for starts[t] <= i < starts[t + 1], in that order, in float32, rounded once:
/// gradients of rows that were gathered more than once. from [.., width], to [rows, width]; width is a
/// multiple of 8.
void sum_row_lists(const bf16* from, const std::int32_t* starts, const std::int32_t* lists, std::int64_t rows,
                   std::int64_t width, bf16* to, Stream stream);

/// to[i] = from[i] rounded. Any count.
/// \throws std::invalid_argument where `from` is not 16-byte or `to` not 8-byte aligned
void round_to_bf16(const float* from, std::int64_t count, bf16* to, Stream stream);

}  // namespace reckon::cuda
