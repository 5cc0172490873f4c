#pragma once

// The instructions of device.h on a GPU.
#include <cuda_runtime.h>

#include <cstdint>

namespace reckon::cuda {

/// This block's dynamic shared memory, 128-byte aligned.
template <class T = unsigned char>
__device__ inline T* shared_memory() {
  extern __shared__ __align__(128) unsigned char reckon_shared[];
  return reinterpret_cast<T*>(reckon_shared);
}

__device__ inline float bits_to_float(std::uint32_t bits) {
  return __uint_as_float(bits);
}
__device__ inline std::uint32_t float_to_bits(float value) {
  return __float_as_uint(value);
}

/// lo in the lower half.
__device__ inline std::uint32_t pack_bf16(float lo, float hi) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(hi), "f"(lo));
  return pair;
}

/// The larger of each of two bfloat16; a NaN wins.
__device__ inline std::uint32_t max_bf16x2(std::uint32_t a, std::uint32_t b) {
  std::uint32_t most;
  asm("max.NaN.bf16x2 %0, %1, %2;" : "=r"(most) : "r"(a), "r"(b));
  return most;
}

/// 2^x to 2 units in the last place; numbers below 2^-126 are 0.
__device__ inline float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Sixteen bytes at once; the streaming forms are for what is not read again.
__device__ inline uint4 load16(const void* from) {
  return *static_cast<const uint4*>(from);
}
__device__ inline uint4 load16_streaming(const void* from) {
  return __ldcs(static_cast<const uint4*>(from));
}
__device__ inline void store16(void* to, uint4 value) {
  *static_cast<uint4*>(to) = value;
}
__device__ inline void store16_streaming(void* to, uint4 value) {
  __stcs(static_cast<uint4*>(to), value);
}
/// Eight bytes at once.
__device__ inline uint2 load8(const void* from) {
  return *static_cast<const uint2*>(from);
}
__device__ inline void store8(void* to, uint2 value) {
  *static_cast<uint2*>(to) = value;
}

// Among the lanes of a warp, all of which must take part.
template <class T>
__device__ inline T shuffle_xor(T value, unsigned mask) {
  return __shfl_xor_sync(0xffffffffU, value, static_cast<int>(mask));
}
template <class T>
__device__ inline T shuffle(T value, unsigned lane) {
  return __shfl_sync(0xffffffffU, value, static_cast<int>(lane));
}
__device__ inline unsigned ballot(bool value) {
  return __ballot_sync(0xffffffffU, value ? 1 : 0);
}

// Clusters: blocks that run side by side and read each other's shared memory. One block is a cluster of one
// where the GPU has none (before sm_90).
__device__ inline unsigned cluster_rank() {
#if __CUDA_ARCH__ >= 900
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#else
  return 0;
#endif
}
__device__ inline unsigned cluster_size() {
#if __CUDA_ARCH__ >= 900
  unsigned size;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
#else
  return 1;
#endif
}
/// A barrier of all threads of the cluster; shared memory written before it is seen after it.
__device__ inline void cluster_sync() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#else
  __syncthreads();
#endif
}
/// Where `mine`, in this block's shared memory, is in another block of the cluster. For reading and writing
/// by ordinary accesses.
template <class T>
__device__ inline T* in_cluster_block(T* mine, unsigned rank) {
#if __CUDA_ARCH__ >= 900
  T* theirs;
  asm("mapa.u64 %0, %1, %2;" : "=l"(theirs) : "l"(mine), "r"(rank));
  return theirs;
#else
  (void)rank;
  return mine;
#endif
}

__device__ inline std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

// Copies of sixteen bytes from global into shared memory that run on their own; a thread waits for its own.
__device__ inline void copy16_async(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global)
               : "memory");
}
/// The same, or zeros where `from_global` is false: nothing is read then.
__device__ inline void copy16_async_or_zero(void* shared, const void* global, bool from_global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(from_global ? 16 : 0)
               : "memory");
}
__device__ inline void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most `pending` of the groups that this thread committed are under way.
template <int pending>
__device__ inline void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/// Bulk copies (sm_90): one thread asks, the copy engine works, any thread waits on the barrier, which lies
/// in shared memory.
struct BulkBarrier {
  std::uint64_t word;
};
__device__ inline void barrier_init(BulkBarrier* barrier) {  // by one thread, then __syncthreads()
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "mbarrier.init.shared::cta.b64 [%0], 1;\nfence.proxy.async.shared::cta;" ::"r"(shared_address(barrier))
      : "memory");
#endif
}
/// By one thread, before its bulk_load()s of so many bytes together.
__device__ inline void barrier_expect(BulkBarrier* barrier, std::uint32_t bytes) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(bytes)
               : "memory");
#endif
}
/// \param bytes  a multiple of 16; both addresses are multiples of 16
__device__ inline void bulk_load(void* shared, const void* global, std::uint32_t bytes,
                                 BulkBarrier* barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
          shared_address(shared)),
      "l"(global), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
#endif
}
/// Waits for the phase: 0, 1, 0, ... for each barrier_expect() in turn.
__device__ inline void barrier_wait(BulkBarrier* barrier, unsigned phase) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n.reg .pred done;\n"
      "WAIT:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@done bra DONE;\nbra "
      "WAIT;\nDONE:\n}" ::"r"(shared_address(barrier)),
      "r"(phase)
      : "memory");
#endif
}
/// Before bulk_load() writes shared memory again that threads have read or written by ordinary accesses.
__device__ inline void fence_before_bulk() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

/// d += a b on the tensor cores: a [16, 16] and b [16, 8] bfloat16, d [16, 8] float32, in the fragments of
/// PTX's mma.m16n8k16: with g = lane / 4 and t = lane % 4, a = {(g; 2t), (g+8; 2t), (g; 2t+8), (g+8; 2t+8)}
/// pairs along k, b = {(2t; g), (2t+8; g)} pairs along k, d = {(g; 2t), (g; 2t+1), (g+8; 2t), (g+8; 2t+1)}.
__device__ inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four 8 x 8 matrices of 16-bit values from shared memory: lane 8 i + r gives the address of row r of matrix
/// i. Word i of a lane is the pair (row lane / 4; columns 2 (lane % 4), + 1) of matrix i, or of its
/// transpose.
__device__ inline void load_matrices(std::uint32_t (&words)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrices_transposed(std::uint32_t (&words)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(shared_address(row))
               : "memory");
}

}  // namespace reckon::cuda
