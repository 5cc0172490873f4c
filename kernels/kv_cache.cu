// Writes keys and values into the blocks of the cache, sixteen bytes at a time.
#include <algorithm>

#include "launch.h"
#include "launch_shape.h"
#include "reckon/cuda/attention.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocksAtOnce = 8;  // of a multiprocessor

__device__ std::int64_t first_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
}
__device__ std::int64_t num_threads() {
  return static_cast<std::int64_t>(gridDim.x) * kThreads;
}

/// A row of `chunks` pieces of eight values a head.
__global__ void put_kernel(const bf16* k, const bf16* v, const std::int64_t* places, std::int64_t rows,
                           unsigned kv_heads, unsigned chunks, KvLayer layer) {
  const unsigned per_row = kv_heads * chunks;
  for (std::int64_t i = first_thread(); i < rows * per_row; i += num_threads()) {
    const std::int64_t row = i / per_row;
    const auto in_row = static_cast<unsigned>(i - row * per_row);
    const std::int64_t place = places[row];
    const std::int64_t block_head = place / kKvBlock * kv_heads + in_row / chunks;
    const std::int64_t to = ((block_head * kKvBlock + place % kKvBlock) * chunks + in_row % chunks) * 8;
    store16(layer.keys + to, load16_streaming(k + 8 * i));
    store16(layer.values + to, load16_streaming(v + 8 * i));
  }
}

/// A block of threads a copy, in turn: in each head the first positions lie together.
__global__ void copy_kernel(const BlockCopy* copies, std::int64_t count, unsigned kv_heads, unsigned chunks,
                            KvLayer layer) {
  for (std::int64_t c = blockIdx.x; c < count; c += gridDim.x) {
    const BlockCopy copy = copies[c];
    const unsigned per_head = static_cast<unsigned>(copy.length) * chunks;
    for (unsigned i = threadIdx.x; i < kv_heads * per_head; i += kThreads) {
      const unsigned head = i / per_head;
      const std::int64_t within = (head * static_cast<std::int64_t>(kKvBlock) * chunks + i % per_head) * 8;
      const std::int64_t block_values = static_cast<std::int64_t>(kv_heads) * kKvBlock * chunks * 8;
      store16(layer.keys + copy.to * block_values + within,
              load16(layer.keys + copy.from * block_values + within));
      store16(layer.values + copy.to * block_values + within,
              load16(layer.values + copy.from * block_values + within));
    }
  }
}

unsigned chunks_of(const char* function, const HeadShape& shape) {
  require_multiple(function, "head_dim", shape.head_dim, 8);
  return static_cast<unsigned>(shape.head_dim / 8);
}

unsigned grid_for(std::int64_t blocks) {
  return static_cast<unsigned>(std::min<std::int64_t>(blocks, kBlocksAtOnce * device_info().multiprocessors));
}

}  // namespace

void put_keys_values(const bf16* k, const bf16* v, const std::int64_t* places, std::int64_t rows,
                     const HeadShape& shape, const KvLayer& layer, Stream stream) {
  const unsigned chunks = chunks_of("put_keys_values", shape);
  if (rows == 0) return;
  const std::int64_t threads = rows * shape.kv_heads * chunks;
  launch("put_keys_values", put_kernel,
         {.grid = {grid_for(divide_up(threads, kThreads))}, .threads = kThreads}, stream, k, v, places, rows,
         static_cast<unsigned>(shape.kv_heads), chunks, layer);
}

void copy_blocks(const BlockCopy* copies, std::int64_t count, const HeadShape& shape, const KvLayer& layer,
                 Stream stream) {
  const unsigned chunks = chunks_of("copy_blocks", shape);
  if (count == 0) return;
  launch("copy_blocks", copy_kernel, {.grid = {grid_for(count)}, .threads = kThreads}, stream, copies, count,
         static_cast<unsigned>(shape.kv_heads), chunks, layer);
}

}  // namespace reckon::cuda
