#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// Keys and values of many sequences ("slots") in all layers of a model, in blocks of sixteen positions that
/// slots can share: the samples of a group have the keys and values of their prompt once. In a block keys lie
/// transposed, [kv_heads][head_dim][16], so that the scores of sixteen keys are computed at once; values lie
/// [kv_heads][16][head_dim]. They are what the weights of one version made of the tokens: a slot knows which.
class KvCache {
 public:
  static constexpr std::int64_t kBlock = 16;
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

  /// Blocks that hold so many tokens.
  [[nodiscard]] static std::int64_t blocks_for(std::int64_t tokens) { return (tokens + kBlock - 1) / kBlock; }
  /// Bytes of a block, in all layers.
  [[nodiscard]] static std::int64_t bytes_per_block(const Shape& shape);
  [[nodiscard]] std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_blocks_.size()); }

  /// A slot for so many tokens. \throws std::logic_error where the blocks do not suffice.
  std::int32_t open(std::int64_t capacity);
  /// A slot whose first `length` positions are those of another: whole blocks are shared, the rest of the
  /// last one is copied by copy_forked() in each layer. Takes blocks_for(capacity) - length / 16 blocks.
  std::int32_t fork(std::int32_t slot, std::int64_t length, std::int64_t capacity);
  void close(std::int32_t slot);
  [[nodiscard]] std::int64_t capacity(std::int32_t slot) const;

  /// The version of the weights that the slot's keys and values come from.
  [[nodiscard]] std::uint64_t version(std::int32_t slot) const {
    return slots_[static_cast<std::size_t>(slot)].version;
  }

  /// Puts the key and value of one token, each [kv_heads, head_dim], at a position of a slot.
  /// \throws std::invalid_argument where the position is not below the slot's capacity.
  void put(std::int64_t layer, std::int32_t slot, std::int64_t position, const float* key,
           const float* value);
  /// Finishes the forks since the last finish_forks() in one layer, after the positions they copy have been
  /// put.
  void copy_forked(std::int64_t layer);
  /// To be called when copy_forked() was, for every layer.
  void finish_forks();

  /// For the kernels: the numbers of a slot's blocks, and a layer's keys and values, block after block.
  [[nodiscard]] const std::int32_t* blocks(std::int32_t slot) const {
    return slots_[static_cast<std::size_t>(slot)].blocks.data();
  }
  [[nodiscard]] const void* keys(std::int64_t layer) const {
    return keys_[static_cast<std::size_t>(layer)].data();
  }
  [[nodiscard]] const void* values(std::int64_t layer) const {
    return values_[static_cast<std::size_t>(layer)].data();
  }

 private:
  struct Slot {
    std::vector<std::int32_t> blocks;
    std::uint64_t version = 0;
    bool is_open = false;
  };
  struct Fork {
    std::int32_t from = 0, to = 0;  // blocks
    std::int64_t length = 0;        // positions
  };
  std::int32_t take_slot(std::int64_t capacity);
  std::int32_t take_block();
  void release_block(std::int32_t block);
  template <class T>
  void put_typed(std::int64_t layer, std::int32_t block, std::int64_t lane, const float* key,
                 const float* value);
  template <class T>
  void copy_typed(std::int64_t layer, const Fork& fork);

  Shape shape_;
  std::uint64_t version_ = 0;
  std::vector<AlignedBuffer> keys_, values_;  // a layer each
  std::vector<Slot> slots_;
  std::vector<std::int32_t> free_slots_, free_blocks_;
  std::vector<std::int32_t> uses_;  // of each block
  std::vector<Fork> forks_;
};

}  // namespace reckon
