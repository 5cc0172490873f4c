// The planner of attention: each split of each row is computed once, and shared where blocks are.
#include "attention_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "device_values.h"
#include "reckon/cuda/attention.h"

namespace reckon::cuda {
namespace {

using reckon::testing::refusal_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A plan as its kernels read it.
struct Read {
  std::vector<PlanTile> small, large;
  std::vector<PlanEntry> entries;
  std::vector<PlanMerge> merges;
};

template <class T>
std::vector<T> read_list(const AttentionPlan& plan, std::int32_t at, std::size_t count) {
  std::vector<T> list(count);
  EXPECT_EQ(at % 4, 0);
  EXPECT_LE(at * sizeof(std::int32_t) + count * sizeof(T), plan.words.size() * sizeof(std::int32_t));
  if (count > 0) std::memcpy(static_cast<void*>(list.data()), plan.words.data() + at, count * sizeof(T));
  return list;
}

Read read(const AttentionPlan& plan) {
  const PlanHeader header = read_list<PlanHeader>(plan, 0, 1).front();
  const auto small = static_cast<std::size_t>(header.small_tiles);
  const auto large = static_cast<std::size_t>(header.large_tiles);
  const std::vector<PlanTile> tiles = read_list<PlanTile>(plan, header.tiles, small + large);
  Read parts;
  parts.small.assign(tiles.begin(), tiles.begin() + header.small_tiles);
  parts.large.assign(tiles.begin() + header.small_tiles, tiles.end());
  std::size_t entries = 0;
  for (const PlanTile& tile : tiles) entries += static_cast<std::size_t>(tile.num_entries);
  parts.entries = read_list<PlanEntry>(plan, header.entries, entries);
  parts.merges = read_list<PlanMerge>(plan, header.merge_list, static_cast<std::size_t>(header.merges));
  EXPECT_EQ(plan.sizes, (AttentionSizes{static_cast<std::int64_t>(plan.words.size()), header.small_tiles,
                                        header.large_tiles, header.merges, plan.sizes.partials}));
  return parts;
}

/// The splits that a part of a row, or the row itself (-1), is made of.
struct Splits {
  std::int32_t begin = 0, end = 0;
  bool by_large_tile = false;
  int uses = 0;
};

/// By row and part.
using Parts = std::map<std::pair<std::int32_t, std::int32_t>, Splits>;

void check_tile(const PlanTile& tile, const Read& plan, const AttentionPlan& words,
                std::span<const AttentionRow> rows, std::int64_t group, bool is_large, Parts& parts) {
  ASSERT_GT(tile.num_entries, 0);
  ASSERT_LE(tile.num_entries * group, is_large ? 64 : 16);
  std::int32_t least = 1 << 30, greatest = -1;
  for (std::int32_t i = 0; i < tile.num_entries; ++i) {
    const PlanEntry& entry = plan.entries[static_cast<std::size_t>(tile.first_entry + i)];
    const AttentionRow& row = rows[static_cast<std::size_t>(entry.row)];
    ASSERT_EQ(entry.position, row.position);
    least = std::min(least, row.position);
    greatest = std::max(greatest, row.position);
    const std::int32_t end = std::min(tile.first_split + tile.num_splits, row.position / 128 + 1);
    ASSERT_GT(end, tile.first_split) << "row " << entry.row << " has no key there";
    Splits splits{tile.first_split, end, is_large, 0};
    if (entry.from >= 0) {
      ASSERT_FALSE(is_large);
      ASSERT_EQ(parts.count({entry.row, entry.from}), 1U);
      Splits& before = parts.at({entry.row, entry.from});
      ASSERT_TRUE(before.by_large_tile) << "which is done before";
      ASSERT_EQ(before.end, tile.first_split);
      splits.begin = before.begin;
      ++before.uses;
    }
    ASSERT_EQ(entry.from < 0, plan.entries[static_cast<std::size_t>(tile.first_entry)].from < 0);
    const bool is_first = parts.emplace(std::pair{entry.row, entry.part}, splits).second;
    ASSERT_TRUE(is_first) << "row " << entry.row << ", part " << entry.part;
    for (std::int32_t block = 8 * tile.first_split; block < 8 * end && block <= row.position / 16; ++block) {
      const std::int32_t at = tile.blocks + block - 8 * tile.first_split;
      ASSERT_EQ(words.words[static_cast<std::size_t>(at)], row.blocks[block]) << "block " << block;
    }
  }
  ASSERT_EQ(tile.first_position, least);
  ASSERT_EQ(tile.last_position, greatest);
  ASSERT_EQ(tile.blocks % 4, 0);
  ASSERT_LE(tile.first_split + tile.num_splits, greatest / 128 + 1);
}

/// Each row is one tile's, or its parts, in order, are all its splits, each once.
void check_cover(const Read& plan, const AttentionPlan& words, std::span<const AttentionRow> rows,
                 const HeadShape& shape) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  Parts parts;
  for (const PlanTile& tile : plan.large) check_tile(tile, plan, words, rows, group, true, parts);
  for (const PlanTile& tile : plan.small) check_tile(tile, plan, words, rows, group, false, parts);
  std::vector<int> times(rows.size());
  std::vector<int> written(static_cast<std::size_t>(words.sizes.partials)), used(written);
  for (const auto& [key, splits] : parts) {
    const auto [row, part] = key;
    if (part >= 0) {
      ++written.at(static_cast<std::size_t>(part));
      used.at(static_cast<std::size_t>(part)) += splits.uses;
      continue;
    }
    ++times[static_cast<std::size_t>(row)];
    EXPECT_EQ(splits.begin, 0);
    EXPECT_EQ(splits.end, rows[static_cast<std::size_t>(row)].position / 128 + 1);
  }
  for (const PlanMerge& merge : plan.merges) {
    ++times[static_cast<std::size_t>(merge.row)];
    std::int32_t next = 0;
    for (std::int32_t part = merge.first_part; part < merge.first_part + merge.num_parts; ++part) {
      ASSERT_EQ(parts.count({merge.row, part}), 1U) << "row " << merge.row << ", part " << part;
      const Splits splits = parts.at({merge.row, part});
      EXPECT_EQ(splits.begin, next);
      next = splits.end;
      ++used.at(static_cast<std::size_t>(part));
    }
    EXPECT_EQ(next, rows[static_cast<std::size_t>(merge.row)].position / 128 + 1);
  }
  EXPECT_THAT(times, ::testing::Each(1));
  EXPECT_THAT(written, ::testing::Each(1));
  EXPECT_THAT(used, ::testing::Each(1));
}

/// Block numbers: the first `common` are those of `from`, the rest of nobody else.
std::vector<std::int32_t> blocks_like(const std::vector<std::int32_t>& from, std::size_t common,
                                      std::size_t count) {
  static std::int32_t next = 0;
  std::vector<std::int32_t> blocks(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(common));
  while (blocks.size() < count) blocks.push_back(next++);
  return blocks;
}

AttentionPlan plan_of(std::span<const AttentionRow> rows, const HeadShape& shape,
                      const AttentionPlanOptions& options) {
  AttentionPlan plan;
  plan_attention(rows, shape, options, plan);
  return plan;
}

TEST(AttentionPlan, SharedSplitsOfAGroupAreComputedOnce) {
  // A prompt of 300 tokens, forked thrice: whole splits 0 and 1 are shared, split 2 is each fork's own.
  const auto prompt = blocks_like({}, 0, 19);
  std::vector<std::vector<std::int32_t>> forks;
  std::vector<AttentionRow> rows;
  for (int i = 0; i < 3; ++i) forks.push_back(blocks_like(prompt, 18, 20));
  for (const auto& fork : forks) rows.push_back({fork.data(), 305});
  const AttentionPlan plan = plan_of(rows, {4, 2, 64}, {.longest = 1});
  const Read parts = read(plan);
  EXPECT_THAT(parts.large, IsEmpty());
  ASSERT_EQ(parts.small.size(), 5U);
  std::vector<int> rows_of_split(3);
  for (const PlanTile& tile : parts.small) {
    const auto split = static_cast<std::size_t>(tile.first_split);
    if (split < 2) {
      EXPECT_EQ(tile.num_entries, 3) << split;
    }
    rows_of_split[split] += tile.num_entries;
  }
  EXPECT_THAT(rows_of_split, ElementsAre(3, 3, 3));
  EXPECT_EQ(plan.sizes.partials, 9);
  check_cover(parts, plan, rows, {4, 2, 64});
  // Worked off together, the shared splits give one part.
  EXPECT_EQ(plan_of(rows, {4, 2, 64}, {.longest = 2}).sizes.partials, 6);
  EXPECT_EQ(plan_of(rows, {4, 2, 64}, {.longest = 9}).sizes.small_tiles, 4);
  // What is not shared is worked off to the end: nothing is merged.
  const AttentionPlan alone = plan_of(rows, {4, 2, 64}, {.longest = 9, .share = false});
  EXPECT_EQ(alone.sizes.small_tiles, 3);
  EXPECT_EQ(alone.sizes.merges, 0);
}

TEST(AttentionPlan, RowsOfALargeGroupGoOnFromItsPart) {
  // Eight forks with seven query heads a key head fill a large tile. Behind its two splits each has a small
  // one, which ends the row: nothing is merged.
  const auto prompt = blocks_like({}, 0, 16);
  std::vector<std::vector<std::int32_t>> forks;
  std::vector<AttentionRow> rows;
  for (int i = 0; i < 8; ++i) forks.push_back(blocks_like(prompt, 16, 40));
  for (const auto& fork : forks) rows.push_back({fork.data(), 600});
  const HeadShape shape{7, 1, 64};
  const AttentionPlan plan = plan_of(rows, shape, {.longest = 9});
  EXPECT_EQ(plan.sizes.large_tiles, 1);
  EXPECT_EQ(plan.sizes.small_tiles, 8);
  EXPECT_EQ(plan.sizes.merges, 0);
  EXPECT_EQ(plan.sizes.partials, 8);
  check_cover(read(plan), plan, rows, shape);
  // Where the small tiles may work off two of the last three splits, the third is merged.
  const AttentionPlan cut = plan_of(rows, shape, {.longest = 2});
  EXPECT_EQ(cut.sizes.small_tiles, 16);
  EXPECT_EQ(cut.sizes.merges, 8);
  EXPECT_EQ(cut.sizes.partials, 24);
  check_cover(read(cut), cut, rows, shape);
}

TEST(AttentionPlan, AGroupIsFoundAcrossTheBatch) {
  const auto prompt = blocks_like({}, 0, 8);
  const auto a = blocks_like(prompt, 8, 9), b = blocks_like(prompt, 8, 9), other = blocks_like({}, 0, 9);
  const std::vector<AttentionRow> rows = {{a.data(), 130}, {other.data(), 140}, {b.data(), 135}};
  const Read parts = read(plan_of(rows, {2, 2, 64}, {.longest = 1}));
  std::vector<std::int32_t> sizes;
  for (const PlanTile& tile : parts.small) {
    if (tile.first_split == 0) sizes.push_back(tile.num_entries);
  }
  EXPECT_THAT(sizes, ::testing::UnorderedElementsAre(2, 1));
}

TEST(AttentionPlan, RowsOfAPromptFillLargeTiles) {
  const auto blocks = blocks_like({}, 0, 20);
  std::vector<AttentionRow> rows;
  for (std::int32_t position = 200; position < 225; ++position) rows.push_back({blocks.data(), position});
  const HeadShape shape{14, 2, 128};  // 9 rows of 7 heads are 63 row-heads
  const AttentionPlan plan = plan_of(rows, shape, {});
  const Read parts = read(plan);
  ASSERT_EQ(parts.large.size(), 3U);
  EXPECT_THAT(parts.small, IsEmpty());
  EXPECT_EQ(parts.large[0].num_entries, 9);
  EXPECT_EQ(parts.large[0].num_splits, 2);
  EXPECT_EQ(plan.sizes.merges, 0);
  check_cover(parts, plan, rows, shape);
}

TEST(AttentionPlan, FewLongRowsAreSplitAndManyAreNot) {
  std::vector<std::vector<std::int32_t>> sequences;
  std::vector<AttentionRow> rows;
  for (int i = 0; i < 600; ++i) sequences.push_back(blocks_like({}, 0, 64));
  for (const auto& blocks : sequences) rows.push_back({blocks.data(), 1023});
  const HeadShape shape{14, 2, 128};
  const AttentionPlanOptions options{.multiprocessors = 4};
  // 2 key heads x 8 splits are 16 pieces of work for 8 blocks; 600 sequences have 600 times as many.
  EXPECT_EQ(plan_of(std::span(rows).first(1), shape, options).sizes.small_tiles, 8);
  EXPECT_EQ(plan_of(rows, shape, options).sizes.small_tiles, 600);
}

TEST(AttentionPlan, CoversEachSplitOfEachRowOnceForAnyBatch) {
  std::mt19937 random(5);
  const auto below = [&](std::uint32_t end) { return random() % end; };
  for (int round = 0; round < 200; ++round) {
    const std::int64_t kv_heads = 1 + below(3);
    const HeadShape shape{kv_heads * std::vector<std::int64_t>{1, 2, 5, 7, 16, 20, 64}[below(7)], kv_heads,
                          32};
    std::vector<std::vector<std::int32_t>> sequences;
    for (std::uint32_t i = 0; i < 12; ++i) {
      const bool forks = !sequences.empty() && below(3) > 0;
      const auto from = forks ? sequences[below(static_cast<std::uint32_t>(sequences.size()))]
                              : std::vector<std::int32_t>{};
      const std::size_t common = from.empty() ? 0 : below(static_cast<std::uint32_t>(from.size()) + 1);
      sequences.push_back(blocks_like(from, common, std::max<std::size_t>(common, 1) + below(40)));
    }
    std::vector<AttentionRow> rows;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const auto& blocks = sequences[below(12)];
      const auto positions = static_cast<std::uint32_t>(16 * blocks.size());
      const auto first = static_cast<std::int32_t>(below(positions));
      const auto count = static_cast<std::int32_t>(below(4) == 0 ? 1 + below(90) : 1);
      for (std::int32_t p = first;
           p < std::min<std::int32_t>(first + count, static_cast<std::int32_t>(positions)); ++p)
        rows.push_back({blocks.data(), p});
    }
    const AttentionPlanOptions options{.multiprocessors = static_cast<int>(below(8)),
                                       .longest = static_cast<std::int64_t>(below(4)),
                                       .share = below(4) > 0};
    const AttentionPlan plan = plan_of(rows, shape, options);
    check_cover(read(plan), plan, rows, shape);
    check_fits(plan.sizes, attention_limits(static_cast<std::int64_t>(rows.size()), 2000, shape));
    if (HasFailure()) FAIL() << "round " << round;
  }
}

TEST(AttentionPlan, OfNoRowsIsAHeader) {
  AttentionPlan plan = plan_of(std::vector<AttentionRow>{{blocks_like({}, 0, 1).data(), 3}}, {1, 1, 16}, {});
  plan_attention({}, {1, 1, 16}, {}, plan);
  EXPECT_EQ(plan.sizes, (AttentionSizes{.words = 8}));
  EXPECT_EQ(read(plan).entries.size(), 0U);
}

TEST(AttentionPlan, SaysWhatDoesNotFit) {
  const AttentionSizes limits{.words = 100, .small_tiles = 3, .large_tiles = 2, .merges = 4, .partials = 9};
  const auto with = [&](std::int64_t AttentionSizes::*size, std::int64_t more) {
    AttentionSizes needs = limits;
    needs.*size += more;
    return refusal_of([&] { check_fits(needs, limits); });
  };
  EXPECT_EQ(with(&AttentionSizes::words, 0), "no error");
  EXPECT_EQ(with(&AttentionSizes::words, 4), "check_fits: a plan of 104 words (the launch has room for 100)");
  EXPECT_EQ(with(&AttentionSizes::small_tiles, 1),
            "check_fits: a plan of 4 small tiles (the launch has room for 3)");
  EXPECT_EQ(with(&AttentionSizes::large_tiles, 1),
            "check_fits: a plan of 3 large tiles (the launch has room for 2)");
  EXPECT_EQ(with(&AttentionSizes::merges, 1), "check_fits: a plan of 5 merges (the launch has room for 4)");
  EXPECT_EQ(with(&AttentionSizes::partials, 1),
            "check_fits: a plan of 10 partials (the launch has room for 9)");
}

TEST(AttentionPlan, SaysWhatItCannotPlan) {
  const std::int32_t block = 0;
  const auto with = [&](const AttentionRow& row, const HeadShape& shape) {
    AttentionPlan plan;
    return refusal_of([&] { plan_attention({&row, 1}, shape, {}, plan); });
  };
  EXPECT_EQ(with({nullptr, 3}, {2, 1, 64}),
            "plan_attention: row 0 at position 3 has no blocks (need a position from 0 on, and its "
            "sequence's blocks)");
  EXPECT_EQ(with({&block, -1}, {2, 1, 64}),
            "plan_attention: row 0 at position -1 (need a position from 0 on, and its sequence's blocks)");
  EXPECT_EQ(with({&block, 3}, {2, 1, 80}), "plan_attention: head_dim 80 (need 16, 32, 64 or 128)");
  EXPECT_EQ(refusal_of([] {
              (void)attention_limits(-1, 5, {1, 1, 16});
            }),
            "attention_limits: -1 rows, 5 positions (need 0 or more)");
}

}  // namespace
}  // namespace reckon::cuda
