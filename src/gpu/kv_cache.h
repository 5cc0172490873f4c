#pragma once

#include <cstdint>
#include <vector>

#include "reckon/cuda/attention.h"
#include "reckon/cuda/runtime.h"
#include "reckon/ops/kv_blocks.h"

namespace reckon::gpu {

/// Whether every layer keeps its keys and values, as sampling needs it, or all use the same memory in turn.
enum class KvLayers { each, one_for_all };

/// Keys and values on the device, layer by layer, in the blocks of KvBlocks; one block more takes what rows
/// that fill up a recorded pass put.
class KvStore {
 public:
  KvStore(std::int64_t layers, const cuda::HeadShape& heads, KvLayers kept)
      : heads_(heads), layers_(kept == KvLayers::each ? static_cast<std::size_t>(layers) : 1) {}

  /// Makes room for so many blocks. \return whether there is new memory
  bool resize(std::int64_t num_blocks) {
    const auto size = static_cast<std::size_t>((num_blocks + 1) * block_size());
    bool grows = false;
    for (Layer& layer : layers_) {
      grows |= layer.keys.resize(size);
      grows |= layer.values.resize(size);
    }
    spare_block_ = num_blocks;
    return grows;
  }
  [[nodiscard]] cuda::KvLayer layer(std::int64_t number) {
    Layer& layer = layers_[layers_.size() == 1 ? 0 : static_cast<std::size_t>(number)];
    return {layer.keys.data(), layer.values.data()};
  }
  [[nodiscard]] std::int64_t spare_place() const { return spare_block_ * cuda::kKvBlock; }
  [[nodiscard]] std::int64_t bytes_per_block() const {
    return 2 * static_cast<std::int64_t>(layers_.size() * sizeof(bf16)) * block_size();
  }

 private:
  struct Layer {
    cuda::DeviceArray<bf16> keys, values;
  };
  [[nodiscard]] std::int64_t block_size() const { return heads_.kv_heads * cuda::kKvBlock * heads_.head_dim; }

  cuda::HeadShape heads_;
  std::vector<Layer> layers_;
  std::int64_t spare_block_ = 0;
};

}  // namespace reckon::gpu
