// Flash attention's results by plain loops in float64.
#include <cmath>
#include <cstddef>
#include <vector>

#include "emulator/emulator.h"
#include "reckon/cuda/flash_attention.h"

namespace reckon::cuda {
namespace {

/// Sequence s of the packed ones, and the offsets of its rows.
struct Sequence {
  std::int64_t first_query, num_queries, first_key, num_keys;
  const HeadShape& shape;

  Sequence(const PackedSequences& all, std::int64_t s, const HeadShape& heads)
      : first_query(all.q_starts[s]),
        num_queries(all.q_starts[s + 1] - all.q_starts[s]),
        first_key(all.k_starts[s]),
        num_keys(all.k_starts[s + 1] - all.k_starts[s]),
        shape(heads) {}
  [[nodiscard]] std::int64_t query(std::int64_t i, std::int64_t head) const {
    return ((first_query + i) * shape.heads + head) * shape.head_dim;
  }
  [[nodiscard]] std::int64_t key(std::int64_t j, std::int64_t head) const {
    return ((first_key + j) * shape.kv_heads + head / (shape.heads / shape.kv_heads)) * shape.head_dim;
  }
  /// Keys that query i sees.
  [[nodiscard]] std::int64_t visible(std::int64_t i) const { return i + num_keys - num_queries + 1; }
};

double dot(const bf16* a, const bf16* b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t d = 0; d < count; ++d) sum += static_cast<double>(to_float(a[d])) * to_float(b[d]);
  return sum;
}

template <class Visit>
void for_queries(const PackedSequences& sequences, const HeadShape& shape, const Visit& visit) {
  for (std::int64_t s = 0; s < sequences.count; ++s) {
    const Sequence sequence(sequences, s, shape);
    for (std::int64_t i = 0; i < sequence.num_queries; ++i) {
      for (std::int64_t head = 0; head < shape.heads; ++head) visit(sequence, i, head);
    }
  }
}

void forward_now(const bf16* q, const bf16* k, const bf16* v, const PackedSequences& sequences,
                 const HeadShape& shape, bf16* out, float* lse) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
  for_queries(sequences, shape, [&](const Sequence& sequence, std::int64_t i, std::int64_t head) {
    std::vector<double> scores;
    double most = -INFINITY;
    for (std::int64_t j = 0; j < sequence.visible(i); ++j) {
      scores.push_back(scale * dot(q + sequence.query(i, head), k + sequence.key(j, head), shape.head_dim));
      most = std::fmax(most, scores.back());
    }
    double sum = 0;
    for (const double score : scores) sum += std::exp(score - most);
    std::vector<double> values(static_cast<std::size_t>(shape.head_dim));
    for (std::size_t j = 0; j < scores.size(); ++j) {
      const double p = std::exp(scores[j] - most) / sum;
      for (std::size_t d = 0; d < values.size(); ++d)
        values[d] +=
            p * to_float(v[sequence.key(static_cast<std::int64_t>(j), head) + static_cast<std::int64_t>(d)]);
    }
    bf16* to = out + sequence.query(i, head);
    for (std::size_t d = 0; d < values.size(); ++d) to[d] = to_bf16(static_cast<float>(values[d]));
    if (lse != nullptr)
      lse[head * sequences.num_queries + sequence.first_query + i] = static_cast<float>(most + std::log(sum));
  });
}

void backward_now(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                  const float* lse, const PackedSequences& sequences, const HeadShape& shape, bf16* dq,
                  bf16* dk, bf16* dv) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
  const std::int64_t width = shape.kv_heads * shape.head_dim;
  std::vector<double> dkeys(static_cast<std::size_t>(sequences.num_keys * width));
  std::vector<double> dvalues(dkeys.size());
  for_queries(sequences, shape, [&](const Sequence& sequence, std::int64_t i, std::int64_t head) {
    const std::int64_t query = sequence.query(i, head);
    const double log_sum = lse[head * sequences.num_queries + sequence.first_query + i];
    const double mean = dot(dout + query, out + query, shape.head_dim);
    std::vector<double> dquery(static_cast<std::size_t>(shape.head_dim));
    for (std::int64_t j = 0; j < sequence.visible(i); ++j) {
      const std::int64_t key = sequence.key(j, head);
      const double p = std::exp(scale * dot(q + query, k + key, shape.head_dim) - log_sum);
      const double dscore = p * (dot(dout + query, v + key, shape.head_dim) - mean) * scale;
      for (std::int64_t d = 0; d < shape.head_dim; ++d) {
        dquery[static_cast<std::size_t>(d)] += dscore * to_float(k[key + d]);
        dkeys[static_cast<std::size_t>(key + d)] += dscore * to_float(q[query + d]);
        dvalues[static_cast<std::size_t>(key + d)] += p * to_float(dout[query + d]);
      }
    }
    for (std::int64_t d = 0; d < shape.head_dim; ++d)
      dq[query + d] = to_bf16(static_cast<float>(dquery[static_cast<std::size_t>(d)]));
  });
  for (std::size_t i = 0; i < dkeys.size(); ++i) {
    dk[i] = to_bf16(static_cast<float>(dkeys[i]));
    dv[i] = to_bf16(static_cast<float>(dvalues[i]));
  }
}

}  // namespace

void flash_attention_forward(const bf16* q, const bf16* k, const bf16* v, const PackedSequences& sequences,
                             const HeadShape& shape, bf16* out, float* lse, Stream stream) {
  emulator::put_on_stream(stream, [=] { forward_now(q, k, v, sequences, shape, out, lse); });
}

void flash_attention_backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                              const float* lse, const PackedSequences& sequences, const HeadShape& shape,
                              bf16* dq, bf16* dk, bf16* dv, Stream stream) {
  emulator::put_on_stream(stream,
                          [=] { backward_now(dout, q, k, v, out, lse, sequences, shape, dq, dk, dv); });
}

}  // namespace reckon::cuda
