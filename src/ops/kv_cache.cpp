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
  const auto floats =
      static_cast<std::size_t>(num_blocks * values_per_block(shape) * bytes_per_value(shape.dtype) / 4);
  for (std::vector<AlignedBuffer>* side : {&keys_, &values_}) {
    side->resize(static_cast<std::size_t>(shape.layers));
    for (AlignedBuffer& buffer : *side) buffer.resize_for_overwrite(floats);
  }
  reset_blocks(num_blocks, version);
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
  const std::int32_t block = blocks(slot)[static_cast<std::size_t>(position / kBlock)];
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
  for (const Fork& fork : pending_forks()) {
    if (shape_.dtype == ComputeDtype::bfloat16) {
      copy_typed<std::uint16_t>(layer, fork);
    } else {
      copy_typed<float>(layer, fork);
    }
  }
}

}  // namespace reckon
