#include "reckon/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels/kernels.h"

namespace reckon {
namespace {

constexpr std::int64_t kBlock = KvCache::kBlock;

std::int64_t round_up(std::int64_t n) {
  return KvCache::blocks_for(n) * kBlock;
}

void check_shapes(std::span<const float> q, std::size_t rows, const KvCache& cache, std::int64_t heads) {
  const auto& [layers, kv_heads, dim, dtype] = cache.shape();
  if (dim % kBlock != 0) {
    throw std::invalid_argument("attention: head_dim " + std::to_string(dim) + " (need a multiple of 16)");
  }
  if (heads % kv_heads != 0 || q.size() != rows * static_cast<std::size_t>(heads * dim)) {
    throw std::invalid_argument("attention: " + std::to_string(q.size()) + " query values for " +
                                std::to_string(rows) + " rows of " + std::to_string(heads) + " heads of " +
                                std::to_string(dim));
  }
}

/// One head of one slot, as the kernels see it.
KvView view_of(const KvCache& cache, std::int64_t layer, std::int32_t slot, std::int64_t kv_head) {
  const KvCache::Shape& shape = cache.shape();
  const bool is_bf16 = shape.dtype == ComputeDtype::bfloat16;
  const std::int64_t offset = kv_head * shape.head_dim * kBlock * (is_bf16 ? 2 : 4);
  return {static_cast<const char*>(cache.keys(layer)) + offset,
          static_cast<const char*>(cache.values(layer)) + offset, cache.blocks(slot).data(),
          shape.kv_heads * shape.head_dim * kBlock, is_bf16};
}

float scale_of(std::int64_t dim) {
  return 1.0f / std::sqrt(static_cast<float>(dim));
}

/// Rows from `first` on that are one slot's at positions that follow each other.
std::size_t run_length(std::span<const RowPosition> rows, std::size_t first) {
  std::size_t end = first + 1;
  while (end < rows.size() && rows[end].slot == rows[first].slot &&
         rows[end].position == rows[end - 1].position + 1) {
    ++end;
  }
  return end - first;
}

/// The head or the row behind this one.
void set_next(AttentionTile& tile, const KvCache& cache, std::int64_t layer,
              std::span<const RowPosition> rows, std::size_t first, std::int64_t run, std::int64_t kv_head) {
  const bool last_head = kv_head + 1 == cache.shape().kv_heads;
  const std::size_t row = last_head ? first + static_cast<std::size_t>(run) : first;
  tile.next_length = run == 1 && row < rows.size() ? rows[row].position + 1 : 0;
  if (tile.next_length > 0) tile.next = view_of(cache, layer, rows[row].slot, last_head ? 0 : kv_head + 1);
}

}  // namespace

void attention(std::span<const float> q, std::span<const RowPosition> rows, const KvCache& cache,
               std::int64_t layer, std::int64_t heads, std::span<float> out, std::span<float> lse) {
  check_shapes(q, rows.size(), cache, heads);
  const std::int64_t dim = cache.shape().head_dim;
  const std::int64_t group = heads / cache.shape().kv_heads;
  static thread_local AlignedBuffer scores;
  AttentionTile tile;
  tile.dim = dim;
  tile.scale = scale_of(dim);
  for (std::size_t first = 0; first < rows.size();) {
    const auto run = static_cast<std::int64_t>(run_length(rows, first));
    tile.scores_stride = round_up(rows[first].position + run);
    scores.resize(static_cast<std::size_t>(AttentionTile::kMostQueries * tile.scores_stride));
    tile.scores = scores.data();
    for (std::int64_t kv_head = 0; kv_head < cache.shape().kv_heads; ++kv_head) {
      tile.kv = view_of(cache, layer, rows[first].slot, kv_head);
      set_next(tile, cache, layer, rows, first, run, kv_head);
      const std::int64_t queries = run * group;  // row by row, the heads of a row together
      for (std::int64_t i = 0; i < queries; i += AttentionTile::kMostQueries) {
        tile.num_queries = static_cast<int>(std::min<std::int64_t>(AttentionTile::kMostQueries, queries - i));
        for (int n = 0; n < tile.num_queries; ++n) {
          const std::int64_t row = static_cast<std::int64_t>(first) + (i + n) / group;
          const std::int64_t index = row * heads + kv_head * group + (i + n) % group;
          tile.q[n] = q.data() + index * dim;
          tile.out[n] = out.data() + index * dim;
          tile.lse[n] = lse.empty() ? nullptr : lse.data() + index;
          tile.length[n] = rows[static_cast<std::size_t>(row)].position + 1;
        }
        kernels().attend(tile);
      }
    }
    first += static_cast<std::size_t>(run);
  }
}

namespace {

/// One key-value head of one sequence, laid out for the backward pass.
struct HeadData {
  AlignedBuffer key_rows, value_columns, dk, dv, work;

  void take(const KvView& kv, std::int64_t dim, std::int64_t length) {
    const auto size = static_cast<std::size_t>(round_up(length) * dim);
    for (AlignedBuffer* buffer : {&key_rows, &value_columns, &dk, &dv}) buffer->resize(size);
    work.resize(static_cast<std::size_t>(2 * AttentionBackwardHead::kQueryBlock * round_up(length)));
    for (AlignedBuffer* buffer : {&dk, &dv}) std::fill_n(buffer->data(), size, 0.0f);
    for (std::int64_t block = 0; block < KvCache::blocks_for(length); ++block) {
      const std::int64_t lanes = std::min(kBlock, length - block * kBlock);
      const std::int64_t from = kv.blocks[block] * kv.block_stride;
      float* keys = key_rows.data() + block * kBlock * dim;
      float* values = value_columns.data() + block * kBlock * dim;
      if (kv.is_bf16) {
        take_block(static_cast<const std::uint16_t*>(kv.keys) + from,
                   static_cast<const std::uint16_t*>(kv.values) + from, lanes, dim, keys, values);
      } else {
        take_block(static_cast<const float*>(kv.keys) + from, static_cast<const float*>(kv.values) + from,
                   lanes, dim, keys, values);
      }
    }
  }

 private:
  static float widen(float value) { return value; }
  static float widen(std::uint16_t bits) {
    const std::uint32_t wide = std::uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }

  /// Positions behind the sequence are 0: what is in the cache there is not the sequence's.
  template <class T>
  static void take_block(const T* from_keys, const T* from_values, std::int64_t lanes, std::int64_t dim,
                         float* keys, float* values) {
    for (std::int64_t lane = 0; lane < kBlock; ++lane) {
      for (std::int64_t d = 0; d < dim; ++d) {
        keys[lane * dim + d] = lane < lanes ? widen(from_keys[d * kBlock + lane]) : 0.0f;
        values[d * kBlock + lane] = lane < lanes ? widen(from_values[lane * dim + d]) : 0.0f;
      }
    }
  }
};

void check_runs(std::span<const RowRun> runs, std::int64_t rows) {
  std::int64_t next = 0;
  for (const RowRun& run : runs) {
    if (run.first_row != next || run.count < 1 ||
        (run.first_position > 0 && run.prefix_row + run.first_position > run.first_row)) {
      throw std::invalid_argument("attention_backward: run at row " + std::to_string(run.first_row) +
                                  " (need runs that follow each other, behind their prefixes)");
    }
    next += run.count;
  }
  if (next != rows) {
    throw std::invalid_argument("attention_backward: runs of " + std::to_string(next) + " rows (there are " +
                                std::to_string(rows) + ")");
  }
}

/// Adds a head's gradients of keys or values to the rows of its positions.
void scatter(const RowRun& run, const AlignedBuffer& gradient, std::int64_t dim, std::int64_t stride,
             std::int64_t offset, float* to) {
  for (std::int64_t position = 0; position < run.first_position + run.count; ++position) {
    const std::int64_t row = position < run.first_position ? run.prefix_row + position
                                                           : run.first_row + position - run.first_position;
    kernels().add(to + row * stride + offset, gradient.data() + position * dim, dim);
  }
}

}  // namespace

void attention_backward(std::span<const float> dout, std::span<const float> out, std::span<const float> q,
                        std::span<const float> lse, std::span<const RowRun> runs, const KvCache& cache,
                        std::int64_t layer, std::int64_t heads, std::span<float> dq, std::span<float> dk,
                        std::span<float> dv) {
  const std::int64_t dim = cache.shape().head_dim;
  const std::int64_t kv_heads = cache.shape().kv_heads;
  check_shapes(q, q.size() / static_cast<std::size_t>(heads * dim), cache, heads);
  check_runs(runs, static_cast<std::int64_t>(q.size()) / (heads * dim));
  const std::int64_t group = heads / kv_heads;
  std::fill(dk.begin(), dk.end(), 0.0f);
  std::fill(dv.begin(), dv.end(), 0.0f);
  static thread_local HeadData data;
  for (const RowRun& run : runs) {
    const std::int64_t length = run.first_position + run.count;
    for (std::int64_t kv_head = 0; kv_head < kv_heads; ++kv_head) {
      AttentionBackwardHead head;
      head.kv = view_of(cache, layer, run.slot, kv_head);
      data.take(head.kv, dim, length);
      head.first_position = run.first_position;
      head.count = run.count;
      head.dim = dim;
      head.row_stride = heads * dim;
      head.lse_stride = heads;
      head.scale = scale_of(dim);
      head.key_rows = data.key_rows.data();
      head.value_columns = data.value_columns.data();
      head.dk = data.dk.data();
      head.dv = data.dv.data();
      head.work = data.work.data();
      head.work_stride = round_up(length);
      for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
        const std::int64_t at = (run.first_row * heads + h) * dim;
        head.q = q.data() + at;
        head.out = out.data() + at;
        head.dout = dout.data() + at;
        head.lse = lse.data() + run.first_row * heads + h;
        head.dq = dq.data() + at;
        kernels().attend_backward(head);
      }
      scatter(run, data.dk, dim, kv_heads * dim, kv_head * dim, dk.data());
      scatter(run, data.dv, dim, kv_heads * dim, kv_head * dim, dv.data());
    }
  }
}

}  // namespace reckon
