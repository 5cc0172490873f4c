#include "reckon/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "vector_math.h"

namespace reckon {
namespace {

using simd::f32x16;

constexpr std::int64_t kBlock = 16;

std::int64_t round_up(std::int64_t n) {
  return (n + kBlock - 1) / kBlock * kBlock;
}

/// Scores of one query against `length` keys: to[j] = scale * sum_d q[d] keys[d][j], whole blocks; d in
/// order.
void dot_with_columns(const float* q, const float* columns, std::int64_t capacity, std::int64_t head_dim,
                      std::int64_t length, float scale, float* to) {
  std::int64_t j = 0;
  for (; j + 2 * kBlock <= round_up(length); j += 2 * kBlock) {
    f32x16 a = simd::broadcast(0.0f);
    f32x16 b = simd::broadcast(0.0f);
    for (std::int64_t d = 0; d < head_dim; ++d) {
      a = simd::multiply_add(q[d], simd::load(columns + d * capacity + j), a);
      b = simd::multiply_add(q[d], simd::load(columns + d * capacity + j + kBlock), b);
    }
    simd::store(to + j, a * scale);
    simd::store(to + j + kBlock, b * scale);
  }
  for (; j < length; j += kBlock) {
    f32x16 a = simd::broadcast(0.0f);
    for (std::int64_t d = 0; d < head_dim; ++d)
      a = simd::multiply_add(q[d], simd::load(columns + d * capacity + j), a);
    simd::store(to + j, a * scale);
  }
}

/// to[d] = sum_j weight[j] rows[j][d], j in order.
void weighted_sum(const float* weight, const float* rows, std::int64_t head_dim, std::int64_t length,
                  float* to) {
  std::int64_t d = 0;
  for (; d + 2 * kBlock <= head_dim; d += 2 * kBlock) {
    f32x16 a = simd::broadcast(0.0f);
    f32x16 b = simd::broadcast(0.0f);
    for (std::int64_t j = 0; j < length; ++j) {
      a = simd::multiply_add(weight[j], simd::load(rows + j * head_dim + d), a);
      b = simd::multiply_add(weight[j], simd::load(rows + j * head_dim + d + kBlock), b);
    }
    simd::store(to + d, a);
    simd::store(to + d + kBlock, b);
  }
  for (; d < head_dim; d += kBlock) {
    f32x16 a = simd::broadcast(0.0f);
    for (std::int64_t j = 0; j < length; ++j)
      a = simd::multiply_add(weight[j], simd::load(rows + j * head_dim + d), a);
    simd::store(to + d, a);
  }
}

/// Turns scores into e^(s - shift), zero behind `length`, and returns their sum.
float exponentials(float* scores, std::int64_t length, float shift) {
  f32x16 total = simd::broadcast(0.0f);
  for (std::int64_t j = 0; j < length; j += kBlock) {
    const f32x16 e = simd::exp(simd::load(scores + j) - shift);
    const f32x16 kept = simd::select(simd::first_lanes(length - j), e, simd::broadcast(0.0f));
    simd::store(scores + j, kept);
    total += kept;
  }
  return simd::sum(total);
}

float maximum_of(const float* scores, std::int64_t length) {
  f32x16 most = simd::broadcast(-std::numeric_limits<float>::infinity());
  for (std::int64_t j = 0; j < length; j += kBlock) {
    most = simd::maximum(most, simd::select(simd::first_lanes(length - j), simd::load(scores + j), most));
  }
  return simd::maximum(most);
}

void check_shapes(std::span<const float> q, std::size_t rows, const KvCache& cache, std::int64_t heads) {
  if (cache.head_dim() % kBlock != 0) {
    throw std::invalid_argument("attention: head_dim " + std::to_string(cache.head_dim()) +
                                " (need a multiple of 16)");
  }
  if (heads % cache.kv_heads() != 0 ||
      q.size() != rows * static_cast<std::size_t>(heads * cache.head_dim())) {
    throw std::invalid_argument("attention: " + std::to_string(q.size()) + " query values for " +
                                std::to_string(rows) + " rows of " + std::to_string(heads) + " heads of " +
                                std::to_string(cache.head_dim()));
  }
}

}  // namespace

KvCache::KvCache(std::span<const std::int64_t> capacities, std::int64_t kv_heads, std::int64_t head_dim) {
  reset(capacities, kv_heads, head_dim);
}

void KvCache::reset(std::span<const std::int64_t> capacities, std::int64_t kv_heads, std::int64_t head_dim) {
  kv_heads_ = kv_heads;
  head_dim_ = head_dim;
  offsets_.assign(1, 0);
  for (const std::int64_t capacity : capacities) offsets_.push_back(offsets_.back() + round_up(capacity));
  const auto size = static_cast<std::size_t>(offsets_.back() * kv_heads * head_dim);
  keys_.resize(size);
  values_.resize(size);
}

void KvCache::put(std::int64_t slot, std::int64_t position, const float* key, const float* value) {
  const std::int64_t room = capacity(slot);
  if (position >= room) {
    throw std::invalid_argument("KvCache::put: position " + std::to_string(position) + " of a slot of " +
                                std::to_string(room) + " tokens");
  }
  const std::int64_t base = offsets_[slot] * kv_heads_ * head_dim_;
  for (std::int64_t head = 0; head < kv_heads_; ++head) {
    float* column = keys_.data() + base + head * room * head_dim_ + position;
    for (std::int64_t d = 0; d < head_dim_; ++d) column[d * room] = key[head * head_dim_ + d];
    std::memcpy(values_.data() + base + (head * room + position) * head_dim_, value + head * head_dim_,
                static_cast<std::size_t>(head_dim_) * sizeof(float));
  }
}

void KvCache::copy_prefix(std::int64_t from_slot, std::int64_t to_slot, std::int64_t length) {
  const std::int64_t from_room = capacity(from_slot);
  const std::int64_t to_room = capacity(to_slot);
  for (std::int64_t head = 0; head < kv_heads_; ++head) {
    const float* from = keys(from_slot, head);
    float* to = const_cast<float*>(keys(to_slot, head));
    for (std::int64_t d = 0; d < head_dim_; ++d) std::copy_n(from + d * from_room, length, to + d * to_room);
    std::copy_n(values(from_slot, head), length * head_dim_, const_cast<float*>(values(to_slot, head)));
  }
}

void attention(std::span<const float> q, std::span<const RowPosition> rows, const KvCache& cache,
               std::int64_t heads, std::span<float> out, std::span<float> lse) {
  check_shapes(q, rows.size(), cache, heads);
  const std::int64_t dim = cache.head_dim();
  const std::int64_t group = heads / cache.kv_heads();
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  static thread_local AlignedBuffer scores;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const std::int64_t slot = rows[t].slot;
    const std::int64_t length = rows[t].position + 1;
    scores.resize(static_cast<std::size_t>(round_up(length)));
    for (std::int64_t head = 0; head < heads; ++head) {
      const std::int64_t index = static_cast<std::int64_t>(t) * heads + head;
      dot_with_columns(q.data() + index * dim, cache.keys(slot, head / group), cache.capacity(slot), dim,
                       length, scale, scores.data());
      const float most = maximum_of(scores.data(), length);
      const float total = exponentials(scores.data(), length, most);
      float* to = out.data() + index * dim;
      weighted_sum(scores.data(), cache.values(slot, head / group), dim, length, to);
      for (std::int64_t d = 0; d < dim; ++d) to[d] /= total;
      if (!lse.empty()) lse[static_cast<std::size_t>(index)] = most + std::log(total);
    }
  }
}

namespace {

/// What the backward pass of one sequence works on.
struct Sequence {
  std::int64_t first_row = 0;
  std::int64_t length = 0;
  std::int64_t slot = 0;
};

std::vector<Sequence> sequences_of(std::span<const RowPosition> rows) {
  std::vector<Sequence> sequences;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    if (rows[t].position == 0) {
      sequences.push_back({static_cast<std::int64_t>(t), 0, rows[t].slot});
    }
    if (sequences.empty() || sequences.back().slot != rows[t].slot ||
        sequences.back().length != rows[t].position) {
      throw std::invalid_argument(
          "attention_backward: row " + std::to_string(t) +
          " does not continue its sequence (need positions 0, 1, 2, ... of one slot)");
    }
    ++sequences.back().length;
  }
  return sequences;
}

void add_scaled(float* to, float factor, const float* from, std::int64_t dim) {
  for (std::int64_t d = 0; d < dim; d += kBlock) {
    simd::store(to + d, simd::multiply_add(factor, simd::load(from + d), simd::load(to + d)));
  }
}

/// One key-value head of one sequence, laid out for the backward pass.
struct HeadData {
  const float* keys = nullptr;  // [dim, capacity], in the cache
  std::int64_t capacity = 0;
  std::int64_t dim = 0;
  std::int64_t length = 0;
  std::int64_t room = 0;
  AlignedBuffer key_rows;       // [room, dim]
  AlignedBuffer value_columns;  // [dim, room]
  AlignedBuffer p, dp;          // [room]

  void take(const KvCache& cache, std::int64_t slot, std::int64_t head, std::int64_t tokens) {
    keys = cache.keys(slot, head);
    capacity = cache.capacity(slot);
    dim = cache.head_dim();
    length = tokens;
    room = round_up(tokens);
    for (AlignedBuffer* buffer : {&key_rows, &value_columns})
      buffer->resize(static_cast<std::size_t>(room * dim));
    for (AlignedBuffer* buffer : {&p, &dp}) buffer->resize(static_cast<std::size_t>(room));
    const float* values = cache.values(slot, head);
    for (std::int64_t d = 0; d < dim; ++d) {
      for (std::int64_t j = 0; j < length; ++j) {
        key_rows.data()[j * dim + d] = keys[d * capacity + j];
        value_columns.data()[d * room + j] = values[j * dim + d];
      }
      std::fill_n(value_columns.data() + d * room + length, room - length, 0.0f);
    }
  }
};

/// Where one query row of the backward pass reads and writes.
struct RowGradients {
  const float* q;
  const float* out;
  const float* dout;
  float lse;
  float* dq;
  float* dk;  // row 0 of the sequence; rows are kv_stride apart
  float* dv;
  std::int64_t kv_stride;
};

/// Row i of a sequence: p = softmax(scale q k), ds = p (dout v - dout . out) scale; dq = ds k, dk += ds q, dv
/// += p dout.
void backward_row(HeadData& head, std::int64_t i, float scale, const RowGradients& row) {
  const std::int64_t dim = head.dim;
  float* p = head.p.data();
  float* ds = head.dp.data();
  dot_with_columns(row.q, head.keys, head.capacity, dim, i + 1, scale, p);
  exponentials(p, i + 1, row.lse);
  dot_with_columns(row.dout, head.value_columns.data(), head.room, dim, i + 1, 1.0f, ds);
  f32x16 products = simd::broadcast(0.0f);
  for (std::int64_t d = 0; d < dim; d += kBlock)
    products += simd::load(row.dout + d) * simd::load(row.out + d);
  const float mean = simd::sum(products);
  for (std::int64_t j = 0; j <= i; j += kBlock) {
    simd::store(ds + j, simd::load(p + j) * (simd::load(ds + j) - mean) * scale);
  }
  weighted_sum(ds, head.key_rows.data(), dim, i + 1, row.dq);
  for (std::int64_t j = 0; j <= i; ++j) {
    add_scaled(row.dk + j * row.kv_stride, ds[j], row.q, dim);
    add_scaled(row.dv + j * row.kv_stride, p[j], row.dout, dim);
  }
}

}  // namespace

void attention_backward(std::span<const float> dout, std::span<const float> out, std::span<const float> q,
                        std::span<const float> lse, std::span<const RowPosition> rows, const KvCache& cache,
                        std::int64_t heads, std::span<float> dq, std::span<float> dk, std::span<float> dv) {
  check_shapes(q, rows.size(), cache, heads);
  const std::int64_t dim = cache.head_dim();
  const std::int64_t kv_heads = cache.kv_heads();
  const std::int64_t group = heads / kv_heads;
  const std::int64_t kv_stride = kv_heads * dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  std::fill(dk.begin(), dk.end(), 0.0f);
  std::fill(dv.begin(), dv.end(), 0.0f);
  static thread_local HeadData data;
  for (const Sequence& sequence : sequences_of(rows)) {
    for (std::int64_t kv_head = 0; kv_head < kv_heads; ++kv_head) {
      data.take(cache, sequence.slot, kv_head, sequence.length);
      const std::int64_t kv_at = sequence.first_row * kv_stride + kv_head * dim;
      for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
        for (std::int64_t i = 0; i < sequence.length; ++i) {
          const std::int64_t index = (sequence.first_row + i) * heads + head;
          const std::int64_t at = index * dim;
          backward_row(
              data, i, scale,
              {q.data() + at, out.data() + at, dout.data() + at, lse[static_cast<std::size_t>(index)],
               dq.data() + at, dk.data() + kv_at, dv.data() + kv_at, kv_stride});
        }
      }
    }
  }
}

}  // namespace reckon
