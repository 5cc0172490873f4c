#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "device_values.h"
#include "every_order.h"
#include "paged_cache.h"

namespace reckon::cuda {
namespace {

using reckon::testing::refusal_of;
using ::testing::HasSubstr;
using testing::PagedCache;
using testing::Sequence;

/// A query: its sequence and position. Its values are a function of both.
struct Row {
  const Sequence* sequence = nullptr;
  std::int32_t position = 0;
};

struct Result {
  std::vector<bf16> out;   // [T, heads, D]
  std::vector<float> lse;  // [heads, T]
};

/// What one row-head comes to: comparable by bits.
using RowBits = std::vector<std::uint32_t>;

class Fixture {
 public:
  Fixture(const HeadShape& head_shape, std::int32_t num_blocks, double query_range = 2)
      : shape(head_shape), cache(head_shape, num_blocks), query_range_(query_range) {}

  [[nodiscard]] bf16 query(const Row& row, std::int64_t head, std::int64_t d) const {
    const std::uint64_t content = row.sequence->content[static_cast<std::size_t>(row.position)];
    return testing::random_bf16(
        ~((content * 64 + static_cast<std::uint64_t>(head)) * 256 + static_cast<std::uint64_t>(d)),
        query_range_);
  }

  [[nodiscard]] std::vector<bf16> queries(const std::vector<Row>& rows) const {
    std::vector<bf16> q;
    for (const Row& row : rows) {
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        for (std::int64_t d = 0; d < shape.head_dim; ++d) q.push_back(query(row, h, d));
      }
    }
    return q;
  }

  Result attend(const std::vector<Row>& rows, const AttentionPlanOptions& options = {}) {
    return attend_with(queries(rows), rows, options);
  }
  Result attend_with(const std::vector<bf16>& query_values, const std::vector<Row>& rows,
                     const AttentionPlanOptions& options = {}) {
    std::vector<AttentionRow> to_plan;
    for (const Row& row : rows) to_plan.push_back({row.sequence->blocks.data(), row.position});
    AttentionPlan plan;
    plan_attention(to_plan, shape, options, plan);
    DeviceArray<std::int32_t> words;
    words.upload(plan.words);
    DeviceArray<bf16> q, out(rows.size() * static_cast<std::size_t>(shape.heads * shape.head_dim));
    q.upload(query_values);
    DeviceArray<float> lse(rows.size() * static_cast<std::size_t>(shape.heads)),
        workspace(static_cast<std::size_t>(plan.sizes.workspace(shape)));
    const KvLayer layer = cache.upload();
    attention(q.data(), words.data(), plan.sizes, layer, shape, static_cast<std::int64_t>(rows.size()),
              out.data(), lse.data(), workspace.data(), nullptr);
    return {out.download(), lse.download()};
  }

  /// Row t's bits: values and log sums of all heads.
  [[nodiscard]] RowBits bits(const Result& result, std::size_t t) const {
    const auto width = static_cast<std::size_t>(shape.heads * shape.head_dim);
    const auto heads = static_cast<std::size_t>(shape.heads);
    RowBits bits;
    for (std::size_t i = 0; i < width; ++i) bits.push_back(result.out[t * width + i].bits);
    for (std::size_t h = 0; h < heads; ++h) {
      const float lse = result.lse[h * (result.lse.size() / heads) + t];
      bits.push_back(std::bit_cast<std::uint32_t>(lse));
    }
    return bits;
  }

  HeadShape shape;
  PagedCache cache;

 private:
  double query_range_;
};

/// Attention of a row-head in float64, and how far float32 sums and bfloat16 weights may be from it.
struct Expected {
  std::vector<double> out, out_error;
  double lse = 0, lse_error = 0;
};
Expected reference(const Fixture& f, const Row& row, std::int64_t head) {
  const std::int64_t kv_head = head / (f.shape.heads / f.shape.kv_heads);
  const std::int64_t dim = f.shape.head_dim;
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  std::vector<double> scores;
  double most_products = 0;
  for (std::int32_t j = 0; j <= row.position; ++j) {
    double score = 0, products = 0;
    for (std::int64_t d = 0; d < dim; ++d) {
      const double product = to_float(f.query(row, head, d)) *
                             static_cast<double>(to_float(f.cache.key(
                                 row.sequence->content[static_cast<std::size_t>(j)], kv_head, d)));
      score += product;
      products += std::abs(product);
    }
    scores.push_back(score * scale);
    most_products = std::max(most_products, products * scale);
  }
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - max);
  Expected expected;
  expected.lse = max + std::log(sum);
  // A score's float32 sum: half an ulp of the sum so far for each step of 16 products on the tensor cores,
  // which may cut where we round: 2^-23; the subtraction and the exponential add some ulps.
  const double score_error = most_products * 0x1p-23 * static_cast<double>(dim / 16 + 2) + 0x1p-20;
  expected.lse_error = 2 * score_error + 0x1p-22 * std::abs(expected.lse);
  for (std::int64_t d = 0; d < dim; ++d) {
    double value = 0, size = 0;
    for (std::int32_t j = 0; j <= row.position; ++j) {
      const double v =
          to_float(f.cache.value(row.sequence->content[static_cast<std::size_t>(j)], kv_head, d));
      value += scores[static_cast<std::size_t>(j)] / sum * v;
      size += scores[static_cast<std::size_t>(j)] / sum * std::abs(v);
    }
    expected.out.push_back(value);
    // Weights and result are rounded to 8 bits: half an ulp is 2^-8 of them at most.
    expected.out_error.push_back(size * (0x1p-8 + 2 * score_error) + 0x1p-8 * std::abs(value) + 0x1p-20);
  }
  return expected;
}

void expect_reference(const Fixture& f, const std::vector<Row>& rows, const Result& result) {
  for (std::size_t t = 0; t < rows.size(); ++t) {
    for (std::int64_t h = 0; h < f.shape.heads; ++h) {
      const Expected expected = reference(f, rows[t], h);
      const auto head = static_cast<std::size_t>(h);
      ASSERT_NEAR(result.lse[head * rows.size() + t], expected.lse, expected.lse_error)
          << "row " << t << " head " << h;
      for (std::size_t d = 0; d < expected.out.size(); ++d) {
        const std::size_t at = (t * static_cast<std::size_t>(f.shape.heads) + head) * expected.out.size() + d;
        ASSERT_NEAR(to_float(result.out[at]), expected.out[d], expected.out_error[d])
            << "row " << t << " head " << h << " column " << d;
      }
    }
  }
}

void expect_same_bits(const Fixture& f, const Result& a, const Result& b, std::size_t rows) {
  for (std::size_t t = 0; t < rows; ++t) ASSERT_EQ(f.bits(a, t), f.bits(b, t)) << "row " << t;
}

/// Sequences that decode alone, at positions around the bounds of blocks and splits.
std::vector<Sequence> lone_sequences(PagedCache& cache) {
  std::vector<Sequence> sequences;
  for (const int position : {0, 1, 15, 16, 127, 128, 129, 300, 900})
    sequences.push_back(cache.open(position + 1));
  return sequences;
}

std::vector<Row> last_rows(const std::vector<Sequence>& sequences) {
  std::vector<Row> rows;
  for (const Sequence& sequence : sequences)
    rows.push_back({&sequence, static_cast<std::int32_t>(sequence.content.size()) - 1});
  return rows;
}

struct Case {
  std::int64_t heads, kv_heads, head_dim;
};
const Case kCases[] = {{2, 2, 16}, {4, 2, 32}, {6, 1, 64}, {7, 1, 128}, {20, 1, 16}};

TEST_P(EveryOrder, LoneRowsMatchFloat64) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.head_dim);
    Fixture f({c.heads, c.kv_heads, c.head_dim}, 120);
    const std::vector<Sequence> sequences = lone_sequences(f.cache);
    const std::vector<Row> rows = last_rows(sequences);
    expect_reference(f, rows, f.attend(rows));
  }
}

TEST_P(EveryOrder, ManyPartsAreMergedInOrder) {
  // Of 901 keys: eight parts, more than the merge loads at once.
  Fixture f({2, 2, 32}, 60);
  const Sequence sequence = f.cache.open(901);
  const std::vector<Row> rows = {{&sequence, 900}};
  const Result merged = f.attend(rows, {.longest = 1});
  expect_reference(f, rows, merged);
  expect_same_bits(f, merged, f.attend(rows, {.longest = 1000}), 1);
}

TEST_P(EveryOrder, RowsOfAPromptMatchFloat64) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.head_dim);
    Fixture f({c.heads, c.kv_heads, c.head_dim}, 20);
    const Sequence prompt = f.cache.open(150);
    std::vector<Row> rows;
    for (std::int32_t position = 115; position < 150; ++position) rows.push_back({&prompt, position});
    expect_reference(f, rows, f.attend(rows));
  }
}

/// A batch of all kinds: a prompt's rows, lone rows, two groups that share a prompt, one of them of too many
/// rows for a tile, and a short run.
class MixedBatch : public Fixture {
 public:
  explicit MixedBatch(const Case& c, double query_range = 2)
      : Fixture({c.heads, c.kv_heads, c.head_dim}, 460, query_range), lone_(lone_sequences(cache)) {
    prompt_ = cache.open(140);
    shared_ = cache.open(270);
    for (int i = 0; i < 3; ++i) forks_.push_back(cache.fork(shared_, 270, 271 + 60 * i));
    short_ = cache.open(133);
    for (int i = 0; i < 20; ++i) forks_.push_back(cache.fork(short_, 133, 134 + i));
    rows = last_rows(lone_);
    for (std::int32_t position = 70; position < 140; ++position) rows.push_back({&prompt_, position});
    for (const Row& row : last_rows(forks_)) rows.push_back(row);
    for (const std::int32_t position : {126, 127, 128}) rows.push_back({&short_, position});
  }
  std::vector<Row> rows;

 private:
  std::vector<Sequence> lone_, forks_;
  Sequence prompt_, shared_, short_;
};

TEST_P(EveryOrder, ARowsBitsDependOnNoScheduleAndNoSharing) {
  for (const Case& c : {kCases[0], kCases[2], kCases[3]}) {
    SCOPED_TRACE(c.head_dim);
    MixedBatch f(c);
    const Result whole = f.attend(f.rows, {.longest = 1000, .share = false});
    expect_reference(f, f.rows, whole);
    for (const AttentionPlanOptions& options : std::initializer_list<AttentionPlanOptions>{
             {.longest = 1, .share = false}, {.longest = 0}, {.longest = 1}, {.longest = 2}}) {
      SCOPED_TRACE(options.longest);
      expect_same_bits(f, whole, f.attend(f.rows, options), f.rows.size());
    }
  }
}

TEST_P(EveryOrder, ARowsBitsAreTheSameAloneAndAtAnyPlace) {
  for (const Case& c : {kCases[1], kCases[4]}) {
    SCOPED_TRACE(c.head_dim);
    MixedBatch f(c);
    const Result all = f.attend(f.rows);
    for (std::size_t t = 0; t < f.rows.size(); t += 5)
      ASSERT_EQ(f.bits(f.attend({f.rows[t]}), 0), f.bits(all, t)) << "row " << t;
    std::vector<Row> turned = f.rows;
    std::reverse(turned.begin(), turned.end());
    turned.resize(turned.size() - 3);
    const Result other = f.attend(turned);
    for (std::size_t t = 0; t < turned.size(); ++t)
      ASSERT_EQ(f.bits(other, t), f.bits(all, f.rows.size() - 1 - t)) << "row " << t;
  }
}

TEST_P(EveryOrder, ANanStaysInItsRow) {
  MixedBatch f(kCases[1]);
  const Result clean = f.attend(f.rows);
  std::vector<bf16> q = f.queries(f.rows);
  constexpr std::size_t kWidth = 4 * 32;
  const std::vector<std::size_t> spoilt = {7, 20, f.rows.size() - 9};  // alone, in a prompt, in a group
  for (const std::size_t t : spoilt)
    std::fill_n(q.begin() + static_cast<std::ptrdiff_t>(t * kWidth), 32, bf16{0x7fff});
  for (const std::int64_t longest : {1, 1000}) {
    const Result result = f.attend_with(q, f.rows, {.longest = longest});
    for (std::size_t t = 0; t < f.rows.size(); ++t) {
      if (std::find(spoilt.begin(), spoilt.end(), t) == spoilt.end()) {
        ASSERT_EQ(f.bits(result, t), f.bits(clean, t)) << "row " << t;
      } else {
        EXPECT_TRUE(std::isnan(to_float(result.out[t * kWidth]))) << "row " << t;
        EXPECT_TRUE(std::isnan(result.lse[t])) << "row " << t;
      }
    }
  }
}

TEST_P(EveryOrder, HugeScoresStayFinite) {
  MixedBatch f({2, 1, 32}, 4000);  // scores of about 1e4
  const Result result = f.attend(f.rows, {.longest = 1});
  expect_reference(f, f.rows, result);
  expect_same_bits(f, result, f.attend(f.rows), f.rows.size());
}

TEST(Attention, EqualScoresGiveTheMeanOfTheValues) {
  // Queries of zeros: 3 keys of weight 1/3 and a log-sum-exp of log 3, whatever the keys are.
  Fixture f({1, 1, 16}, 4, 0);
  const Sequence sequence = f.cache.open(3);
  const Result result = f.attend({{&sequence, 2}});
  EXPECT_FLOAT_EQ(result.lse[0], std::log(3.0f));
  for (std::int64_t d = 0; d < 16; ++d) {
    float sum = 0;
    for (const std::uint64_t content : sequence.content) sum += to_float(f.cache.value(content, 0, d));
    EXPECT_EQ(result.out[static_cast<std::size_t>(d)].bits, to_bf16(sum * (1.0f / 3.0f)).bits);
  }
}

TEST(Attention, ARecordedLaunchServesEveryPlanWithinItsLimits) {
  MixedBatch f(kCases[1]);
  const auto rows = static_cast<std::int64_t>(f.rows.size());
  const AttentionSizes limits = attention_limits(rows, 1024, f.shape);
  DeviceArray<std::int32_t> words(static_cast<std::size_t>(limits.words));
  DeviceArray<bf16> q, out(f.rows.size() * 4 * 32);
  DeviceArray<float> workspace(static_cast<std::size_t>(limits.workspace(f.shape)));
  q.upload(f.queries(f.rows));
  const KvLayer layer = f.cache.upload();
  const Result expected = f.attend(f.rows);  // waits for what was uploaded
  OwnedStream stream;
  RecordedWork work;
  work.record(stream.get(), [&] {
    attention(q.data(), words.data(), limits, layer, f.shape, rows, out.data(), nullptr, workspace.data(),
              stream.get());
  });
  for (const std::size_t count : {f.rows.size(), std::size_t{4}, std::size_t{0}}) {
    std::vector<AttentionRow> to_plan;
    for (std::size_t t = 0; t < count; ++t)
      to_plan.push_back({f.rows[t].sequence->blocks.data(), f.rows[t].position});
    AttentionPlan plan;
    plan_attention(to_plan, f.shape, {}, plan);
    check_fits(plan.sizes, limits);
    copy_to_device(words.data(), plan.words.data(), plan.words.size() * sizeof(std::int32_t), stream.get());
    out.fill_zero(stream.get());
    work.launch(stream.get());
    const std::vector<bf16> got = out.download(stream.get());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const bf16 wanted = i < count * 4 * 32 ? expected.out[i] : bf16{};  // the other rows stay
      ASSERT_EQ(got[i].bits, wanted.bits) << count << " rows, value " << i;
    }
  }
}

TEST(Attention, SaysWhatHeadsItTakes) {
  const auto with = [](const HeadShape& shape) {
    return refusal_of(
        [&] { attention(nullptr, nullptr, {}, {}, shape, 1, nullptr, nullptr, nullptr, nullptr); });
  };
  EXPECT_EQ(with({2, 1, 96}), "attention: head_dim 96 (need 16, 32, 64 or 128)");
  EXPECT_EQ(with({6, 4, 64}),
            "attention: 6 query heads, 4 key heads (need a multiple, at most 64 times as many)");
  EXPECT_THAT(with({130, 2, 64}), HasSubstr("130 query heads, 2 key heads"));
  EXPECT_THAT(with({2, 0, 64}), HasSubstr("2 query heads, 0 key heads"));
  EXPECT_EQ(with({2, 1, 64}), "no error");  // limits of nothing: nothing is launched
}

TEST_P(EveryOrder, KeysAndValuesArePutInTheirPlaces) {
  const HeadShape shape{4, 2, 24};
  const std::vector<std::int64_t> places = {5 * 16 + 3, 0, 2 * 16 + 15};
  std::vector<bf16> k, v;
  for (std::uint16_t i = 0; i < 3 * 2 * 24; ++i) {
    k.push_back({i});
    v.push_back({static_cast<std::uint16_t>(1000 + i)});
  }
  DeviceArray<bf16> device_k, device_v, keys(6 * 2 * 16 * 24), values(6 * 2 * 16 * 24);
  DeviceArray<std::int64_t> device_places;
  device_k.upload(k);
  device_v.upload(v);
  device_places.upload(places);
  keys.fill_zero();
  values.fill_zero();
  put_keys_values(device_k.data(), device_v.data(), device_places.data(), 3, shape,
                  {keys.data(), values.data()}, nullptr);
  put_keys_values(nullptr, nullptr, nullptr, 0, shape, {}, nullptr);
  std::vector<std::uint16_t> expected_k(6 * 2 * 16 * 24, 0), expected_v(6 * 2 * 16 * 24, 0);
  for (std::size_t t = 0; t < 3; ++t) {
    for (std::size_t h = 0; h < 2; ++h) {
      const auto block = static_cast<std::size_t>(places[t] / 16);
      const std::size_t at = ((block * 2 + h) * 16 + static_cast<std::size_t>(places[t] % 16)) * 24;
      for (std::size_t d = 0; d < 24; ++d) {
        expected_k[at + d] = k[(t * 2 + h) * 24 + d].bits;
        expected_v[at + d] = v[(t * 2 + h) * 24 + d].bits;
      }
    }
  }
  const auto bits = [](const DeviceArray<bf16>& array) {
    std::vector<std::uint16_t> list;
    for (const bf16 value : array.download()) list.push_back(value.bits);
    return list;
  };
  EXPECT_EQ(bits(keys), expected_k);
  EXPECT_EQ(bits(values), expected_v);
  EXPECT_EQ(refusal_of([] {
              put_keys_values(nullptr, nullptr, nullptr, 1, {1, 1, 12}, {}, nullptr);
            }),
            "put_keys_values: head_dim 12 (need a multiple of 8)");
}

TEST_P(EveryOrder, CopiesTheFirstPositionsOfBlocks) {
  const HeadShape shape{2, 2, 16};
  constexpr std::size_t kBlockValues = 2 * 16 * 16;
  std::vector<bf16> before;
  for (std::uint16_t i = 0; i < 4 * kBlockValues; ++i) before.push_back({i});
  DeviceArray<bf16> keys, values;
  keys.upload(before);
  values.upload(before);
  DeviceArray<BlockCopy> copies;
  copies.upload(std::vector<BlockCopy>{{0, 3, 5}, {0, 2, 0}, {1, 2, 15}});
  copy_blocks(copies.data(), 3, shape, {keys.data(), values.data()}, nullptr);
  copy_blocks(nullptr, 0, shape, {}, nullptr);
  for (const DeviceArray<bf16>* side : {&keys, &values}) {
    const std::vector<bf16> after = side->download();
    for (std::size_t i = 0; i < after.size(); ++i) {
      const std::size_t block = i / kBlockValues, position = i / 16 % 16;
      std::size_t from = i;
      if (block == 3 && position < 5) from = i - 3 * kBlockValues;
      if (block == 2 && position < 15) from = i - kBlockValues;
      ASSERT_EQ(after[i].bits, before[from].bits) << i;
    }
  }
  EXPECT_EQ(refusal_of([] {
              copy_blocks(nullptr, 1, {1, 1, 20}, {}, nullptr);
            }),
            "copy_blocks: head_dim 20 (need a multiple of 8)");
}

}  // namespace
}  // namespace reckon::cuda
