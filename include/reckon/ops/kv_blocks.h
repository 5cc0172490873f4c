#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reckon {

/// Which blocks of sixteen positions hold the keys and values of which sequence ("slot"), wherever the memory
/// of the blocks is: the samples of a group share the blocks of their prompt. A slot knows the version of the
/// weights that its keys and values are of.
class KvBlocks {
 public:
  static constexpr std::int64_t kBlock = 16;
  /// Positions of a block that are to be copied to another before a slot that was forked is read.
  struct Fork {
    std::int32_t from = 0, to = 0;  ///< blocks
    std::int64_t length = 0;        ///< the first positions of the block; below kBlock
  };

  KvBlocks() = default;
  /// All blocks are free and no slot is open. The book-keeping alone: what owns the memory of the blocks
  /// makes room for them, and calls this. \param version  of the weights: slots opened from now on hold what
  /// these make of the tokens
  void reset_blocks(std::int64_t num_blocks, std::uint64_t version = 0);

  /// Blocks that hold so many tokens.
  [[nodiscard]] static std::int64_t blocks_for(std::int64_t tokens) { return (tokens + kBlock - 1) / kBlock; }
  [[nodiscard]] std::int64_t num_blocks() const { return static_cast<std::int64_t>(uses_.size()); }
  [[nodiscard]] std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_blocks_.size()); }

  /// A slot for so many tokens. \throws std::logic_error where the blocks do not suffice.
  std::int32_t open(std::int64_t capacity);
  /// A slot whose first `length` positions are those of another: whole blocks are shared, the rest of the
  /// last one is one of pending_forks(). Takes blocks_for(capacity) - length / 16 blocks. What was
  /// forked may be closed at once, what the fork made not before finish_forks(). \throws std::logic_error
  /// where the blocks do not suffice, or `length` is more than either slot holds.
  std::int32_t fork(std::int32_t slot, std::int64_t length, std::int64_t capacity);
  /// \throws std::logic_error where the slot is not open.
  void close(std::int32_t slot);
  /// Tokens that the slot's blocks hold.
  [[nodiscard]] std::int64_t capacity(std::int32_t slot) const;
  /// The version of the weights that the slot's keys and values come from.
  [[nodiscard]] std::uint64_t version(std::int32_t slot) const {
    return slots_[static_cast<std::size_t>(slot)].version;
  }
  /// The numbers of a slot's blocks, in the order of its positions.
  [[nodiscard]] std::span<const std::int32_t> blocks(std::int32_t slot) const {
    return slots_[static_cast<std::size_t>(slot)].blocks;
  }

  /// What the forks since the last finish_forks() have to copy in each layer, in order, after the positions
  /// that they copy have been put.
  [[nodiscard]] std::span<const Fork> pending_forks() const { return forks_; }
  /// To be called when every layer has been copied.
  void finish_forks();

 private:
  struct Slot {
    std::vector<std::int32_t> blocks;
    std::uint64_t version = 0;
    bool is_open = false;
  };
  std::int32_t take_slot(std::int64_t capacity);
  std::int32_t take_block();
  void release_block(std::int32_t block);

  std::uint64_t version_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::int32_t> free_slots_, free_blocks_;
  std::vector<std::int32_t> uses_;  // of each block
  std::vector<Fork> forks_;
};

}  // namespace reckon
