// The kernels compiled for AVX2 and for AVX-512 give the same bits: one order of sums, one choice of what is
// fused. Every function of the table, at widths with and without tails.
#include "reckon/ops/isa.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "support/numbers.h"

namespace reckon {
namespace {

using testing::normal_values;
using Floats = std::vector<float>;
using Halves = std::vector<std::uint16_t>;

constexpr std::array<std::int64_t, 19> kSizes{1,  2,  3,  7,  8,  9,   15,  16,  17,  21,
                                              31, 32, 33, 48, 64, 100, 129, 257, 1000};

class Isa : public ::testing::Test {
 protected:
  void SetUp() override {
    if (active_isa() != "avx512") {
      GTEST_SKIP() << "RECKON_ISA is set, or this machine has no AVX-512: there is nothing to compare";
    }
  }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// run(kernels) gives a tuple or vector of outputs; both tables must give the same.
template <class Run>
void expect_same(const Run& run, const std::string& what) {
  const auto narrow = run(kernels_avx2::table());
  const auto wide = run(kernels_avx512::table());
  ASSERT_EQ(narrow.size(), wide.size());
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    ASSERT_TRUE(same_bits(narrow[i], wide[i])) << "output " << i << " of " << what;
  }
}

std::string sized(const char* name, std::int64_t size) {
  return std::string(name) + " of " + std::to_string(size);
}

Floats some(std::int64_t count, std::uint64_t seed, double scale = 1.0) {
  return normal_values(static_cast<std::size_t>(count), seed, scale);
}

Floats zeros(std::int64_t count) {
  return Floats(static_cast<std::size_t>(count));
}

TEST_F(Isa, RmsNormHasTheSameBits) {
  for (const std::int64_t width : kSizes) {
    const Floats x = some(3 * width, 1), weight = some(width, 2), dy = some(3 * width, 3);
    expect_same(
        [&](const Kernels& k) {
          Floats y = zeros(3 * width), inverse(3), dx = some(3 * width, 4), dweight = some(width, 5);
          k.rms_norm(x.data(), weight.data(), 3, width, 1e-6f, y.data(), inverse.data());
          k.rms_norm_backward(dy.data(), x.data(), weight.data(), inverse.data(), 3, width, dx.data(),
                              dweight.data());
          return std::vector{y, inverse, dx, dweight};
        },
        sized("rms_norm", width));
  }
}

TEST_F(Isa, RopeAndNormRopeHaveTheSameBits) {
  for (const std::int64_t dim : {4, 16, 24, 32, 48, 64, 80, 128, 256}) {
    const HeadRows empty{.rows = 3, .stride = 2 * dim + 5, .offset = 3, .heads = 2, .dim = dim};
    const Floats cosines = some(20 * dim, 1), sines = some(20 * dim, 2), weight = some(dim, 3);
    const Floats qkv = some(3 * empty.stride, 4), dout = some(6 * dim, 5);
    const std::array<std::int32_t, 3> positions{7, 0, 19};
    HeadRows heads = empty;
    heads.cosines = cosines.data();
    heads.sines = sines.data();
    heads.positions = positions.data();
    expect_same(
        [&](const Kernels& k) {
          Floats turned = zeros(6 * dim), normed = zeros(6 * dim), inverse(6), dweight = some(dim, 6);
          Floats back = zeros(3 * heads.stride), dqkv = zeros(3 * heads.stride);
          k.rope(heads, qkv.data(), turned.data());
          k.rope_backward(heads, dout.data(), back.data());
          k.norm_rope(heads, qkv.data(), weight.data(), 1e-6f, normed.data(), inverse.data());
          k.norm_rope_backward(heads, dout.data(), qkv.data(), weight.data(), inverse.data(), dqkv.data(),
                               dweight.data());
          return std::vector{turned, back, normed, inverse, dqkv, dweight};
        },
        sized("rope", dim));
  }
}

TEST_F(Isa, SwigluHasTheSameBits) {
  for (const std::int64_t width : kSizes) {
    for (const double scale : {1.0, 30.0}) {
      const Floats gate_up = some(6 * width, 1, scale), dh = some(3 * width, 2);
      expect_same(
          [&](const Kernels& k) {
            Floats h = zeros(3 * width), again = zeros(3 * width), dgate_up = zeros(6 * width);
            k.swiglu(gate_up.data(), 3, width, h.data());
            k.swiglu_backward(dh.data(), gate_up.data(), 3, width, dgate_up.data(), again.data());
            return std::vector{h, again, dgate_up};
          },
          sized("swiglu", width));
    }
  }
}

TEST_F(Isa, SoftmaxHasTheSameBits) {
  for (const std::int64_t vocab : kSizes) {
    for (const double scale : {0.1, 3.0, 40.0}) {
      const Floats logits = some(vocab, 1, scale);
      for (const float inverse : {0.5f, 1.0f, 1.0f / 0.7f}) {
        expect_same(
            [&](const Kernels& k) {
              Floats statistics(3), gradient = logits;
              k.softmax_statistics(logits.data(), vocab, inverse, &statistics[0], &statistics[1]);
              k.softmax_statistics(logits.data(), vocab, inverse, &statistics[2], nullptr);
              k.token_logprob_backward(gradient.data(), vocab, inverse, statistics[0], 0.3f,
                                       static_cast<std::uint32_t>(vocab / 2));
              return std::vector{statistics, gradient};
            },
            sized("softmax", vocab));
      }
    }
  }
}

// The bounds may round differently: only tokens that reach them are computed, in float64.
TEST_F(Isa, GumbelBoundsHaveTheSameShiftAndSumAndNearlyTheSameBounds) {
  const GumbelKey key{1, 2, 3, 4, 5};
  for (const std::int64_t vocab : kSizes) {
    const Floats logits = some(vocab, 1, 3.0);
    Floats narrow = zeros(vocab), wide = zeros(vocab), a(2), b(2);
    (void)kernels_avx2::table().gumbel_bounds(logits.data(), vocab, 1.4f, key, narrow.data(), &a[0], &a[1]);
    (void)kernels_avx512::table().gumbel_bounds(logits.data(), vocab, 1.4f, key, wide.data(), &b[0], &b[1]);
    EXPECT_TRUE(same_bits(a, b)) << vocab;
    float lse = 0;
    kernels_avx2::table().softmax_statistics(logits.data(), vocab, 1.4f, &lse, nullptr);
    EXPECT_EQ(lse, a[1]);
    for (std::size_t v = 0; v < narrow.size(); ++v) ASSERT_NEAR(narrow[v], wide[v], 1e-6 * narrow[v]);
    for (const float least : {0.0f, 0.1f, 1.0f, 1e9f}) {
      for (std::int64_t from = 0; from < vocab; from += 5) {
        std::int64_t expected = from;
        while (expected < vocab && narrow[static_cast<std::size_t>(expected)] < least) ++expected;
        EXPECT_EQ(kernels_avx2::table().next_at_least(narrow.data(), from, vocab, least), expected);
        EXPECT_EQ(kernels_avx512::table().next_at_least(narrow.data(), from, vocab, least), expected);
      }
    }
  }
}

/// Keys and values of one head: `positions` in blocks that stand in another order than the sequence.
struct HeadOfCache {
  std::int64_t dim;
  std::vector<std::int32_t> blocks;
  Floats keys, values;
  Halves bf16_keys, bf16_values;

  HeadOfCache(std::int64_t head_dim, std::int64_t positions) : dim(head_dim) {
    const std::int64_t count = (positions + 15) / 16;
    for (std::int64_t i = count; i-- > 0;) blocks.push_back(static_cast<std::int32_t>(i));
    keys = some(count * 16 * dim, 1);
    values = some(count * 16 * dim, 2);
    for (const float key : keys) bf16_keys.push_back(upper_half(key));
    for (const float value : values) bf16_values.push_back(upper_half(value));
  }
  [[nodiscard]] KvView view(bool is_bf16) const {
    if (is_bf16) return {bf16_keys.data(), bf16_values.data(), blocks.data(), dim * 16, true};
    return {keys.data(), values.data(), blocks.data(), dim * 16, false};
  }

 private:
  static std::uint16_t upper_half(float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>(bits >> 16);
  }
};

/// A tile of queries at positions that follow each other, `group` of them at each.
std::vector<Floats> attended(const Kernels& k, const HeadOfCache& head, bool is_bf16, int queries, int group,
                             std::int64_t position) {
  AttentionTile tile;
  tile.num_queries = queries;
  tile.dim = head.dim;
  tile.scale = 0.3f;
  tile.kv = head.view(is_bf16);
  const Floats q = some(queries * head.dim, 3);
  Floats out = zeros(queries * head.dim), lse = zeros(queries);
  tile.scores_stride = static_cast<std::int64_t>(head.blocks.size()) * 16;
  Floats scores = zeros(AttentionTile::kMostQueries * tile.scores_stride);
  tile.scores = scores.data();
  for (int i = 0; i < queries; ++i) {
    tile.q[i] = q.data() + i * head.dim;
    tile.out[i] = out.data() + i * head.dim;
    tile.lse[i] = &lse[static_cast<std::size_t>(i)];
    tile.length[i] = position + i / group + 1;
  }
  k.attend(tile);
  return {out, lse};
}

TEST_F(Isa, AttentionHasTheSameBits) {
  for (const std::int64_t dim : {16, 32, 48, 64, 80, 128}) {
    const HeadOfCache head(dim, 130);
    for (const bool is_bf16 : {false, true}) {
      for (int queries = 1; queries <= AttentionTile::kMostQueries; ++queries) {
        for (const int group : {1, 2, 7}) {
          for (const std::int64_t position : {0, 14, 15, 16, 60, 120}) {
            expect_same(
                [&](const Kernels& k) { return attended(k, head, is_bf16, queries, group, position); },
                sized("attend", dim) + ", queries " + std::to_string(queries) + " from position " +
                    std::to_string(position));
          }
        }
      }
    }
  }
}

/// Gradients of one query head at `count` positions from `first` on. The layouts that the op would make of
/// the cache are filled with numbers of their own: whether they fit it does not matter here.
std::vector<Floats> backward(const Kernels& k, const HeadOfCache& cache, bool is_bf16, std::int64_t first,
                             std::int64_t count) {
  const std::int64_t dim = cache.dim, room = static_cast<std::int64_t>(cache.blocks.size()) * 16;
  AttentionBackwardHead head;
  const Floats q = some(count * dim, 3), out = some(count * dim, 4), dout = some(count * dim, 5);
  const Floats lse(static_cast<std::size_t>(count), 3.0f);
  const Floats key_rows = some(room * dim, 6), value_columns = some(room * dim, 7);
  Floats dq = zeros(count * dim), dk = some(room * dim, 8), dv = some(room * dim, 9);
  Floats work = zeros(2 * AttentionBackwardHead::kQueryBlock * room);
  head.first_position = first;
  head.count = count;
  head.dim = dim;
  head.row_stride = dim;
  head.lse_stride = 1;
  head.scale = 0.3f;
  head.q = q.data();
  head.out = out.data();
  head.dout = dout.data();
  head.lse = lse.data();
  head.kv = cache.view(is_bf16);
  head.key_rows = key_rows.data();
  head.value_columns = value_columns.data();
  head.dq = dq.data();
  head.dk = dk.data();
  head.dv = dv.data();
  head.work = work.data();
  head.work_stride = room;
  k.attend_backward(head);
  return {dq, dk, dv};
}

TEST_F(Isa, AttentionBackwardHasTheSameBits) {
  for (const std::int64_t dim : {16, 32, 48, 64, 80, 128}) {
    for (const bool is_bf16 : {false, true}) {
      for (const std::int64_t first : {0, 1, 16, 37}) {
        for (const std::int64_t count : {1, 2, 7, 8, 9, 31, 32, 33, 70}) {
          const HeadOfCache cache(dim, first + count);
          expect_same([&](const Kernels& k) { return backward(k, cache, is_bf16, first, count); },
                      sized("attend_backward", dim) + ", " + std::to_string(count) + " rows from " +
                          std::to_string(first));
        }
      }
    }
  }
}

TEST_F(Isa, AdamWHasTheSameBits) {
  const AdamWFactors factors{0.7f, 0.9f, 0.99f, 0.1f, 0.01f, 1.9f, 30.0f, 0.01f, 1e-8f, 0.1f};
  for (const std::int64_t size : kSizes) {
    expect_same(
        [&](const Kernels& k) {
          Floats w = some(size, 1), m = some(size, 2), v = some(size, 3);
          for (float& value : v) value *= value;
          k.adamw(w.data(), some(size, 4).data(), m.data(), v.data(), size, factors);
          return std::vector{w, m, v};
        },
        sized("adamw", size));
  }
}

TEST_F(Isa, SumsHaveTheSameBits) {
  for (const std::int64_t size : kSizes) {
    expect_same(
        [&](const Kernels& k) {
          Floats sum = some(size, 1), rows = some(3 * size, 2), dbias = some(size, 3);
          k.add(sum.data(), some(size, 4).data(), size);
          k.add_bias(rows.data(), some(size, 5).data(), 3, size);
          k.bias_backward(rows.data(), 3, size, dbias.data());
          return std::vector{sum, rows, dbias};
        },
        sized("add", size));
  }
  for (const std::int64_t size : {0, 1, 15, 21, 1000, 4096, 4100, 10000}) {
    const Floats of = some(size, 1);
    EXPECT_EQ(kernels_avx2::table().sum_of_squares(of.data(), size),
              kernels_avx512::table().sum_of_squares(of.data(), size));
  }
}

TEST_F(Isa, LayoutsHaveTheSameBits) {
  for (const std::int64_t rows : {1, 2, 15, 16, 17, 33}) {
    for (const std::int64_t cols : {1, 2, 15, 16, 21, 128}) {
      Floats from = some(rows * (cols + 3), 1);
      from[0] = std::numeric_limits<float>::quiet_NaN();
      from.back() = std::numeric_limits<float>::infinity();
      expect_same(
          [&](const Kernels& k) {
            Floats to = zeros(cols * (rows + 2));
            k.transpose(from.data(), rows, cols, cols + 3, to.data(), rows + 2);
            return std::vector<Floats>{to};
          },
          sized("transpose", cols));
      expect_same(
          [&](const Kernels& k) {
            Halves rounded(static_cast<std::size_t>(rows * (cols + 1)), 9), pairs = rounded;
            Halves turned(static_cast<std::size_t>(cols * (rows + 1)), 9);
            pairs.resize(static_cast<std::size_t>((rows + 1) * (cols + 1)), 9);
            k.to_bf16(from.data(), rows, cols, cols + 3, rounded.data(), cols + 1);
            k.transpose_to_bf16(from.data(), rows, cols, cols + 3, turned.data(), rows + 1);
            k.pack_pairs(from.data(), rows, cols, cols + 3, pairs.data(), 2 * (cols + 1));
            return std::vector{rounded, turned, pairs};
          },
          sized("bfloat16", cols));
    }
  }
}

}  // namespace
}  // namespace reckon
