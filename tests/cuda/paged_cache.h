#pragma once

// Sequences of random keys and values in a paged cache, for the tests of attention.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "reckon/cuda/attention.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda::testing {

/// A bfloat16 in about (-range, range), a function of its arguments alone.
inline bf16 random_bf16(std::uint64_t key, double range) {
  std::uint64_t bits = (key + 1) * 0x9e3779b97f4a7c15ULL;
  for (int i = 0; i < 2; ++i) bits = (bits ^ (bits >> 31)) * 0xbf58476d1ce4e5b9ULL;
  const double unit = static_cast<double>(bits >> 11) * 0x1p-53;  // [0, 1)
  return to_bf16(static_cast<float>(range * (2 * unit - 1)));
}

/// A sequence: its blocks, and for each position where key and value come from (forks have their prompt's).
struct Sequence {
  std::vector<std::int32_t> blocks;
  std::vector<std::uint64_t> content;
};

class PagedCache {
 public:
  PagedCache(const HeadShape& shape, std::int32_t num_blocks) : shape_(shape), free_(num_blocks) {
    std::iota(free_.begin(), free_.end(), 0);
    std::shuffle(free_.begin(), free_.end(), std::mt19937(3));
    const std::size_t values = static_cast<std::size_t>(num_blocks * shape.kv_heads * 16 * shape.head_dim);
    keys_.assign(values, bf16{0xffff});  // NaN where no position was put
    values_.assign(values, bf16{0xffff});
  }

  Sequence open(std::int64_t length) { return grow({}, length); }
  /// Shares whole blocks of the first `common` positions, as KvBlocks::fork does, and copies the rest.
  Sequence fork(const Sequence& from, std::int64_t common, std::int64_t length) {
    Sequence made;
    made.blocks.assign(from.blocks.begin(), from.blocks.begin() + common / 16);
    made.content.assign(from.content.begin(), from.content.begin() + common / 16 * 16);
    for (std::int64_t position = common / 16 * 16; position < common; ++position)
      put(made, from.content[static_cast<std::size_t>(position)]);
    return grow(std::move(made), length);
  }
  KvLayer upload() {
    device_keys_.upload(keys_);
    device_values_.upload(values_);
    return {device_keys_.data(), device_values_.data()};
  }

  [[nodiscard]] bf16 key(std::uint64_t content, std::int64_t head, std::int64_t d) const {
    return random_bf16(2 * index(content, head, d), 2);
  }
  [[nodiscard]] bf16 value(std::uint64_t content, std::int64_t head, std::int64_t d) const {
    return random_bf16(2 * index(content, head, d) + 1, 2);
  }

 private:
  [[nodiscard]] std::uint64_t index(std::uint64_t content, std::int64_t head, std::int64_t d) const {
    return (content * 64 + static_cast<std::uint64_t>(head)) * 256 + static_cast<std::uint64_t>(d);
  }
  Sequence grow(Sequence sequence, std::int64_t length) {
    while (static_cast<std::int64_t>(sequence.content.size()) < length) put(sequence, next_content_++);
    return sequence;
  }
  void put(Sequence& sequence, std::uint64_t content) {
    const std::size_t position = sequence.content.size();
    if (position % 16 == 0) {
      sequence.blocks.push_back(free_.at(free_.size() - 1));
      free_.pop_back();
    }
    sequence.content.push_back(content);
    for (std::int64_t h = 0; h < shape_.kv_heads; ++h) {
      const std::int64_t block = sequence.blocks.back();
      const std::int64_t at =
          ((block * shape_.kv_heads + h) * 16 + static_cast<std::int64_t>(position % 16)) * shape_.head_dim;
      for (std::int64_t d = 0; d < shape_.head_dim; ++d) {
        keys_[static_cast<std::size_t>(at + d)] = key(content, h, d);
        values_[static_cast<std::size_t>(at + d)] = value(content, h, d);
      }
    }
  }

  HeadShape shape_;
  std::vector<std::int32_t> free_;
  std::vector<bf16> keys_, values_;
  DeviceArray<bf16> device_keys_, device_values_;
  std::uint64_t next_content_ = 1;
};

}  // namespace reckon::cuda::testing
