#pragma once

// The words of an AttentionPlan, as the planner writes and the kernels read them: a header, then arrays of
// which the header says where they begin. Everything begins at a multiple of four words.
#include <cstdint>

#include "reckon/cuda/norm_rope.h"

namespace reckon::cuda {

inline constexpr std::int64_t kSmallTile = 16;  // row-heads
inline constexpr std::int64_t kLargeTile = 64;
inline constexpr std::int32_t kBlocksPerSplit = 8;

struct alignas(16) PlanHeader {
  std::int32_t small_tiles = 0, large_tiles = 0, merges = 0;
  // Words from the plan's beginning; the large tiles stand behind the small ones.
  std::int32_t tiles = 0, entries = 0, merge_list = 0;
  std::int32_t unused[2] = {};
};

/// Rows that are computed together, over splits that are worked off in order.
struct alignas(16) PlanTile {
  std::int32_t first_entry = 0, num_entries = 0;
  std::int32_t first_split = 0, num_splits = 0;
  std::int32_t first_position = 0, last_position = 0;  // the least and the greatest of its rows
  std::int32_t blocks = 0;                             // words from the plan's beginning: 8 numbers a split
  std::int32_t unused = 0;
};

/// A row of a tile. Its result goes to a part of the workspace, or is the row's (part < 0). In a small tile
/// it may go on from a part that a large tile wrote (from >= 0): large tiles are done before.
struct alignas(16) PlanEntry {
  std::int32_t row = 0, position = 0, part = -1, from = -1;
};

/// A row whose parts are merged.
struct alignas(16) PlanMerge {
  std::int32_t row = 0, first_part = 0, num_parts = 0;
  std::int32_t unused = 0;
};

/// \throws std::invalid_argument for heads that attention() does not take.
void check_attention_heads(const char* function, const HeadShape& shape);

}  // namespace reckon::cuda
