#pragma once

#include <cstdint>

namespace reckon {

/// Keys and values of one head of one sequence, in blocks of sixteen positions: a block of keys is [dim][16],
/// one of values [16][dim].
struct KvView {
  const void* keys = nullptr;  // float, or the bits of bfloat16
  const void* values = nullptr;
  const std::int32_t* blocks = nullptr;  // numbers of the sequence's blocks; null: 0, 1, 2, ...
  std::int64_t block_stride = 0;         // values from the start of a block to that of the next
  bool is_bf16 = false;
};

/// At most kTileQueries queries against one head of one sequence.
struct AttentionTile {
  static constexpr int kMostQueries = 8;
  int num_queries = 0;
  std::int64_t dim = 0;
  float scale = 1;
  const float* q[kMostQueries] = {};
  float* out[kMostQueries] = {};
  float* lse[kMostQueries] = {};  // may be null
  std::int64_t length[kMostQueries] = {};
  KvView kv;
  KvView next;  // of the tile that comes next, where next_length > 0: fetched ahead
  std::int64_t next_length = 0;
  float* scores =
      nullptr;  // [kMostQueries, scores_stride], stride at least the longest length rounded up to 16
  std::int64_t scores_stride = 0;
};

/// One query head of consecutive positions of one sequence, for the backward pass.
struct AttentionBackwardHead {
  static constexpr std::int64_t kQueryBlock = 32;
  std::int64_t first_position = 0;
  std::int64_t count = 0;
  std::int64_t dim = 0;
  std::int64_t row_stride = 0;  // of q, out, dout and dq
  std::int64_t lse_stride = 0;
  float scale = 1;
  const float* q = nullptr;
  const float* out = nullptr;
  const float* dout = nullptr;
  const float* lse = nullptr;
  KvView kv;                   // the keys are read as they are,
  const float* key_rows;       // and again as [16][dim] blocks,
  const float* value_columns;  // the values as [dim][16] blocks: one after the other, float
  float* dq = nullptr;
  float* dk = nullptr;  // [positions, dim], added to
  float* dv = nullptr;
  float* work = nullptr;  // [2, kQueryBlock, work_stride]
  std::int64_t work_stride = 0;
};

}  // namespace reckon
