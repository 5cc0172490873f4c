#include "reckon/ops/kv_cache.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/bf16.h"

namespace reckon {
namespace {

void assign(float& to, float value) {
  to = value;
}
void assign(std::uint16_t& to, float value) {
  to = bf16_bits(value);
}

std::int64_t bytes_per_value(ComputeDtype dtype) {
  return dtype == ComputeDtype::bfloat16 ? 2 : 4;
}

std::int64_t values_per_block(const KvCache::Shape& shape) {
  return shape.kv_heads * shape.head_dim * KvCache::kBlock;
}

}  // namespace

std::int64_t KvCache::bytes_per_block(const Shape& shape) {
  return 2 * shape.layers * values_per_block(shape) * bytes_per_value(shape.dtype);
}

void KvCache::reset(const Shape& shape, std::int64_t num_blocks, std::uint64_t version) {
  shape_ = shape;
  version_ = version;
  const auto floats =
      static_cast<std::size_t>(num_blocks * values_per_block(shape) * bytes_per_value(shape.dtype) / 4);
  for (std::vector<AlignedBuffer>* side : {&keys_, &values_}) {
    side->resize(static_cast<std::size_t>(shape.layers));
    for (AlignedBuffer& buffer : *side) buffer.resize_for_overwrite(floats);
  }
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

std::int32_t KvCache::take_block() {
  const std::int32_t block = free_blocks_.back();
  free_blocks_.pop_back();
  uses_[static_cast<std::size_t>(block)] = 1;
  return block;
}

void KvCache::release_block(std::int32_t block) {
  if (--uses_[static_cast<std::size_t>(block)] == 0) free_blocks_.push_back(block);
}

std::int32_t KvCache::take_slot(std::int64_t capacity) {
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

std::int32_t KvCache::open(std::int64_t capacity) {
  if (blocks_for(capacity) > free_blocks()) {
    throw std::logic_error("KvCache::open: " + std::to_string(capacity) + " tokens (" +
                           std::to_string(free_blocks()) + " blocks of 16 are free)");
  }
  const std::int32_t slot = take_slot(capacity);
  std::vector<std::int32_t>& blocks = slots_[static_cast<std::size_t>(slot)].blocks;
  for (std::int64_t i = 0; i < blocks_for(capacity); ++i) blocks.push_back(take_block());
  return slot;
}

std::int32_t KvCache::fork(std::int32_t slot, std::int64_t length, std::int64_t capacity_of_fork) {
  const std::int64_t shared = length / kBlock;
  const std::int64_t needed = blocks_for(capacity_of_fork) - shared;
  if (needed > free_blocks() || length > capacity(slot) || length > capacity_of_fork) {
    throw std::logic_error("KvCache::fork: " + std::to_string(length) + " of " +
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

void KvCache::close(std::int32_t slot) {
  Slot& closed = slots_[static_cast<std::size_t>(slot)];
  if (!closed.is_open)
    throw std::logic_error("KvCache::close: slot " + std::to_string(slot) + " is not open");
  for (const std::int32_t block : closed.blocks) release_block(block);
  closed.blocks.clear();
  closed.is_open = false;
  free_slots_.push_back(slot);
}

std::int64_t KvCache::capacity(std::int32_t slot) const {
  return static_cast<std::int64_t>(slots_[static_cast<std::size_t>(slot)].blocks.size()) * kBlock;
}

template <class T>
void KvCache::put_typed(std::int64_t layer, std::int32_t block, std::int64_t lane, const float* key,
                        const float* value) {
  const std::int64_t base = block * values_per_block(shape_);
  T* keys = reinterpret_cast<T*>(keys_[static_cast<std::size_t>(layer)].data()) + base + lane;
  T* values = reinterpret_cast<T*>(values_[static_cast<std::size_t>(layer)].data()) + base;
  const std::int64_t dim = shape_.head_dim;
  for (std::int64_t head = 0; head < shape_.kv_heads; ++head) {
    for (std::int64_t d = 0; d < dim; ++d) assign(keys[(head * dim + d) * kBlock], key[head * dim + d]);
    for (std::int64_t d = 0; d < dim; ++d)
      assign(values[(head * kBlock + lane) * dim + d], value[head * dim + d]);
  }
}

void KvCache::put(std::int64_t layer, std::int32_t slot, std::int64_t position, const float* key,
                  const float* value) {
  if (position >= capacity(slot)) {
    throw std::invalid_argument("KvCache::put: position " + std::to_string(position) + " of a slot of " +
                                std::to_string(capacity(slot)) + " tokens");
  }
  const std::int32_t block = blocks(slot)[position / kBlock];
  if (shape_.dtype == ComputeDtype::bfloat16) {
    put_typed<std::uint16_t>(layer, block, position % kBlock, key, value);
  } else {
    put_typed<float>(layer, block, position % kBlock, key, value);
  }
}

template <class T>
void KvCache::copy_typed(std::int64_t layer, const Fork& fork) {
  T* keys = reinterpret_cast<T*>(keys_[static_cast<std::size_t>(layer)].data());
  T* values = reinterpret_cast<T*>(values_[static_cast<std::size_t>(layer)].data());
  const std::int64_t from = fork.from * values_per_block(shape_);
  const std::int64_t to = fork.to * values_per_block(shape_);
  const std::int64_t dim = shape_.head_dim;
  for (std::int64_t row = 0; row < shape_.kv_heads * dim; ++row) {
    std::copy_n(keys + from + row * kBlock, fork.length, keys + to + row * kBlock);
  }
  for (std::int64_t head = 0; head < shape_.kv_heads; ++head) {
    std::copy_n(values + from + head * kBlock * dim, fork.length * dim, values + to + head * kBlock * dim);
  }
}

void KvCache::copy_forked(std::int64_t layer) {
  for (const Fork& fork : forks_) {
    if (shape_.dtype == ComputeDtype::bfloat16) {
      copy_typed<std::uint16_t>(layer, fork);
    } else {
      copy_typed<float>(layer, fork);
    }
  }
}

void KvCache::finish_forks() {
  for (const Fork& fork : forks_) release_block(fork.from);
  forks_.clear();
}

}  // namespace reckon
