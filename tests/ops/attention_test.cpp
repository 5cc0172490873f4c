#include "reckon/ops/attention.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/numbers.h"

namespace reckon {
namespace {

using testing::dot;
using testing::expect_close;
using testing::normal_values;

constexpr std::int64_t kHeads = 4, kKvHeads = 2, kDim = 16;

/// Queries, keys and values of packed sequences.
struct Case {
  std::vector<std::int64_t> lengths;
  std::vector<RowPosition> rows;
  std::vector<float> q, k, v;

  explicit Case(std::vector<std::int64_t> sequence_lengths) : lengths(std::move(sequence_lengths)) {
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      for (std::int64_t t = 0; t < lengths[s]; ++t) {
        rows.push_back({static_cast<std::int32_t>(s), static_cast<std::int32_t>(t)});
      }
    }
    q = normal_values(rows.size() * kHeads * kDim, 1);
    k = normal_values(rows.size() * kKvHeads * kDim, 2);
    v = normal_values(rows.size() * kKvHeads * kDim, 3);
  }

  /// Slots are numbered as they are opened.
  [[nodiscard]] KvCache cache(ComputeDtype dtype = ComputeDtype::float32) const {
    KvCache result;
    result.reset({1, kKvHeads, kDim, dtype}, 100);
    for (const std::int64_t length : lengths) (void)result.open(length);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      result.put(0, rows[t].slot, rows[t].position, k.data() + t * kKvHeads * kDim,
                 v.data() + t * kKvHeads * kDim);
    }
    return result;
  }

  [[nodiscard]] std::vector<RowRun> runs() const {
    std::vector<RowRun> result;
    std::int64_t row = 0;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      result.push_back({row, lengths[s], static_cast<std::int32_t>(s), 0, 0});
      row += lengths[s];
    }
    return result;
  }
};

std::vector<double> reference(const Case& c) {
  std::vector<double> out(c.q.size());
  for (std::size_t t = 0; t < c.rows.size(); ++t) {
    const std::size_t first = t - static_cast<std::size_t>(c.rows[t].position);
    for (std::size_t h = 0; h < kHeads; ++h) {
      const std::size_t kv = h / (kHeads / kKvHeads);
      std::vector<double> p;
      double total = 0;
      for (std::size_t j = first; j <= t; ++j) {
        double score = 0;
        for (std::size_t d = 0; d < kDim; ++d) {
          score +=
              static_cast<double>(c.q[(t * kHeads + h) * kDim + d]) * c.k[(j * kKvHeads + kv) * kDim + d];
        }
        p.push_back(std::exp(score / 4.0));  // sqrt(16)
        total += p.back();
      }
      for (std::size_t j = first; j <= t; ++j) {
        for (std::size_t d = 0; d < kDim; ++d) {
          out[(t * kHeads + h) * kDim + d] += p[j - first] / total * c.v[(j * kKvHeads + kv) * kDim + d];
        }
      }
    }
  }
  return out;
}

TEST(Attention, FirstTokenReturnsItsValue) {  // softmax over one key is 1
  const Case c({1});
  std::vector<float> out(c.q.size());
  attention(c.q, c.rows, c.cache(), 0, kHeads, out);
  for (std::size_t h = 0; h < kHeads; ++h) {
    for (std::size_t d = 0; d < kDim; ++d) EXPECT_EQ(out[h * kDim + d], c.v[h / 2 * kDim + d]);
  }
}

TEST(Attention, MatchesFloat64) {
  const Case c({1, 2, 15, 16, 17, 33, 70});
  std::vector<float> out(c.q.size());
  attention(c.q, c.rows, c.cache(), 0, kHeads, out);
  expect_close(out, reference(c), 3e-6);  // values of size 1, weights that sum to 1, e^x to 2 ulp
}

TEST(Attention, BitsOfARowDoNotDependOnTheBatch) {
  const Case all({40, 7, 23});
  std::vector<float> whole(all.q.size());
  attention(all.q, all.rows, all.cache(), 0, kHeads, whole);
  // Alone, from a cache of another capacity, as in decoding.
  KvCache cache;
  cache.reset({1, kKvHeads, kDim}, 20);
  (void)cache.open(5);
  (void)cache.open(128);
  for (std::size_t t = 0; t < 40; ++t) {
    cache.put(0, 1, static_cast<std::int64_t>(t), all.k.data() + t * kKvHeads * kDim,
              all.v.data() + t * kKvHeads * kDim);
    const RowPosition row{1, static_cast<std::int32_t>(t)};
    std::vector<float> out(kHeads * kDim);
    attention(std::span(all.q).subspan(t * kHeads * kDim, kHeads * kDim), {&row, 1}, cache, 0, kHeads, out);
    ASSERT_EQ(std::memcmp(out.data(), whole.data() + t * kHeads * kDim, out.size() * sizeof(float)), 0)
        << "token " << t;
  }
}

TEST(Attention, GradientsMatchFiniteDifferences) {
  Case c({5, 18});
  const auto dout = normal_values(c.q.size(), 9);
  std::vector<float> out(c.q.size()), lse(c.rows.size() * kHeads), dq(c.q.size()), dk(c.k.size()),
      dv(c.v.size());
  const auto loss = [&] {
    attention(c.q, c.rows, c.cache(), 0, kHeads, out, lse);
    return dot(out, dout);
  };
  loss();
  attention_backward(dout, out, c.q, lse, c.runs(), c.cache(), 0, kHeads, dq, dk, dv);
  for (const auto& [values, gradient] : {std::pair{&c.q, &dq}, {&c.k, &dk}, {&c.v, &dv}}) {
    for (std::size_t i = 0; i < values->size(); i += 7) {
      const float kept = (*values)[i];
      (*values)[i] = kept + 1e-2f;
      const double above = loss();
      (*values)[i] = kept - 1e-2f;
      const double below = loss();
      (*values)[i] = kept;
      ASSERT_NEAR((*gradient)[i], (above - below) / 2e-2, 2e-3) << "at " << i;
    }
  }
}

// 20 positions: one shared block, and four of the next that are copied.
TEST(KvCache, AForkReadsThePositionsOfItsSource) {
  const Case c({40});
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
    KvCache cache = c.cache(dtype);
    const std::int64_t free = cache.free_blocks();
    const std::int32_t fork = cache.fork(0, 20, 40);
    EXPECT_EQ(cache.free_blocks(), free - 2);
    cache.copy_forked(0);
    cache.finish_forks();
    for (std::size_t t = 20; t < 40; ++t) {
      cache.put(0, fork, static_cast<std::int64_t>(t), c.k.data() + t * kKvHeads * kDim,
                c.v.data() + t * kKvHeads * kDim);
    }
    std::vector<float> source(c.q.size()), forked(c.q.size());
    attention(c.q, c.rows, cache, 0, kHeads, source);
    std::vector<RowPosition> rows = c.rows;
    for (RowPosition& row : rows) row.slot = fork;
    attention(c.q, rows, cache, 0, kHeads, forked);
    EXPECT_EQ(source, forked);
    cache.close(0);
    EXPECT_EQ(cache.free_blocks(), free);  // the shared block is still in use, its two others are free
    attention(c.q, rows, cache, 0, kHeads, source);
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

}  // namespace
}  // namespace reckon
