#include "reckon/ops/kv_blocks.h"

#include <stdexcept>
#include <string>

namespace reckon {

void KvBlocks::reset_blocks(std::int64_t num_blocks, std::uint64_t version) {
  version_ = version;
  free_slots_.clear();
  for (std::size_t i = slots_.size(); i-- > 0;) {
    slots_[i].is_open = false;
    free_slots_.push_back(static_cast<std::int32_t>(i));
  }
  uses_.assign(static_cast<std::size_t>(num_blocks), 0);
  free_blocks_.clear();
  for (std::int64_t block = num_blocks; block-- > 0;)
    free_blocks_.push_back(static_cast<std::int32_t>(block));
  forks_.clear();
}

std::int32_t KvBlocks::take_block() {
  const std::int32_t block = free_blocks_.back();
  free_blocks_.pop_back();
  uses_[static_cast<std::size_t>(block)] = 1;
  return block;
}

void KvBlocks::release_block(std::int32_t block) {
  if (--uses_[static_cast<std::size_t>(block)] == 0) free_blocks_.push_back(block);
}

std::int32_t KvBlocks::take_slot(std::int64_t capacity) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::int32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::int32_t slot = free_slots_.back();
  free_slots_.pop_back();
  Slot& taken = slots_[static_cast<std::size_t>(slot)];
  taken.is_open = true;
  taken.version = version_;
  taken.blocks.clear();
  taken.blocks.reserve(static_cast<std::size_t>(blocks_for(capacity)));
  return slot;
}

std::int32_t KvBlocks::open(std::int64_t capacity) {
  if (blocks_for(capacity) > free_blocks()) {
    throw std::logic_error("KvBlocks::open: " + std::to_string(capacity) + " tokens (" +
                           std::to_string(free_blocks()) + " blocks of 16 are free)");
  }
  const std::int32_t slot = take_slot(capacity);
  std::vector<std::int32_t>& blocks = slots_[static_cast<std::size_t>(slot)].blocks;
  for (std::int64_t i = 0; i < blocks_for(capacity); ++i) blocks.push_back(take_block());
  return slot;
}

std::int32_t KvBlocks::fork(std::int32_t slot, std::int64_t length, std::int64_t capacity_of_fork) {
  const std::int64_t shared = length / kBlock;
  const std::int64_t needed = blocks_for(capacity_of_fork) - shared;
  if (needed > free_blocks() || length > capacity(slot) || length > capacity_of_fork) {
    throw std::logic_error("KvBlocks::fork: " + std::to_string(length) + " of " +
                           std::to_string(capacity_of_fork) + " tokens (the slot has room for " +
                           std::to_string(capacity(slot)) + ", " + std::to_string(free_blocks()) +
                           " blocks of 16 are free)");
  }
  const std::int32_t result = take_slot(capacity_of_fork);
  const Slot& source = slots_[static_cast<std::size_t>(slot)];
  Slot& made = slots_[static_cast<std::size_t>(result)];
  made.version = source.version;
  for (std::int64_t i = 0; i < shared; ++i) {
    const std::int32_t block = source.blocks[static_cast<std::size_t>(i)];
    ++uses_[static_cast<std::size_t>(block)];
    made.blocks.push_back(block);
  }
  for (std::int64_t i = 0; i < needed; ++i) made.blocks.push_back(take_block());
  if (length % kBlock != 0) {
    const std::int32_t from = source.blocks[static_cast<std::size_t>(shared)];
    ++uses_[static_cast<std::size_t>(from)];  // until it has been copied
    forks_.push_back({from, made.blocks[static_cast<std::size_t>(shared)], length % kBlock});
  }
  return result;
}

void KvBlocks::close(std::int32_t slot) {
  Slot& closed = slots_[static_cast<std::size_t>(slot)];
  if (!closed.is_open)
    throw std::logic_error("KvBlocks::close: slot " + std::to_string(slot) + " is not open");
  for (const std::int32_t block : closed.blocks) release_block(block);
  closed.blocks.clear();
  closed.is_open = false;
  free_slots_.push_back(slot);
}

std::int64_t KvBlocks::capacity(std::int32_t slot) const {
  return static_cast<std::int64_t>(slots_[static_cast<std::size_t>(slot)].blocks.size()) * kBlock;
}

void KvBlocks::finish_forks() {
  for (const Fork& fork : forks_) release_block(fork.from);
  forks_.clear();
}

}  // namespace reckon
