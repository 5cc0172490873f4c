#pragma once

// Sequences for the tests of attention: queries, keys and values, and where their rows stand.

#include <span>
#include <vector>

#include "reckon/ops/attention.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon::testing {

/// Shapes that a test of attention goes over.
struct AttentionShape {
  std::int64_t group = 1;  // query heads a key head
  std::int64_t dim = 16;
  ComputeDtype dtype = ComputeDtype::float32;
  std::int64_t kv_heads = 2;

  [[nodiscard]] std::int64_t heads() const { return group * kv_heads; }
  [[nodiscard]] std::size_t q_row() const { return static_cast<std::size_t>(heads() * dim); }
  [[nodiscard]] std::size_t kv_row() const { return static_cast<std::size_t>(kv_heads * dim); }
  [[nodiscard]] KvCache::Shape cache() const { return {1, kv_heads, dim, dtype}; }
  [[nodiscard]] reference::HeadCounts counts() const {
    return {static_cast<std::size_t>(heads()), static_cast<std::size_t>(kv_heads),
            static_cast<std::size_t>(dim)};
  }
};

/// Every combination of the sizes that models have, in both types.
inline std::vector<AttentionShape> attention_shapes() {
  std::vector<AttentionShape> shapes;
  for (const std::int64_t group : {1, 2, 4, 7}) {
    for (const std::int64_t dim : {16, 32, 48, 64, 128}) {
      shapes.push_back({group, dim, ComputeDtype::float32});
      shapes.push_back({group, dim, ComputeDtype::bfloat16});
    }
  }
  return shapes;
}

/// A cache whose blocks hold NaN where no position has been put: what other sequences left there. No slot is
/// open.
inline KvCache dirty_cache(const AttentionShape& shape, std::int64_t blocks) {
  KvCache cache;
  cache.reset(shape.cache(), blocks);
  const std::int32_t slot = cache.open(blocks * KvCache::kBlock);
  const std::vector<float> nan(shape.kv_row(), NAN);
  for (std::int64_t p = 0; p < blocks * KvCache::kBlock; ++p) cache.put(0, slot, p, nan.data(), nan.data());
  cache.close(slot);
  return cache;
}

/// Packed rows with their queries, keys and values. Runs may share prefixes, as the samples of a group do.
struct PackedSequences {
  AttentionShape shape;
  std::vector<RowRun> runs;  // slots are numbered as the runs
  std::vector<RowPosition> rows;
  std::vector<float> q, k, v;

  explicit PackedSequences(const AttentionShape& of) : shape(of) {}
  PackedSequences(const AttentionShape& of, std::span<const std::int64_t> lengths) : shape(of) {
    for (const std::int64_t length : lengths) add_run(length);
    fill();
  }

  /// `count` rows at first_position, behind the first rows of the run numbered `prefix`.
  void add_run(std::int64_t count, std::int64_t first_position = 0, std::size_t prefix = 0) {
    const auto slot = static_cast<std::int32_t>(runs.size());
    runs.push_back({static_cast<std::int64_t>(rows.size()), count, slot,
                    static_cast<std::int32_t>(first_position),
                    first_position == 0 ? 0 : runs[prefix].first_row});
    for (std::int64_t t = 0; t < count; ++t) {
      rows.push_back({slot, static_cast<std::int32_t>(first_position + t)});
    }
  }

  /// To be called when all runs are there.
  void fill(std::uint64_t seed = 1) {
    q = normal_values(rows.size() * shape.q_row(), seed);
    k = normal_values(rows.size() * shape.kv_row(), seed + 1);
    v = normal_values(rows.size() * shape.kv_row(), seed + 2);
  }

  [[nodiscard]] std::int64_t blocks() const {
    std::int64_t blocks = 0;
    for (const RowRun& run : runs) blocks += KvCache::blocks_for(run.first_position + run.count);
    return blocks;
  }

  void put_row(KvCache& cache, std::size_t row, std::int32_t slot) const {
    cache.put(0, slot, rows[row].position, k.data() + row * shape.kv_row(), v.data() + row * shape.kv_row());
  }

  /// All keys and values; runs behind a prefix are forks of its slot.
  [[nodiscard]] KvCache cache() const {
    KvCache result = dirty_cache(shape, blocks());
    for (const RowRun& run : runs) {
      const std::int64_t length = run.first_position + run.count;
      const std::int32_t slot = run.first_position == 0
                                    ? result.open(length)
                                    : result.fork(slot_at(run.prefix_row), run.first_position, length);
      EXPECT_EQ(slot, run.slot);
      for (std::int64_t t = 0; t < run.count; ++t) {
        put_row(result, static_cast<std::size_t>(run.first_row + t), run.slot);
      }
    }
    result.copy_forked(0);
    result.finish_forks();
    return result;
  }

 private:
  [[nodiscard]] std::int32_t slot_at(std::int64_t row) const {
    return rows[static_cast<std::size_t>(row)].slot;
  }
};

}  // namespace reckon::testing
