#include "reckon/ops/attention.h"

#include <gtest/gtest.h>

#include "ops/packed_sequences.h"
#include "support/finite_differences.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon {
namespace {

using testing::attention_shapes;
using testing::AttentionShape;
using testing::dot;
using testing::Doubles;
using testing::doubles;
using testing::expect_close;
using testing::expect_gradient;
using testing::normal_values;
using testing::PackedSequences;
using testing::rounded_to_bf16;
namespace reference = testing::reference;

/// Lengths around the blocks of sixteen keys; the last is more than the 32 queries that the backward pass
/// takes at once, and than two of its blocks.
constexpr std::array<std::int64_t, 6> kLengths{1, 2, 15, 16, 17, 70};

/// A prompt of `prompt` tokens with three completions, beside a sequence of its own.
PackedSequences group_of(const AttentionShape& shape, std::int64_t prompt) {
  PackedSequences c(shape);
  c.add_run(9);
  c.add_run(prompt);
  for (const std::int64_t completion : {1, 20, 35}) c.add_run(completion, prompt, 1);
  c.fill();
  return c;
}

struct Computed {
  std::vector<float> out, lse, dq, dk, dv;
};

Computed compute(const PackedSequences& c, const std::vector<float>& dout) {
  const KvCache cache = c.cache();
  const std::int64_t heads = c.shape.heads();
  Computed r{std::vector<float>(c.q.size()),
             std::vector<float>(c.rows.size() * static_cast<std::size_t>(heads)),
             std::vector<float>(c.q.size(), 9.0f), std::vector<float>(c.k.size(), 9.0f),
             std::vector<float>(c.v.size(), 9.0f)};
  attention(c.q, c.rows, cache, 0, heads, r.out, r.lse);
  attention_backward(dout, r.out, c.q, r.lse, c.runs, cache, 0, heads, r.dq, r.dk, r.dv);
  return r;
}

/// Against float64 on keys and values as the cache holds them. Scores of up to 4 sqrt(log T) err by
/// sqrt(dim) 2^-24 of |q| |k| / sqrt(dim): up to 1e-6 for heads of 128; e^x by 2 ulp; weights sum to 1.
void expect_matches_float64(const PackedSequences& c) {
  SCOPED_TRACE(::testing::Message() << "group " << c.shape.group << ", dim " << c.shape.dim
                                    << (c.shape.dtype == ComputeDtype::bfloat16 ? ", bfloat16" : ""));
  const auto dout = normal_values(c.q.size(), 9);
  const Computed ours = compute(c, dout);
  const bool rounds = c.shape.dtype == ComputeDtype::bfloat16;
  const Doubles q = doubles(c.q), k = doubles(rounds ? rounded_to_bf16(c.k) : c.k);
  const Doubles v = doubles(rounds ? rounded_to_bf16(c.v) : c.v);
  const auto forward = reference::attention(q, k, v, c.runs, c.shape.counts());
  expect_close(ours.out, forward.out, 3e-6);
  expect_close(ours.lse, forward.lse, 3e-6);
  const auto backward = reference::attention_backward(doubles(dout), q, k, v, c.runs, c.shape.counts());
  expect_close(ours.dq, backward.dq, 1e-6, 1e-6);
  expect_close(ours.dk, backward.dk, 1e-6, 1e-6);
  expect_close(ours.dv, backward.dv, 1e-6, 1e-6);
  if (!rounds) return;
  // Keys and values move by up to 2^-8 of themselves: scores by about 2^-8 |q| |k| / sqrt(dim), which is 2^-8
  // times a normal number, as sums of dim random signs are; values by 2^-8 |v|. Gradients are products of
  // those. Taken threefold.
  const auto exact = reference::attention(q, doubles(c.k), doubles(c.v), c.runs, c.shape.counts());
  const auto exact_backward =
      reference::attention_backward(doubles(dout), q, doubles(c.k), doubles(c.v), c.runs, c.shape.counts());
  expect_close(ours.out, exact.out, 3 * 0x1p-8);
  expect_close(ours.dq, exact_backward.dq, 3 * 0x1p-8, 3 * 0x1p-8);
  expect_close(ours.dk, exact_backward.dk, 3 * 0x1p-8, 3 * 0x1p-8);
  expect_close(ours.dv, exact_backward.dv, 3 * 0x1p-8, 3 * 0x1p-8);
}

TEST(Attention, FirstTokenReturnsItsValue) {  // softmax over one key is 1
  const PackedSequences c({2, 16}, std::array<std::int64_t, 1>{1});
  std::vector<float> out(c.q.size());
  attention(c.q, c.rows, c.cache(), 0, 4, out);
  for (std::size_t h = 0; h < 4; ++h) {
    for (std::size_t d = 0; d < 16; ++d) EXPECT_EQ(out[h * 16 + d], c.v[h / 2 * 16 + d]);
  }
}

TEST(Attention, ForwardAndBackwardMatchFloat64) {
  for (const AttentionShape& shape : attention_shapes()) {
    expect_matches_float64(PackedSequences(shape, kLengths));
  }
}

TEST(Attention, ForwardAndBackwardMatchFloat64WhereCompletionsShareTheirPrompt) {
  for (const std::int64_t prompt : {1, 15, 16, 33}) {
    for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
      expect_matches_float64(group_of({2, 16, dtype}, prompt));
      expect_matches_float64(group_of({7, 64, dtype}, prompt));
    }
  }
}

TEST(Attention, GradientsMatchFiniteDifferences) {
  PackedSequences packed({2, 16}, std::array<std::int64_t, 2>{5, 18});
  for (const PackedSequences& c : {packed, group_of({4, 16}, 5)}) {
    const auto dout = normal_values(c.q.size(), 9);
    const Computed ours = compute(c, dout);
    const auto loss = [&](const Doubles& q, const Doubles& k, const Doubles& v) {
      return dot(reference::attention(q, k, v, c.runs, c.shape.counts()).out, dout);
    };
    const Doubles q = doubles(c.q), k = doubles(c.k), v = doubles(c.v);
    expect_gradient(
        q, ours.dq, [&](const Doubles& x) { return loss(x, k, v); }, 3e-6, 31);
    expect_gradient(
        k, ours.dk, [&](const Doubles& x) { return loss(q, x, v); }, 3e-6, 13);
    expect_gradient(
        v, ours.dv, [&](const Doubles& x) { return loss(q, k, x); }, 3e-6, 13);
  }
}

// Scores of +-200: e^x would overflow, and all but one key has no weight.
TEST(Attention, HugeScoresStayFinite) {
  PackedSequences c({1, 16, ComputeDtype::float32, 1}, std::array<std::int64_t, 1>{20});
  for (float& value : c.q) value *= 200.0f;
  const auto dout = normal_values(c.q.size(), 9);
  const Computed ours = compute(c, dout);
  const auto expected =
      reference::attention(doubles(c.q), doubles(c.k), doubles(c.v), c.runs, c.shape.counts());
  // Scores err by 1e-4 here: 2^-24 of products of 800, summed.
  expect_close(ours.out, expected.out, 1e-3);
  for (const float value : ours.dk) ASSERT_TRUE(std::isfinite(value));
}

// 20 positions: one shared block, and four of the next that are copied.
TEST(KvCache, AForkReadsThePositionsOfItsSource) {
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
    const AttentionShape shape{2, 16, dtype};
    const PackedSequences c(shape, std::array<std::int64_t, 1>{40});
    KvCache cache = testing::dirty_cache(shape, 20);
    EXPECT_EQ(cache.open(40), 0);
    for (std::size_t t = 0; t < 40; ++t) c.put_row(cache, t, 0);
    const std::int64_t free = cache.free_blocks();
    const std::int32_t fork = cache.fork(0, 20, 40);
    EXPECT_EQ(cache.free_blocks(), free - 2);
    cache.copy_forked(0);
    cache.finish_forks();
    for (std::size_t t = 20; t < 40; ++t) c.put_row(cache, t, fork);
    std::vector<float> source(c.q.size()), forked(c.q.size());
    attention(c.q, c.rows, cache, 0, shape.heads(), source);
    std::vector<RowPosition> rows = c.rows;
    for (RowPosition& row : rows) row.slot = fork;
    attention(c.q, rows, cache, 0, shape.heads(), forked);
    EXPECT_EQ(source, forked);
    cache.close(0);
    EXPECT_EQ(cache.free_blocks(), free);  // the shared block is still in use, its two others are free
    attention(c.q, rows, cache, 0, shape.heads(), source);
    EXPECT_EQ(source, forked);
    cache.close(fork);
    EXPECT_EQ(cache.free_blocks(), free + 3);
    EXPECT_THROW(cache.close(fork), std::logic_error);
  }
}

TEST(KvCache, RefusesWhatHasNoRoom) {
  KvCache cache;
  cache.reset({1, 1, 16}, 3);
  const std::int32_t slot = cache.open(17);
  EXPECT_THROW((void)cache.open(17), std::logic_error);
  EXPECT_THROW((void)cache.fork(slot, 33, 40), std::logic_error);
  const std::vector<float> token(16);
  EXPECT_THROW(cache.put(0, slot, 32, token.data(), token.data()), std::invalid_argument);
}

TEST(Attention, RefusesHeadsItCannotCompute) {
  KvCache cache;
  cache.reset({1, 1, 8}, 1);
  (void)cache.open(4);
  const RowPosition row{0, 0};
  std::vector<float> q(8), out(8);
  EXPECT_THROW(attention(q, {&row, 1}, cache, 0, 1, out), std::invalid_argument);
}

TEST(Attention, BackwardRefusesRunsThatDoNotCoverTheRows) {
  PackedSequences c({1, 16, ComputeDtype::float32, 1}, std::array<std::int64_t, 2>{3, 4});
  const KvCache cache = c.cache();
  const std::vector<float> lse(7);
  std::vector<float> dq(c.q.size()), dk(c.k.size()), dv(c.v.size());
  const auto backward = [&] { attention_backward(c.q, c.q, c.q, lse, c.runs, cache, 0, 1, dq, dk, dv); };
  EXPECT_NO_THROW(backward());
  c.runs[1].count = 3;
  EXPECT_THROW(backward(), std::invalid_argument);
  c.runs[1] = {4, 3, 1, 0, 0};
  EXPECT_THROW(backward(), std::invalid_argument);
  c.runs[1] = {3, 4, 1, 4, 0};  // a prefix of four rows, of which three stand before the run
  EXPECT_THROW(backward(), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
