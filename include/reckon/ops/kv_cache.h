#pragma once

#include <cstdint>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/ops/compute_dtype.h"
#include "reckon/ops/kv_blocks.h"

namespace reckon {

/// Keys and values of many sequences in all layers of a model, in blocks of sixteen positions that slots can
/// share (KvBlocks). In a block keys lie transposed, [kv_heads][head_dim][16], so that the scores of sixteen
/// keys are computed at once; values lie [kv_heads][16][head_dim].
class KvCache : public KvBlocks {
 public:
  struct Shape {
    std::int64_t layers = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
    ComputeDtype dtype = ComputeDtype::float32;  ///< what keys and values are rounded to
    friend bool operator==(const Shape&, const Shape&) = default;
  };

  KvCache() = default;
  /// Makes room for num_blocks blocks; no slot is open. Memory is kept where it is enough.
  /// \param version  of the weights: slots opened from now on hold what these make of the tokens
  void reset(const Shape& shape, std::int64_t num_blocks, std::uint64_t version = 0);
  [[nodiscard]] const Shape& shape() const { return shape_; }
  /// Bytes of a block, in all layers.
  [[nodiscard]] static std::int64_t bytes_per_block(const Shape& shape);

  /// Puts the key and value of one token, each [kv_heads, head_dim], at a position of a slot.
  /// \throws std::invalid_argument where the position is not below the slot's capacity.
  void put(std::int64_t layer, std::int32_t slot, std::int64_t position, const float* key,
           const float* value);
  /// Copies the pending forks in one layer, after the positions they copy have been put; finish_forks() is to
  /// be called when it was done for every layer.
  void copy_forked(std::int64_t layer);

  /// For the kernels: a layer's keys and values, block after block.
  [[nodiscard]] const void* keys(std::int64_t layer) const {
    return keys_[static_cast<std::size_t>(layer)].data();
  }
  [[nodiscard]] const void* values(std::int64_t layer) const {
    return values_[static_cast<std::size_t>(layer)].data();
  }

 private:
  template <class T>
  void put_typed(std::int64_t layer, std::int32_t block, std::int64_t lane, const float* key,
                 const float* value);
  template <class T>
  void copy_typed(std::int64_t layer, const Fork& fork);

  Shape shape_;
  std::vector<AlignedBuffer> keys_, values_;  // a layer each
};

}  // namespace reckon
