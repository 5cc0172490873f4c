#pragma once

// The words of CUDA and the instructions of device.h in the emulator: each is a function of the running
// thread (emulator.h).
#include <math.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "emulator/emulator.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__
#define threadIdx (::reckon::emulator::running().thread_index)
#define blockIdx (::reckon::emulator::running().block_index)
#define blockDim (::reckon::emulator::running().block_dim)
#define gridDim (::reckon::emulator::running().grid_dim)

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
using dim3 = reckon::emulator::Index3;

inline void __syncthreads() {
  reckon::emulator::block_barrier();
}
inline void __syncwarp() {
  reckon::emulator::warp_barrier();
}
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}
inline int atomicAdd(int* at, int value) {
  return std::exchange(*at, *at + value);
}
inline unsigned atomicAdd(unsigned* at, unsigned value) {
  return std::exchange(*at, *at + value);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}

namespace reckon::cuda {

template <class T = unsigned char>
T* shared_memory() {
  return reinterpret_cast<T*>(emulator::running().block->shared);
}

inline float bits_to_float(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}
inline std::uint32_t float_to_bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
inline std::uint32_t pack_bf16(float lo, float hi) {
  return static_cast<std::uint32_t>(to_bf16(lo).bits) | static_cast<std::uint32_t>(to_bf16(hi).bits) << 16;
}
inline std::uint32_t max_bf16x2(std::uint32_t a, std::uint32_t b) {
  const auto larger = [](std::uint32_t x, std::uint32_t y) -> std::uint32_t {  // of upper halves
    const float of_x = bits_to_float(x), of_y = bits_to_float(y);
    if (std::isnan(of_x) || std::isnan(of_y)) return 0x7fff0000U;
    if (of_x == of_y) return x & y;  // +0 rather than -0
    return of_x > of_y ? x : y;
  };
  return larger(a << 16, b << 16) >> 16 | larger(a & 0xffff0000U, b & 0xffff0000U);
}
inline float fast_exp2(float x) {
  const float y = std::exp2(x);
  return y < 0x1p-126f ? 0.0f : y;
}

inline uint4 load16(const void* from) {
  return *static_cast<const uint4*>(emulator::aligned(from, 16));
}
inline uint4 load16_streaming(const void* from) {
  return load16(from);
}
inline void store16(void* to, uint4 value) {
  *static_cast<uint4*>(emulator::aligned(to, 16)) = value;
}
inline void store16_streaming(void* to, uint4 value) {
  store16(to, value);
}
inline uint2 load8(const void* from) {
  return *static_cast<const uint2*>(emulator::aligned(from, 8));
}
inline void store8(void* to, uint2 value) {
  *static_cast<uint2*>(emulator::aligned(to, 8)) = value;
}

template <class T>
T shuffle(T value, unsigned lane) {
  return emulator::warp_exchange(value)[lane % 32];
}
template <class T>
T shuffle_xor(T value, unsigned mask) {
  return emulator::warp_exchange(value)[(threadIdx.x % 32) ^ mask];
}
inline unsigned ballot(bool value) {
  const auto all = emulator::warp_exchange(value);
  unsigned bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) bits |= all[lane] ? 1U << lane : 0U;
  return bits;
}

inline unsigned cluster_rank() {
  return emulator::running().block->rank;
}
inline unsigned cluster_size() {
  return emulator::running().block->cluster->size;
}
inline void cluster_sync() {
  emulator::cluster_barrier();
}
template <class T>
T* in_cluster_block(T* mine, unsigned rank) {
  return static_cast<T*>(emulator::in_block(mine, rank));
}

inline void copy16_async(void* shared, const void* global) {
  emulator::start_copy(emulator::aligned(shared, 16), emulator::aligned(global, 16), 16);
}
inline void copy16_async_or_zero(void* shared, const void* global, bool from_global) {
  alignas(16) static constexpr std::byte zeros[16] = {};
  copy16_async(shared, from_global ? global : zeros);
}
inline void commit_copies() {
  emulator::commit_copies();
}
template <int pending>
void wait_copies() {
  emulator::wait_copies(pending);
}

struct BulkBarrier {
  std::uint64_t word;
};
inline void barrier_init(BulkBarrier* barrier) {
  barrier->word = 0;
}
inline void barrier_expect(BulkBarrier* barrier, std::uint32_t bytes) {
  emulator::expect_bulk(barrier, bytes);
}
inline void bulk_load(void* shared, const void* global, std::uint32_t bytes, BulkBarrier* barrier) {
  emulator::start_bulk(emulator::aligned(shared, 16), emulator::aligned(global, 16), bytes, barrier);
}
inline void barrier_wait(BulkBarrier* barrier, unsigned phase) {
  emulator::wait_bulk(barrier, &barrier->word, phase);
}
inline void fence_before_bulk() {}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  struct Fragments {
    std::uint32_t a[4], b[2];
  } mine;
  std::memcpy(mine.a, a, sizeof mine.a);
  std::memcpy(mine.b, b, sizeof mine.b);
  const auto all = emulator::warp_exchange(mine);
  const unsigned lane = threadIdx.x % 32;
  const auto half = [](std::uint32_t pair, unsigned k) {
    return bits_to_float(k % 2 == 0 ? pair << 16 : pair & 0xffff0000U);
  };
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4 + 8 * (i / 2);
    const unsigned column = 2 * (lane % 4) + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned t = k % 8 / 2;
      const std::uint32_t x = all[4 * (row % 8) + t].a[row / 8 + 2 * (k / 8)];
      const std::uint32_t y = all[4 * column + t].b[k / 8];
      d[i] += half(x, k) * half(y, k);
    }
  }
}

inline void load_matrices_as(std::uint32_t (&words)[4], const void* row, bool transposed) {
  const auto rows = emulator::warp_exchange(static_cast<const std::uint16_t*>(emulator::aligned(row, 16)));
  const unsigned lane = threadIdx.x % 32;
  for (unsigned i = 0; i < 4; ++i) {
    std::uint32_t halves[2];
    for (unsigned h = 0; h < 2; ++h) {
      const unsigned r = lane / 4;
      const unsigned c = 2 * (lane % 4) + h;
      halves[h] = transposed ? rows[8 * i + c][r] : rows[8 * i + r][c];
    }
    words[i] = halves[0] | halves[1] << 16;
  }
}
inline void load_matrices(std::uint32_t (&words)[4], const void* row) {
  load_matrices_as(words, row, false);
}
inline void load_matrices_transposed(std::uint32_t (&words)[4], const void* row) {
  load_matrices_as(words, row, true);
}

}  // namespace reckon::cuda
