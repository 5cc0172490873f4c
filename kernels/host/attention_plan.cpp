#include "attention_plan.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "reckon/cuda/attention.h"

namespace reckon::cuda {
namespace {

constexpr std::int32_t kSplit = kKvSplit;

/// Rows of one sequence that stand together in the batch.
struct Run {
  std::int32_t first_row = 0, num_rows = 0;
  const std::int32_t* blocks = nullptr;
  std::int32_t last_position = 0;
  std::int32_t shared = 0;  // whole splits from 0 on whose blocks are those of the run before
  bool goes_on = false;     // a tile of its own goes on from the part that its group's first splits give
  [[nodiscard]] std::int32_t splits() const { return last_position / kSplit + 1; }
  [[nodiscard]] std::int32_t whole_splits() const { return (last_position + 1) / kSplit; }
};

std::int32_t whole_splits_in_common(const Run& a, const Run& b) {
  const std::int32_t most = std::min(a.whole_splits(), b.whole_splits());
  std::int32_t split = 0;
  while (split < most && std::memcmp(a.blocks + split * kBlocksPerSplit, b.blocks + split * kBlocksPerSplit,
                                     kBlocksPerSplit * sizeof(std::int32_t)) == 0)
    ++split;
  return split;
}

class Planner {
 public:
  void plan(std::span<const AttentionRow> rows, const HeadShape& shape, const AttentionPlanOptions& options,
            AttentionPlan& result) {
    rows_ = rows;
    options_ = options;
    kv_heads_ = shape.kv_heads;
    small_rows_ = kSmallTile / (shape.heads / shape.kv_heads);
    large_rows_ = kLargeTile / (shape.heads / shape.kv_heads);
    clear();
    find_runs();
    const std::int32_t longest = options_.longest > 0 ? clamp(options_.longest) : fair_share();
    for (const Run& run : prompts_) {
      const std::int32_t end = options_.longest > 0 ? std::min(longest, run.splits()) : run.splits();
      const std::span one(&run, 1);
      add_range(one, 0, end);
      add_singles(one, end);
    }
    for_groups(std::span(decoding_), 0,
               [&](std::span<Run> group, std::int32_t in_common) { add_group(group, in_common, longest); });
    write(result);
  }

 private:
  // Of a row whose parts are merged: where they begin, and the end of the splits that the first is of.
  // Of one that goes on from a part: that part, until then.
  struct Parts {
    std::int32_t first = -1;
    std::int32_t range_end = 0;
    std::int32_t goes_on_from = -1;
  };

  [[nodiscard]] static std::int32_t clamp(std::int64_t value) {
    return static_cast<std::int32_t>(std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
  }

  void clear() {
    parts_.assign(rows_.size(), {});
    prompts_.clear();
    decoding_.clear();
    small_.clear();
    large_.clear();
    entries_.clear();
    merges_.clear();
    blocks_.clear();
    num_parts_ = 0;
  }

  void find_runs() {
    for (std::size_t i = 0; i < rows_.size();) {
      Run run;
      run.first_row = static_cast<std::int32_t>(i);
      run.blocks = rows_[i].blocks;
      for (; i < rows_.size() && rows_[i].blocks == run.blocks; ++i) {
        ++run.num_rows;
        run.last_position = std::max(run.last_position, rows_[i].position);
      }
      (run.num_rows >= large_rows_ && run.num_rows > 1 ? prompts_ : decoding_).push_back(run);
    }
    if (!options_.share) return;
    // Sequences with blocks in common have the first in common: then they stand together.
    std::stable_sort(decoding_.begin(), decoding_.end(),
                     [](const Run& a, const Run& b) { return a.blocks[0] < b.blocks[0]; });
    for (std::size_t i = 1; i < decoding_.size(); ++i)
      decoding_[i].shared = whole_splits_in_common(decoding_[i - 1], decoding_[i]);
  }

  /// Calls `visit` with each group of runs that share whole split `split`, or one run that does not share it,
  /// and with the end of the splits, from 0 on, that all of the group have in common.
  template <class R, class Visit>
  void for_groups(std::span<R> runs, std::int32_t split, const Visit& visit) {
    for (std::size_t first = 0; first < runs.size();) {
      std::int32_t in_common = runs[first].splits();
      std::size_t end = first + 1;
      for (; end < runs.size() && runs[end].shared > split; ++end)
        in_common = std::min(in_common, runs[end].shared);
      if (runs[first].splits() > split) visit(runs.subspan(first, end - first), in_common);
      first = end;
    }
  }

  /// Where a range from `begin` on ends: a little that would be left behind `longest` splits, and have to be
  /// merged, is taken along.
  [[nodiscard]] std::int32_t range_end(std::int32_t begin, std::int32_t end, std::int32_t longest) const {
    const std::int32_t slack = options_.longest > 0 ? 0 : longest / 4;
    return end - begin <= longest + slack ? end : begin + longest;
  }

  /// Splits that the group has in common, and then what each run has alone.
  void add_group(std::span<Run> group, std::int32_t in_common, std::int32_t longest) {
    const std::int32_t end = range_end(0, in_common, longest);
    if (group.size() > 1 && end == in_common) mark_goes_on(group, end);
    add_range(group, 0, end);
    for_groups(group, end, [&](std::span<Run> subgroup, std::int32_t) {
      const Run& run = subgroup.front();
      const std::int32_t next = run.goes_on ? range_end(end, run.splits(), longest) : end;
      if (run.goes_on) add_range(subgroup, end, next);
      add_singles(subgroup, next);
    });
  }

  /// Marks the runs that share nothing behind split `end`, and whose rows fit a small tile, where the group's
  /// rows fill a large one: small tiles go on from what large ones wrote.
  void mark_goes_on(std::span<Run> group, std::int32_t end) {
    std::int64_t rows = 0;
    for (const Run& run : group) rows += run.num_rows;
    if (rows <= small_rows_) return;
    for_groups(group, end, [&](std::span<Run> subgroup, std::int32_t) {
      Run& run = subgroup.front();
      run.goes_on = subgroup.size() == 1 && run.num_rows <= small_rows_;
    });
  }

  /// Splits from `begin` on, one by one, shared as far as they are.
  void add_singles(std::span<const Run> runs, std::int32_t begin) {
    for_groups(runs, begin, [&](std::span<const Run> group, std::int32_t in_common) {
      for (std::int32_t split = begin; split < in_common; ++split) add_range(group, split, split + 1);
      if (group.size() > 1) add_singles(group, in_common);
    });
  }

  /// Splits that a block works off, on average, times a quarter: so that no tile keeps the others waiting.
  [[nodiscard]] std::int32_t fair_share() {
    constexpr std::int64_t kBlocksAtOnce = 2;  // of a multiprocessor
    std::int64_t work = 0;
    for (const Run& run : prompts_) work += tiles_for(run.num_rows) * run.splits();
    const auto count = [&](const auto& self, std::span<const Run> runs, std::int32_t begin) -> void {
      for_groups(runs, begin, [&](std::span<const Run> group, std::int32_t in_common) {
        std::int64_t rows = 0;
        for (const Run& run : group) rows += run.num_rows;
        work += tiles_for(rows) * (in_common - begin);
        if (group.size() > 1) self(self, group, in_common);
      });
    };
    count(count, decoding_, 0);
    const std::int64_t blocks = kBlocksAtOnce * std::max(options_.multiprocessors, 1);
    return clamp(std::max<std::int64_t>(1, work * kv_heads_ / (4 * blocks)));
  }
  [[nodiscard]] std::int64_t tiles_for(std::int64_t rows) const {
    return (rows + large_rows_ - 1) / large_rows_;
  }

  void add_range(std::span<const Run> runs, std::int32_t begin, std::int32_t end);
  void write(AttentionPlan& plan);
  void sort_longest_first(std::vector<PlanTile>& tiles);
  [[nodiscard]] std::int32_t add_blocks(const Run& run, std::int32_t begin, std::int32_t end);
  [[nodiscard]] PlanEntry entry_of(std::int32_t row, bool goes_on, std::int32_t begin, std::int32_t end);

  std::span<const AttentionRow> rows_;
  AttentionPlanOptions options_;
  std::int64_t kv_heads_ = 0, small_rows_ = 0, large_rows_ = 0;
  std::vector<Parts> parts_;
  std::vector<Run> prompts_, decoding_;
  std::vector<std::pair<std::int32_t, bool>> range_rows_;  // and whether the row's run goes on
  std::vector<PlanTile> small_, large_, sorted_;
  std::vector<std::size_t> starts_;  // of each length in sorted_
  std::vector<PlanEntry> entries_;
  std::vector<PlanMerge> merges_;
  std::vector<std::int32_t> blocks_;
  std::int32_t num_parts_ = 0;
};

/// Tiles of the runs' rows over splits [begin, end), whose blocks all of the runs have.
void Planner::add_range(std::span<const Run> runs, std::int32_t begin, std::int32_t end) {
  const Run* deepest = &runs.front();
  range_rows_.clear();
  bool all_large = false;
  for (const Run& run : runs) {
    if (run.last_position > deepest->last_position) deepest = &run;
    all_large |= run.goes_on && begin == 0;
    for (std::int32_t row = run.first_row; row < run.first_row + run.num_rows; ++row) {
      if (rows_[static_cast<std::size_t>(row)].position >= begin * kSplit)
        range_rows_.push_back({row, run.goes_on});
    }
  }
  const std::int32_t blocks = add_blocks(*deepest, begin, end);
  const auto count = static_cast<std::int64_t>(range_rows_.size());
  for (std::int64_t first = 0; first < count;) {
    const bool is_small = !all_large && count - first <= small_rows_;
    const std::int64_t rows = std::min(large_rows_, count - first);
    PlanTile tile;
    tile.first_entry = static_cast<std::int32_t>(entries_.size());
    tile.num_entries = static_cast<std::int32_t>(rows);
    tile.first_split = begin;
    tile.blocks = blocks;
    tile.first_position = std::numeric_limits<std::int32_t>::max();
    for (std::int64_t i = first; i < first + rows; ++i) {
      const auto [row, goes_on] = range_rows_[static_cast<std::size_t>(i)];
      const PlanEntry entry = entry_of(row, goes_on, begin, end);
      tile.first_position = std::min(tile.first_position, entry.position);
      tile.last_position = std::max(tile.last_position, entry.position);
      entries_.push_back(entry);
    }
    tile.num_splits = std::min(end, tile.last_position / kSplit + 1) - begin;
    (is_small ? small_ : large_).push_back(tile);
    first += rows;
  }
}

/// The numbers of a run's blocks in splits [begin, end). Where it has none, 0: nothing is read there.
std::int32_t Planner::add_blocks(const Run& run, std::int32_t begin, std::int32_t end) {
  const auto at = static_cast<std::int32_t>(blocks_.size());
  const std::int32_t first = begin * kBlocksPerSplit;
  const std::int32_t last =
      std::min(end * kBlocksPerSplit, run.last_position / static_cast<std::int32_t>(kKvBlock) + 1);
  blocks_.insert(blocks_.end(), run.blocks + first, run.blocks + last);
  blocks_.resize(static_cast<std::size_t>(at + (end - begin) * kBlocksPerSplit));
  return at;
}

/// What splits [begin, end) of a row give, and to which part: -1 where they end the row.
PlanEntry Planner::entry_of(std::int32_t row, bool goes_on, std::int32_t begin, std::int32_t end) {
  Parts& parts = parts_[static_cast<std::size_t>(row)];
  const std::int32_t position = rows_[static_cast<std::size_t>(row)].position;
  PlanEntry entry{row, position, -1, parts.goes_on_from};
  const std::int32_t splits = position / kSplit + 1;
  if (begin > 0 && entry.from < 0) {
    entry.part = parts.first + 1 + begin - parts.range_end;
  } else if (splits > end && goes_on && begin == 0) {
    entry.part = parts.goes_on_from = num_parts_++;
  } else if (splits > end) {
    const std::int32_t count = 1 + splits - end;
    parts = {num_parts_, end, -1};
    merges_.push_back({row, num_parts_, count, 0});
    entry.part = num_parts_;
    num_parts_ += count;
  }
  return entry;
}

/// Long tiles first: those that are left at the end are short. Tiles of a length keep their order.
void Planner::sort_longest_first(std::vector<PlanTile>& tiles) {
  starts_.clear();
  for (const PlanTile& tile : tiles) {
    const auto length = static_cast<std::size_t>(tile.num_splits);
    if (starts_.size() <= length) starts_.resize(length + 1);
    ++starts_[length];
  }
  std::size_t next = 0;
  for (std::size_t length = starts_.size(); length-- > 0;) next += std::exchange(starts_[length], next);
  sorted_.resize(tiles.size());
  for (const PlanTile& tile : tiles) sorted_[starts_[static_cast<std::size_t>(tile.num_splits)]++] = tile;
  tiles.swap(sorted_);
}

void Planner::write(AttentionPlan& plan) {
  sort_longest_first(small_);
  sort_longest_first(large_);
  constexpr std::size_t kWord = sizeof(std::int32_t);
  const auto words_of = [](const auto& list) { return list.size() * sizeof(list[0]) / kWord; };
  PlanHeader header;
  header.small_tiles = static_cast<std::int32_t>(small_.size());
  header.large_tiles = static_cast<std::int32_t>(large_.size());
  header.merges = static_cast<std::int32_t>(merges_.size());
  std::size_t at = sizeof header / kWord;
  header.tiles = static_cast<std::int32_t>(at);
  at += words_of(small_) + words_of(large_);
  header.entries = static_cast<std::int32_t>(at);
  at += words_of(entries_);
  header.merge_list = static_cast<std::int32_t>(at);
  at += words_of(merges_);
  const auto blocks_at = static_cast<std::int32_t>(at);
  at += blocks_.size();
  for (std::vector<PlanTile>* tiles : {&small_, &large_}) {
    for (PlanTile& tile : *tiles) tile.blocks += blocks_at;
  }
  plan.words.resize(at);
  std::int32_t* to = plan.words.data();
  const auto put = [&to](const auto* values, std::size_t count) {
    if (count > 0) std::memcpy(to, values, count * sizeof *values);
    to += count * sizeof *values / kWord;
  };
  put(&header, 1);
  put(small_.data(), small_.size());
  put(large_.data(), large_.size());
  put(entries_.data(), entries_.size());
  put(merges_.data(), merges_.size());
  put(blocks_.data(), blocks_.size());
  plan.sizes = {static_cast<std::int64_t>(at), header.small_tiles, header.large_tiles, header.merges,
                num_parts_};
}

}  // namespace

void check_attention_heads(const char* function, const HeadShape& shape) {
  const bool divides = shape.kv_heads > 0 && shape.heads > 0 && shape.heads % shape.kv_heads == 0;
  if (!divides || shape.heads / shape.kv_heads > kLargeTile) {
    throw std::invalid_argument(std::string(function) + ": " + std::to_string(shape.heads) +
                                " query heads, " + std::to_string(shape.kv_heads) +
                                " key heads (need a multiple, at most 64 times as many)");
  }
  const std::int64_t dim = shape.head_dim;
  if (dim != 16 && dim != 32 && dim != 64 && dim != 128) {
    throw std::invalid_argument(std::string(function) + ": head_dim " + std::to_string(dim) +
                                " (need 16, 32, 64 or 128)");
  }
}

void plan_attention(std::span<const AttentionRow> rows, const HeadShape& shape,
                    const AttentionPlanOptions& options, AttentionPlan& plan) {
  check_attention_heads("plan_attention", shape);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].blocks == nullptr || rows[i].position < 0) {
      throw std::invalid_argument("plan_attention: row " + std::to_string(i) + " at position " +
                                  std::to_string(rows[i].position) +
                                  (rows[i].blocks == nullptr ? " has no blocks" : "") +
                                  " (need a position from 0 on, and its sequence's blocks)");
    }
  }
  thread_local Planner planner;  // keeps its memory: a step plans once, and a plan may be of megabytes
  planner.plan(rows, shape, options, plan);
}

AttentionSizes attention_limits(std::int64_t rows, std::int64_t positions, const HeadShape& shape) {
  check_attention_heads("attention_limits", shape);
  if (rows < 0 || positions < 0) {
    throw std::invalid_argument("attention_limits: " + std::to_string(rows) + " rows, " +
                                std::to_string(positions) + " positions (need 0 or more)");
  }
  const std::int64_t splits = (positions + kKvSplit - 1) / kKvSplit;
  const std::int64_t small_rows = kSmallTile / (shape.heads / shape.kv_heads);
  AttentionSizes sizes;
  // A tile has a row at least, and a large one more than a small one holds.
  const std::int64_t tiles = rows * splits;
  sizes.small_tiles = small_rows > 0 ? tiles : 0;
  sizes.large_tiles = tiles / (small_rows + 1);
  sizes.merges = splits > 1 ? rows : 0;
  sizes.partials = splits > 1 ? tiles : 0;
  sizes.words =
      static_cast<std::int64_t>(sizeof(PlanHeader) / sizeof(std::int32_t)) +
      tiles * static_cast<std::int64_t>((sizeof(PlanTile) + sizeof(PlanEntry)) / sizeof(std::int32_t)) +
      sizes.merges * static_cast<std::int64_t>(sizeof(PlanMerge) / sizeof(std::int32_t)) +
      tiles * kBlocksPerSplit;
  return sizes;
}

void check_fits(const AttentionSizes& needs, const AttentionSizes& limits) {
  const auto check = [](const char* what, std::int64_t need, std::int64_t limit) {
    if (need > limit) {
      throw std::invalid_argument("check_fits: a plan of " + std::to_string(need) + " " + what +
                                  " (the launch has room for " + std::to_string(limit) + ")");
    }
  };
  check("words", needs.words, limits.words);
  check("small tiles", needs.small_tiles, limits.small_tiles);
  check("large tiles", needs.large_tiles, limits.large_tiles);
  check("merges", needs.merges, limits.merges);
  check("partials", needs.partials, limits.partials);
}

}  // namespace reckon::cuda
