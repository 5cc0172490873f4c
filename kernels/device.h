#pragma once

// What the kernels are written in: CUDA's own words, and the few instructions that have none. Under nvcc
// these are instructions of the GPU (device_cuda.h); in the emulator they are functions
// (emulator/device_emulation.h). Shared memory is dynamic only, through shared_memory(): the emulator runs
// the blocks of a cluster side by side.
#include <cstddef>
#include <cstdint>

#include "reckon/cuda/bf16.h"

#ifdef RECKON_EMULATE_CUDA
#include "emulator/device_emulation.h"
#else
#include "device_cuda.h"
#endif

namespace reckon::cuda {

inline constexpr unsigned kWarp = 32;

/// Two neighbouring bfloat16 of a 32-bit word; the one at the lower address is in the lower half.
__device__ inline float low_bf16(std::uint32_t pair) {
  return bits_to_float(pair << 16);
}
__device__ inline float high_bf16(std::uint32_t pair) {
  return bits_to_float(pair & 0xffff0000U);
}

// Reductions over a warp: the same tree whatever the launch, and every lane has the result.
__device__ inline float warp_sum(float value) {
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2) value += shuffle_xor(value, apart);
  return value;
}
__device__ inline double warp_sum(double value) {
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2) value += shuffle_xor(value, apart);
  return value;
}
__device__ inline float warp_max(float value) {
  for (unsigned apart = kWarp / 2; apart > 0; apart /= 2) value = fmaxf(value, shuffle_xor(value, apart));
  return value;
}

/// The sum over a block of a multiple of 32 threads, on every thread: warp by warp, then the warps in order.
/// \param scratch  [warps of the block] in shared memory; may be used again at once
template <class T>
__device__ inline T block_sum(T value, T* scratch) {
  const unsigned warps = blockDim.x / kWarp;
  value = warp_sum(value);
  __syncthreads();  // readers of an earlier reduction are done
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  T sum = scratch[0];
  for (unsigned warp = 1; warp < warps; ++warp) sum += scratch[warp];
  return sum;
}
__device__ inline float block_max(float value, float* scratch) {
  const unsigned warps = blockDim.x / kWarp;
  value = warp_max(value);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  float most = scratch[0];
  for (unsigned warp = 1; warp < warps; ++warp) most = fmaxf(most, scratch[warp]);
  return most;
}

}  // namespace reckon::cuda
