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

  [[nodiscard]] KvCache cache() const {
    KvCache result(lengths, kKvHeads, kDim);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      result.put(rows[t].slot, rows[t].position, k.data() + t * kKvHeads * kDim,
                 v.data() + t * kKvHeads * kDim);
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
  attention(c.q, c.rows, c.cache(), kHeads, out);
  for (std::size_t h = 0; h < kHeads; ++h) {
    for (std::size_t d = 0; d < kDim; ++d) EXPECT_EQ(out[h * kDim + d], c.v[h / 2 * kDim + d]);
  }
}

TEST(Attention, MatchesFloat64) {
  const Case c({1, 2, 15, 16, 17, 33, 70});
  std::vector<float> out(c.q.size());
  attention(c.q, c.rows, c.cache(), kHeads, out);
  expect_close(out, reference(c), 3e-6);  // values of size 1, weights that sum to 1, e^x to 2 ulp
}

TEST(Attention, BitsOfARowDoNotDependOnTheBatch) {
  const Case all({40, 7, 23});
  std::vector<float> whole(all.q.size());
  attention(all.q, all.rows, all.cache(), kHeads, whole);
  // Alone, from a cache of another capacity, as in decoding.
  const std::vector<std::int64_t> capacities{5, 128};
  KvCache cache(capacities, kKvHeads, kDim);
  for (std::size_t t = 0; t < 40; ++t) {
    cache.put(1, static_cast<std::int64_t>(t), all.k.data() + t * kKvHeads * kDim,
              all.v.data() + t * kKvHeads * kDim);
    const RowPosition row{1, static_cast<std::int32_t>(t)};
    std::vector<float> out(kHeads * kDim);
    attention(std::span(all.q).subspan(t * kHeads * kDim, kHeads * kDim), {&row, 1}, cache, kHeads, out);
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
    attention(c.q, c.rows, c.cache(), kHeads, out, lse);
    return dot(out, dout);
  };
  loss();
  attention_backward(dout, out, c.q, lse, c.rows, c.cache(), kHeads, dq, dk, dv);
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

TEST(KvCache, CopiesAPrefixToASlotOfAnotherCapacity) {
  const Case c({20});
  const std::vector<std::int64_t> capacities{20, 60};
  KvCache cache(capacities, kKvHeads, kDim);
  for (std::size_t t = 0; t < 20; ++t) {
    cache.put(0, static_cast<std::int64_t>(t), c.k.data() + t * kKvHeads * kDim,
              c.v.data() + t * kKvHeads * kDim);
  }
  cache.copy_prefix(0, 1, 20);
  const auto last = std::span(c.q).last(kHeads * kDim);
  std::vector<float> a(last.size()), b(last.size());
  const RowPosition first_slot{0, 19}, second_slot{1, 19};
  attention(last, {&first_slot, 1}, cache, kHeads, a);
  attention(last, {&second_slot, 1}, cache, kHeads, b);
  EXPECT_EQ(a, b);
}

TEST(Attention, RefusesHeadsItCannotCompute) {
  const std::vector<std::int64_t> capacities{4};
  const KvCache cache(capacities, 1, 8);
  const RowPosition row{0, 0};
  std::vector<float> q(8), out(8);
  EXPECT_THROW(attention(q, {&row, 1}, cache, 1, out), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
