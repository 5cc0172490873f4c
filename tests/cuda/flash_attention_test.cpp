// Flash attention against float64: the emulated one, which the learner's tests without a GPU stand on, and on
// a GPU LibTorch's.
#include "reckon/cuda/flash_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "device_values.h"

namespace reckon::cuda {
namespace {

using namespace reckon::testing;

struct Lengths {
  std::int64_t queries, keys;
};

/// Packed sequences, and the same as runs of rows of which the keys are all and the queries the last ones.
class Batch {
 public:
  Batch(const std::vector<Lengths>& lengths, const HeadShape& heads)
      : shape(heads),
        counts{static_cast<std::size_t>(heads.heads), static_cast<std::size_t>(heads.kv_heads),
               static_cast<std::size_t>(heads.head_dim)} {
    std::vector<std::int32_t> q_starts{0}, k_starts{0};
    for (const Lengths& length : lengths) {
      const std::int64_t first = k_starts.back();
      const std::int64_t before = length.keys - length.queries;
      runs.push_back({first + before, length.queries, 0, static_cast<std::int32_t>(before), first});
      for (std::int64_t i = before; i < length.keys; ++i)
        query_rows.push_back(static_cast<std::size_t>(first + i));
      q_starts.push_back(q_starts.back() + static_cast<std::int32_t>(length.queries));
      k_starts.push_back(k_starts.back() + static_cast<std::int32_t>(length.keys));
      sequences.longest_queries = std::max(sequences.longest_queries, length.queries);
      sequences.longest_keys = std::max(sequences.longest_keys, length.keys);
    }
    q_starts_ = on_device(q_starts);
    k_starts_ = on_device(k_starts);
    sequences.q_starts = q_starts_.data();
    sequences.k_starts = k_starts_.data();
    sequences.count = static_cast<std::int64_t>(lengths.size());
    sequences.num_queries = q_starts.back();
    sequences.num_keys = k_starts.back();
    const std::size_t key_values = static_cast<std::size_t>(k_starts.back()) * counts.kv_heads * counts.dim;
    const std::size_t query_values = query_rows.size() * width();
    q = normal_bf16(query_values, 1);
    dout = normal_bf16(query_values, 2);
    k = normal_bf16(key_values, 3);
    v = normal_bf16(key_values, 4);
  }

  [[nodiscard]] std::size_t width() const { return counts.heads * counts.dim; }
  /// Values of query rows in the rows of all keys, zeros elsewhere; and back.
  [[nodiscard]] Doubles among_keys(const std::vector<float>& of_queries) const {
    Doubles all(static_cast<std::size_t>(sequences.num_keys) * width());
    for (std::size_t i = 0; i < of_queries.size(); ++i)
      all[query_rows[i / width()] * width() + i % width()] = of_queries[i];
    return all;
  }
  [[nodiscard]] Doubles of_queries(const Doubles& among_keys, std::size_t row_width) const {
    Doubles values;
    for (const std::size_t row : query_rows)
      values.insert(values.end(), among_keys.begin() + static_cast<std::ptrdiff_t>(row * row_width),
                    among_keys.begin() + static_cast<std::ptrdiff_t>((row + 1) * row_width));
    return values;
  }

  HeadShape shape;
  reference::HeadCounts counts;
  PackedSequences sequences;
  std::vector<RowRun> runs;
  std::vector<std::size_t> query_rows;
  std::vector<float> q, k, v, dout;

 private:
  DeviceArray<std::int32_t> q_starts_, k_starts_;
};

// More than one block of LibTorch's kernels, queries that are fewer than keys, none, and one alone.
const std::vector<Lengths> kLengths = {{5, 5}, {1, 1}, {3, 20}, {0, 4}, {17, 33}, {140, 290}};
const std::vector<Lengths> kOneQueryEach = {{1, 9}, {1, 1}, {1, 150}};
const HeadShape kShapes[] = {{2, 2, 16}, {6, 2, 24}, {7, 1, 8}, {4, 2, 64}, {6, 1, 128}};

/// What a GPU adds to the error, of the largest value: it rounds probabilities, and the gradients of scores
/// and of each query head's keys and values, to bfloat16 before it sums them, each by 2^-9.
double on_gpu(double more) {
  return is_emulated() ? 0 : more;
}

struct Inputs {
  explicit Inputs(const Batch& batch)
      : q(bf16_on_device(batch.q)),
        k(bf16_on_device(batch.k)),
        v(bf16_on_device(batch.v)),
        dout(bf16_on_device(batch.dout)) {}
  DeviceArray<bf16> q, k, v, dout;
};

struct Gradients {
  explicit Gradients(const Batch& batch) : dq(batch.q.size()), dk(batch.k.size()), dv(batch.v.size()) {}
  void compute(const Inputs& in, const DeviceArray<bf16>& out, const DeviceArray<float>& lse,
               const Batch& batch) {
    flash_attention_backward(in.dout.data(), in.q.data(), in.k.data(), in.v.data(), out.data(), lse.data(),
                             batch.sequences, batch.shape, dq.data(), dk.data(), dv.data(), nullptr);
  }
  DeviceArray<bf16> dq, dk, dv;
};

void expect_forward(const std::vector<Lengths>& lengths, const HeadShape& shape) {
  const Batch batch(lengths, shape);
  const Inputs in(batch);
  DeviceArray<bf16> out(batch.q.size());
  DeviceArray<float> lse(batch.query_rows.size() * batch.counts.heads);
  const reference::AttentionResult expected = reference::attention(
      batch.among_keys(batch.q), doubles(batch.k), doubles(batch.v), batch.runs, batch.counts);
  const double relative = 0x1p-24 + on_gpu(0x1p-9);
  flash_attention_forward(in.q.data(), in.k.data(), in.v.data(), batch.sequences, shape, out.data(),
                          lse.data(), nullptr);
  expect_rounded(floats_of(out), batch.of_queries(expected.out, batch.width()), relative);
  const Doubles of_rows = batch.of_queries(expected.lse, batch.counts.heads);
  const std::vector<float> logs = lse.download();
  const std::size_t rows = batch.query_rows.size();
  for (std::size_t i = 0; i < logs.size(); ++i)  // float32 of a float64; on a GPU of a sum in float32
    EXPECT_NEAR(logs[i], of_rows[i % rows * batch.counts.heads + i / rows], 1e-6 + on_gpu(2e-5)) << i;
  flash_attention_forward(in.q.data(), in.k.data(), in.v.data(), batch.sequences, shape, out.data(), nullptr,
                          nullptr);
  expect_rounded(floats_of(out), batch.of_queries(expected.out, batch.width()), relative);
}

void expect_gradients(const std::vector<Lengths>& lengths, const HeadShape& shape) {
  const Batch batch(lengths, shape);
  const Inputs in(batch);
  DeviceArray<bf16> out(batch.q.size());
  DeviceArray<float> lse(batch.query_rows.size() * batch.counts.heads);
  flash_attention_forward(in.q.data(), in.k.data(), in.v.data(), batch.sequences, shape, out.data(),
                          lse.data(), nullptr);
  Gradients gradients(batch);
  gradients.compute(in, out, lse, batch);
  const reference::AttentionGradients expected =
      reference::attention_backward(batch.among_keys(batch.dout), batch.among_keys(batch.q), doubles(batch.k),
                                    doubles(batch.v), batch.runs, batch.counts);
  // dout . out reads the rounded out: each product is off by 2^-9 at most, and there are head_dim of them of
  // either sign.
  const double relative = 0x1p-9 * std::sqrt(static_cast<double>(shape.head_dim)) + on_gpu(0x1p-7);
  expect_rounded(floats_of(gradients.dq), batch.of_queries(expected.dq, batch.width()), relative);
  expect_rounded(floats_of(gradients.dk), expected.dk, relative);
  expect_rounded(floats_of(gradients.dv), expected.dv, 0x1p-20 + on_gpu(0x1p-7));
}

TEST(FlashAttention, MatchesFloat64) {
  for (const HeadShape& shape : kShapes) expect_forward(kLengths, shape);
}

TEST(FlashAttention, MatchesFloat64WhereEachSequenceHasOneQuery) {
  for (const HeadShape& shape : kShapes) expect_forward(kOneQueryEach, shape);
}

TEST(FlashAttention, GradientsMatchFloat64) {
  for (const HeadShape& shape : kShapes) {
    expect_gradients(kLengths, shape);
    expect_gradients(kOneQueryEach, shape);
  }
}

// On a GPU many blocks add to one query's gradient.
TEST(FlashAttention, ASecondBackwardPassGivesTheSameBits) {
  const Batch batch({{600, 700}}, {2, 1, 64});
  const Inputs in(batch);
  DeviceArray<bf16> out(batch.q.size());
  DeviceArray<float> lse(batch.query_rows.size() * batch.counts.heads);
  flash_attention_forward(in.q.data(), in.k.data(), in.v.data(), batch.sequences, batch.shape, out.data(),
                          lse.data(), nullptr);
  Gradients first(batch), again(batch);
  first.compute(in, out, lse, batch);
  const std::vector<float> dq = floats_of(first.dq), dk = floats_of(first.dk), dv = floats_of(first.dv);
  for (int i = 0; i < (is_emulated() ? 1 : 20); ++i) {
    again.compute(in, out, lse, batch);
    ASSERT_EQ(floats_of(again.dq), dq);
    ASSERT_EQ(floats_of(again.dk), dk);
    ASSERT_EQ(floats_of(again.dv), dv);
  }
}

TEST(FlashAttention, OfNothingIsNothing) {
  const Batch batch({}, {1, 1, 8});
  flash_attention_forward(nullptr, nullptr, nullptr, batch.sequences, {1, 1, 8}, nullptr, nullptr, nullptr);
  flash_attention_backward(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, batch.sequences, {1, 1, 8},
                           nullptr, nullptr, nullptr, nullptr);
}

}  // namespace
}  // namespace reckon::cuda
