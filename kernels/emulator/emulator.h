#pragma once

// Runs a kernel's threads on one CPU thread, each on a stack of its own, switched where they wait for each
// other. What it finds beyond wrong results: barriers that not all threads reach, shared memory read before
// it was written (it starts as NaN), asynchronous copies that were not waited for (they happen at the wait)
// or whose place is still read (in other orders they happen at once), misaligned vector accesses, and missing
// barriers: the order in which threads run can be reversed or shuffled (set_order), and must not change a
// result.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "reckon/cuda/stream.h"

namespace reckon::emulator {

struct Index3 {
  unsigned x = 1, y = 1, z = 1;
};

struct Barrier {
  unsigned expected = 0;
  unsigned arrived = 0;
  std::uint64_t generation = 0;
};

/// What the lanes of a warp show each other; two of them, in turn, so that one barrier an exchange is enough.
struct Warp {
  Barrier barrier;
  alignas(16) std::byte slots[2][32][32];
};

struct BulkCopy {
  void* to;
  const void* from;
  std::size_t bytes;
  const void* barrier;
};

struct Cluster;
struct Block {
  Cluster* cluster = nullptr;
  unsigned rank = 0;
  std::byte* shared = nullptr;
  std::size_t shared_bytes = 0;
  Barrier barrier;
  std::vector<Warp> warps;
  std::vector<BulkCopy> bulk;  // asked for, not there yet
};
struct Cluster {
  unsigned size = 1;
  std::vector<Block> blocks;
  Barrier barrier;
};

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
};

struct Thread {
  Index3 thread_index, block_index, block_dim, grid_dim;
  Block* block = nullptr;
  Warp* warp = nullptr;
  void* stack_pointer = nullptr;
  bool is_done = false;
  std::vector<Copy> open_copies;               // not committed yet
  std::vector<std::vector<Copy>> copy_groups;  // committed, oldest first
};

/// The thread whose code runs.
[[nodiscard]] Thread& running();

/// In which order the threads of a block run between barriers.
enum class Order {
  forward,
  reverse,
  shuffled,    ///< and some of the blocks and warps wait until the others can do no more
  warp_ahead,  ///< the last warp runs as far as it can, then the one before it: a warp meets nobody at its
               ///< shuffles; and asynchronous copies of sixteen bytes are there at once, not at their wait
};
/// That of all later launches.
void set_order(Order order);

/// \throws std::logic_error for a launch that no GPU takes
void check_grid(const char* name, Index3 grid, unsigned threads, unsigned cluster, std::size_t shared_bytes);
/// Runs `body` for every thread of a grid. \throws what a thread throws; std::logic_error for a misuse.
void run_grid(const char* name, Index3 grid, unsigned threads, unsigned cluster, std::size_t shared_bytes,
              const std::function<void()>& body);

// Streams (streams.cpp). Work of the default stream is done at once; that of another waits until the stream
// is waited for, or memory is released: a copy to or from the host then sees the host's memory as it is at
// that time. Device memory cannot be touched but by such work, and released memory never again. It is an
// error, std::logic_error, to put work on a stream while another has some that nobody waited for; and to
// allocate, to wait or to copy from or to the host within a recording. One thread of the program uses the
// device.
using Work = std::function<void()>;
/// Puts work on the stream, or onto the list that a recording of the stream fills.
void put_on_stream(Stream stream, Work work);
void copy_with_host(Stream stream, Work work);
/// \throws what the work throws; what followed it on the stream is not done
void wait_for(Stream stream);
void end_stream(Stream stream) noexcept;
void start_recording(Stream stream, std::vector<Work>* list);
void end_recording();
[[nodiscard]] void* allocate(std::size_t bytes);
void release(void* memory) noexcept;

void block_barrier();
void warp_barrier();
void cluster_barrier();
/// The address of `mine`, in the running block's shared memory, in another block's.
[[nodiscard]] void* in_block(void* mine, unsigned rank);

/// The pointer, which must be a multiple of `alignment`. \throws std::logic_error
[[nodiscard]] const void* aligned(const void* pointer, std::size_t alignment);
[[nodiscard]] inline void* aligned(void* pointer, std::size_t alignment) {
  return const_cast<void*>(aligned(static_cast<const void*>(pointer), alignment));
}

void start_copy(void* to, const void* from, std::size_t bytes);
void commit_copies();
void wait_copies(std::size_t pending);
void expect_bulk(const void* barrier, std::uint32_t bytes);
void start_bulk(void* to, const void* from, std::size_t bytes, const void* barrier);
void wait_bulk(const void* barrier, std::uint64_t* word, unsigned phase);

/// Shows a value to the warp. \return what each lane showed
template <class T>
std::array<T, 32> warp_exchange(const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 32);
  Thread& me = running();
  Warp& warp = *me.warp;
  const unsigned turn = warp.barrier.generation % 2;
  __builtin_memcpy(warp.slots[turn][me.thread_index.x % 32], &value, sizeof value);
  warp_barrier();
  std::array<T, 32> all;
  for (unsigned lane = 0; lane < 32; ++lane)
    __builtin_memcpy(&all[lane], warp.slots[turn][lane], sizeof value);
  return all;
}

}  // namespace reckon::emulator
