#include "packed_attention.h"

#include <algorithm>
#include <vector>

#include "reckon/cuda/elementwise.h"
#include "reckon/cuda/flash_attention.h"

namespace reckon::gpu {

void PackedAttention::set_runs(std::span<const RowRange> ranges, std::int64_t rows) {
  std::vector<std::int32_t> q_starts{0}, k_starts{0}, key_rows;
  longest_q_ = longest_k_ = 0;
  const auto add_keys = [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) key_rows.push_back(static_cast<std::int32_t>(first + i));
  };
  for (const RowRange& range : ranges) {
    for (const RowRun& run : range.runs) {
      add_keys(range.first_row + run.prefix_row, run.first_position);
      add_keys(range.first_row + run.first_row, run.count);
      q_starts.push_back(q_starts.back() + static_cast<std::int32_t>(run.count));
      k_starts.push_back(static_cast<std::int32_t>(key_rows.size()));
      longest_q_ = std::max(longest_q_, run.count);
      longest_k_ = std::max(longest_k_, run.first_position + run.count);
    }
  }
  rows_ = rows;
  gathered_rows_ = static_cast<std::int64_t>(key_rows.size());
  num_runs_ = static_cast<std::int64_t>(q_starts.size()) - 1;

  std::vector<std::int32_t> use_starts(static_cast<std::size_t>(rows) + 1), uses(key_rows.size());
  for (const std::int32_t row : key_rows) ++use_starts[static_cast<std::size_t>(row) + 1];
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row)
    use_starts[row + 1] += use_starts[row];
  std::vector<std::int32_t> next(use_starts.begin(), use_starts.end() - 1);
  for (std::size_t i = 0; i < key_rows.size(); ++i) {
    uses[static_cast<std::size_t>(next[static_cast<std::size_t>(key_rows[i])]++)] =
        static_cast<std::int32_t>(i);
  }
  q_starts_.upload(q_starts, stream_);
  k_starts_.upload(k_starts, stream_);
  key_rows_.upload(key_rows, stream_);
  use_starts_.upload(use_starts, stream_);
  uses_.upload(uses, stream_);
  cuda::synchronize(stream_);
}

void PackedAttention::gather(const bf16* k, const bf16* v) {
  const std::int64_t width = heads_.kv_heads * heads_.head_dim;
  for (auto* buffer : {&k_, &v_}) buffer->resize(static_cast<std::size_t>(gathered_rows_ * width));
  cuda::gather_rows(k, key_rows_.data(), gathered_rows_, width, k_.data(), stream_);
  cuda::gather_rows(v, key_rows_.data(), gathered_rows_, width, v_.data(), stream_);
}

void PackedAttention::forward(std::int64_t, const bf16* q, const bf16* k, const bf16* v, bf16* out,
                              float* lse) {
  if (gathers()) gather(k, v);
  const cuda::PackedSequences sequences{q_starts_.data(), k_starts_.data(), num_runs_, rows_,
                                        gathered_rows_,   longest_q_,       longest_k_};
  cuda::flash_attention_forward(q, gathers() ? k_.data() : k, gathers() ? v_.data() : v, sequences, heads_,
                                out, lse, stream_);
}

void PackedAttention::backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                               const float* lse, bf16* dq, bf16* dk, bf16* dv) {
  const cuda::PackedSequences sequences{q_starts_.data(), k_starts_.data(), num_runs_, rows_,
                                        gathered_rows_,   longest_q_,       longest_k_};
  if (!gathers()) {
    cuda::flash_attention_backward(dout, q, k, v, out, lse, sequences, heads_, dq, dk, dv, stream_);
    return;
  }
  const std::int64_t width = heads_.kv_heads * heads_.head_dim;
  gather(k, v);
  for (auto* buffer : {&dk_, &dv_}) buffer->resize(k_.size());
  cuda::flash_attention_backward(dout, q, k_.data(), v_.data(), out, lse, sequences, heads_, dq, dk_.data(),
                                 dv_.data(), stream_);
  cuda::sum_row_lists(dk_.data(), use_starts_.data(), uses_.data(), rows_, width, dk, stream_);
  cuda::sum_row_lists(dv_.data(), use_starts_.data(), uses_.data(), rows_, width, dv, stream_);
}

}  // namespace reckon::gpu
