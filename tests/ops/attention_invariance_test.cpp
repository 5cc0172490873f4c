// The bits of a token's attention are the same whoever asks: the learner with whole sequences, prefill in
// chunks, decoding row by row, a slot that was forked from a prompt.
#include <gtest/gtest.h>

#include <cstring>

#include "ops/packed_sequences.h"
#include "ops/row_bits.h"
#include "reckon/ops/attention.h"

namespace reckon {
namespace {

using testing::attention_shapes;
using testing::AttentionShape;
using testing::dirty_cache;
using testing::kRowCounts;
using testing::PackedSequences;

/// Outputs and log-sum-exps of all rows.
struct Outputs {
  std::vector<float> out, lse;

  explicit Outputs(const PackedSequences& c)
      : out(c.q.size(), NAN), lse(c.rows.size() * static_cast<std::size_t>(c.shape.heads()), NAN) {}
};

void expect_same_bits(const Outputs& a, const Outputs& b, const PackedSequences& c, const char* what) {
  for (std::size_t row = 0; row < c.rows.size(); ++row) {
    const std::size_t heads = c.shape.counts().heads, width = c.shape.q_row();
    ASSERT_EQ(std::memcmp(&a.out[row * width], &b.out[row * width], width * sizeof(float)), 0)
        << what << ": position " << c.rows[row].position << " of sequence " << c.rows[row].slot;
    ASSERT_EQ(std::memcmp(&a.lse[row * heads], &b.lse[row * heads], heads * sizeof(float)), 0)
        << what << ": lse of position " << c.rows[row].position << " of sequence " << c.rows[row].slot;
  }
}

/// Puts the keys and values of some rows and computes them as one batch, as the engine does with one step.
/// \param numbers  which rows of c; \param slots  the slot of each
void step(const PackedSequences& c, std::span<const std::size_t> numbers, std::span<const std::int32_t> slots,
          KvCache& cache, Outputs& to) {
  std::vector<float> q;
  std::vector<RowPosition> rows;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    c.put_row(cache, numbers[i], slots[i]);
    rows.push_back({slots[i], c.rows[numbers[i]].position});
    const float* from = &c.q[numbers[i] * c.shape.q_row()];
    q.insert(q.end(), from, from + c.shape.q_row());
  }
  const auto heads = static_cast<std::size_t>(c.shape.heads());
  std::vector<float> out(q.size()), lse(rows.size() * heads);
  attention(q, rows, cache, 0, c.shape.heads(), out, lse);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::copy_n(&out[i * c.shape.q_row()], c.shape.q_row(), &to.out[numbers[i] * c.shape.q_row()]);
    std::copy_n(&lse[i * heads], heads, &to.lse[numbers[i] * heads]);
  }
}

/// All rows of all sequences as one batch.
Outputs at_once(const PackedSequences& c) {
  Outputs result(c);
  attention(c.q, c.rows, c.cache(), 0, c.shape.heads(), result.out, result.lse);
  return result;
}

/// Each sequence alone in a cache, `chunk` of its rows a step. The positions behind them are not yet there.
Outputs alone_in_chunks(const PackedSequences& c, std::int64_t chunk) {
  Outputs result(c);
  for (const RowRun& run : c.runs) {
    KvCache cache = dirty_cache(c.shape, KvCache::blocks_for(run.count) + 2);
    (void)cache.open(20);  // takes the first blocks
    const std::int32_t slot = cache.open(run.count);
    for (std::int64_t t = 0; t < run.count; t += chunk) {
      std::vector<std::size_t> numbers;
      for (std::int64_t i = t; i < std::min(t + chunk, run.count); ++i) {
        numbers.push_back(static_cast<std::size_t>(run.first_row + i));
      }
      step(c, numbers, std::vector(numbers.size(), slot), cache, result);
    }
  }
  return result;
}

/// All sequences decoded together: a step holds one row of each that has not ended, the longest first, and
/// slots open in another order than the sequences stand in.
Outputs decoded_together(const PackedSequences& c) {
  Outputs result(c);
  KvCache cache = dirty_cache(c.shape, c.blocks());
  std::vector<std::int32_t> slots(c.runs.size());
  for (std::size_t s = c.runs.size(); s-- > 0;) slots[s] = cache.open(c.runs[s].count);
  for (std::int64_t t = 0;; ++t) {
    std::vector<std::size_t> numbers;
    std::vector<std::int32_t> of;
    for (std::size_t s = c.runs.size(); s-- > 0;) {
      if (t >= c.runs[s].count) continue;
      numbers.push_back(static_cast<std::size_t>(c.runs[s].first_row + t));
      of.push_back(slots[s]);
    }
    if (numbers.empty()) return result;
    step(c, numbers, of, cache, result);
  }
}

TEST(AttentionInvariance, WholeSequencesChunksAndDecodingHaveTheSameBits) {
  for (const AttentionShape& shape : attention_shapes()) {
    SCOPED_TRACE(::testing::Message() << "group " << shape.group << ", dim " << shape.dim);
    const PackedSequences c(shape, kRowCounts);
    const Outputs whole = at_once(c);
    expect_same_bits(alone_in_chunks(c, 1000), whole, c, "alone");
    expect_same_bits(alone_in_chunks(c, 5), whole, c, "in chunks of 5");
    expect_same_bits(alone_in_chunks(c, 1), whole, c, "row by row");
    expect_same_bits(decoded_together(c), whole, c, "decoded together");
  }
}

/// A prompt and then 20 tokens: in a slot of their own, and in one forked from a slot with the prompt in
/// which another sample has gone on.
void expect_fork_is_itself(const AttentionShape& shape, std::int64_t prompt) {
  SCOPED_TRACE(::testing::Message() << "prompt " << prompt << ", dim " << shape.dim);
  const std::int64_t length = prompt + 20;
  const PackedSequences c(shape, std::array{length});
  PackedSequences other = c;
  other.fill(50);
  KvCache cache = dirty_cache(shape, 3 * KvCache::blocks_for(length));
  const std::int32_t source = cache.open(length);
  std::vector<std::size_t> numbers;
  for (std::int64_t t = 0; t < prompt; ++t) numbers.push_back(static_cast<std::size_t>(t));
  Outputs forked(c), ignored(c);
  step(c, numbers, std::vector(numbers.size(), source), cache, forked);
  const std::int32_t first = cache.fork(source, prompt, length), second = cache.fork(source, prompt, length);
  cache.copy_forked(0);
  cache.finish_forks();
  for (std::int64_t t = prompt; t < length; ++t) {
    const std::array rows{static_cast<std::size_t>(t)};
    step(other, rows, std::array{source}, cache, ignored);
    step(c, rows, std::array{second}, cache, forked);
    step(other, rows, std::array{first}, cache, ignored);
  }
  expect_same_bits(forked, at_once(c), c, "forked");
}

TEST(AttentionInvariance, AForkedSlotHasTheBitsOfItsOwn) {
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
    for (std::int64_t prompt = 1; prompt <= 48; ++prompt) expect_fork_is_itself({2, 16, dtype}, prompt);
    for (const std::int64_t prompt : {15, 16, 17, 33}) expect_fork_is_itself({7, 64, dtype}, prompt);
    for (const std::int64_t prompt : {15, 16, 17, 33}) expect_fork_is_itself({1, 128, dtype}, prompt);
  }
}

struct Gradients {
  std::vector<float> dq, dk, dv;
};

Gradients gradients(const PackedSequences& c, const std::vector<float>& dout) {
  const KvCache cache = c.cache();
  Outputs r(c);
  attention(c.q, c.rows, cache, 0, c.shape.heads(), r.out, r.lse);
  Gradients g{std::vector<float>(c.q.size()), std::vector<float>(c.k.size()), std::vector<float>(c.v.size())};
  attention_backward(dout, r.out, c.q, r.lse, c.runs, cache, 0, c.shape.heads(), g.dq, g.dk, g.dv);
  return g;
}

std::vector<float> part_of(const std::vector<float>& values, std::int64_t row, std::int64_t count,
                           std::size_t width) {
  const auto first = values.begin() + row * static_cast<std::ptrdiff_t>(width);
  return {first, first + count * static_cast<std::ptrdiff_t>(width)};
}

TEST(AttentionInvariance, GradientsOfASequenceDoNotDependOnTheOthers) {
  for (const AttentionShape& shape : attention_shapes()) {
    SCOPED_TRACE(::testing::Message() << "group " << shape.group << ", dim " << shape.dim);
    const PackedSequences c(shape, std::array<std::int64_t, 6>{1, 2, 17, 64, 5, 100});
    const auto dout = testing::normal_values(c.q.size(), 9);
    const Gradients whole = gradients(c, dout);
    const std::size_t q_row = shape.q_row(), kv_row = shape.kv_row();
    for (const RowRun& run : c.runs) {
      PackedSequences alone(shape);
      alone.add_run(run.count);
      alone.q = part_of(c.q, run.first_row, run.count, q_row);
      alone.k = part_of(c.k, run.first_row, run.count, kv_row);
      alone.v = part_of(c.v, run.first_row, run.count, kv_row);
      const Gradients g = gradients(alone, part_of(dout, run.first_row, run.count, q_row));
      EXPECT_EQ(g.dq, part_of(whole.dq, run.first_row, run.count, q_row)) << run.count;
      EXPECT_EQ(g.dk, part_of(whole.dk, run.first_row, run.count, kv_row)) << run.count;
      EXPECT_EQ(g.dv, part_of(whole.dv, run.first_row, run.count, kv_row)) << run.count;
    }
  }
}

// dq of a completion behind a shared prompt is that of the whole sequence: the same keys in the same order.
TEST(AttentionInvariance, QueryGradientsBehindASharedPromptAreThoseOfTheWholeSequence) {
  for (const std::int64_t prompt : {1, 15, 16, 33}) {
    for (const AttentionShape& shape : {AttentionShape{2, 16}, {7, 64}, {4, 48, ComputeDtype::bfloat16}}) {
      PackedSequences shared(shape);
      shared.add_run(prompt);
      shared.add_run(40, prompt, 0);
      shared.fill();
      const auto dout = testing::normal_values(shared.q.size(), 9);
      PackedSequences whole = shared;
      whole.runs = {{0, prompt + 40, 0, 0, 0}};
      for (RowPosition& row : whole.rows) row.slot = 0;
      EXPECT_EQ(gradients(shared, dout).dq, gradients(whole, dout).dq) << prompt;
    }
  }
}

}  // namespace
}  // namespace reckon
