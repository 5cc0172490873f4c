#include "emulator/emulator.h"

#include "emulator/scheduling.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef __x86_64__
#error "The emulator switches stacks by instructions of x86-64."
#endif

// Saves the callee's registers on the running stack, and goes on where another stack saved its own.
asm(R"(
.text
.type reckon_switch_stack, @function
reckon_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size reckon_switch_stack, .-reckon_switch_stack
)");
extern "C" void reckon_switch_stack(void** save, void* load) asm("reckon_switch_stack");

namespace reckon::emulator {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024;
constexpr unsigned kMostThreads = 1024;  // of a block, as on a GPU

/// Stacks that are used again; a page that was never touched costs nothing.
class Stacks {
 public:
  [[nodiscard]] std::byte* top_of(std::size_t index) {
    while (stacks_.size() <= index) {
      void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      stacks_.push_back(static_cast<std::byte*>(memory));
    }
    return stacks_[index] + kStackBytes;
  }

 private:
  std::vector<std::byte*> stacks_;  // kept until the program ends
};

struct Machine {
  Stacks stacks;
  Order order = Order::forward;
  std::mt19937 shuffle{1};
  // Of the grid that runs:
  const std::function<void()>* body = nullptr;
  Thread* thread = nullptr;
  void* scheduler = nullptr;  // its stack pointer
  void* scheduler_fake_stack = nullptr;
  const void* scheduler_bottom = nullptr;
  std::size_t scheduler_size = 0;
  std::uint64_t progress = 0;
  std::exception_ptr failure;
};

Machine& machine() {
  static thread_local Machine one;
  return one;
}

void release_if_full(Barrier& barrier) {
  if (barrier.expected == 0 || barrier.arrived < barrier.expected) return;
  barrier.arrived = 0;
  ++barrier.generation;
  ++machine().progress;
}

void start_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* bottom,
                  [[maybe_unused]] std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#endif
}
void finish_switch([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** bottom,
                   [[maybe_unused]] std::size_t* size) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
#endif
}

/// Back to the scheduler, until it comes to this thread again.
void yield() {
  Machine& m = machine();
  Thread* me = m.thread;
  void* fake_stack = nullptr;
  start_switch(&fake_stack, m.scheduler_bottom, m.scheduler_size);
  reckon_switch_stack(&me->stack_pointer, m.scheduler);
  finish_switch(fake_stack, &m.scheduler_bottom, &m.scheduler_size);
}

void wait_at(Barrier& barrier) {
  const std::uint64_t generation = barrier.generation;
  ++barrier.arrived;
  release_if_full(barrier);
  while (barrier.generation == generation) yield();
}

/// A thread that has ended is not waited for, as on a GPU.
void leave(Barrier& barrier) {
  --barrier.expected;
  release_if_full(barrier);
}

extern "C" void reckon_thread_main() {
  Machine& m = machine();
  finish_switch(nullptr, &m.scheduler_bottom, &m.scheduler_size);
  try {
    (*m.body)();
    if (!m.thread->open_copies.empty() || !m.thread->copy_groups.empty())
      throw std::logic_error("a thread ended before its asynchronous copies");
  } catch (...) {
    if (!m.failure) m.failure = std::current_exception();
  }
  Thread& me = *m.thread;
  me.is_done = true;
  ++m.progress;
  leave(me.warp->barrier);
  leave(me.block->barrier);
  leave(me.block->cluster->barrier);
  start_switch(nullptr, m.scheduler_bottom, m.scheduler_size);
  reckon_switch_stack(&me.stack_pointer, m.scheduler);
  std::terminate();
}

void prepare(Thread& thread, std::byte* top) {
#ifdef __SANITIZE_ADDRESS__
  ASAN_UNPOISON_MEMORY_REGION(top - kStackBytes, kStackBytes);
#endif
  auto* words = reinterpret_cast<void**>(top) - 8;
  std::memset(static_cast<void*>(words), 0, 8 * sizeof(void*));
  words[6] = reinterpret_cast<void*>(&reckon_thread_main);  // what the first switch returns to
  thread.stack_pointer = words;
}

void resume(Thread& thread, std::byte* top) {
  Machine& m = machine();
  m.thread = &thread;
  void* fake_stack = nullptr;
  start_switch(&fake_stack, top - kStackBytes, kStackBytes);
  reckon_switch_stack(&m.scheduler, thread.stack_pointer);
  finish_switch(fake_stack, nullptr, nullptr);
}

/// Shared memory and threads of one cluster, kept from cluster to cluster of a grid.
struct Place {
  Cluster cluster;
  std::vector<std::unique_ptr<std::byte, decltype(&std::free)>> shared;
  std::vector<Thread> threads;
  std::vector<std::size_t> order;
};

/// Shuffled, some blocks and warps stand still until the others can do no more, then the others do: a barrier
/// that is missing shows, however much later its absence would matter.
struct Holding {
  enum class Held { none, some, others } held = Held::none;
  std::uint64_t blocks = 0, warps = 0;  // some of them, by bits

  /// Before a round. \param stands_still  whether the last round brought nobody on
  void advance(bool stands_still, std::mt19937& random) {
    if (stands_still) {
      held = held == Held::some ? Held::others : Held::none;
    } else if (held == Held::none) {
      held = Held::some;
      blocks = random();
      warps = random();
    }
  }
  [[nodiscard]] bool is_held(const Thread& thread) const {
    const bool is_some =
        ((blocks >> thread.block->rank % 32) & 1U) != 0 || ((warps >> thread.thread_index.x / 32) & 1U) != 0;
    return held == (is_some ? Held::some : Held::others);
  }
};

/// Lets the threads order[first] .. order[end - 1] run to their next barrier. \return how many of them ended
std::size_t run_threads(Place& place, const Holding& holding, std::size_t first, std::size_t end) {
  Machine& m = machine();
  std::size_t ended = 0;
  for (std::size_t i = first; i < end; ++i) {
    Thread& thread = place.threads[place.order[i]];
    if (thread.is_done || holding.is_held(thread)) continue;
    resume(thread, m.stacks.top_of(place.order[i]));
    if (thread.is_done) ++ended;
  }
  return ended;
}

/// Every thread once; with Order::warp_ahead each warp until it waits for others. \return how many ended
std::size_t run_round(Place& place, const Holding& holding) {
  Machine& m = machine();
  const std::size_t count = place.order.size();
  if (m.order == Order::shuffled) std::shuffle(place.order.begin(), place.order.end(), m.shuffle);
  if (m.order != Order::warp_ahead) return run_threads(place, holding, 0, count);
  std::size_t ended = 0;
  const std::size_t per_block = count / place.cluster.size;
  for (std::size_t block = place.cluster.size; block-- > 0;) {
    for (std::size_t warp = (per_block + 31) / 32; warp-- > 0;) {
      const std::size_t first = block * per_block + warp * 32;
      std::uint64_t before = 0;
      do {
        before = m.progress;
        ended += run_threads(place, holding, first, std::min(first + 32, (block + 1) * per_block));
      } while (m.progress != before && !m.failure);
    }
  }
  return ended;
}

void run_cluster(const char* name, Place& place) {
  Machine& m = machine();
  for (std::size_t i = 0; i < place.order.size(); ++i) place.order[i] = i;
  if (m.order == Order::reverse) std::reverse(place.order.begin(), place.order.end());
  std::size_t alive = place.threads.size();
  Holding holding;
  bool stands_still = false;
  while (alive > 0) {
    if (m.order == Order::shuffled) holding.advance(stands_still, m.shuffle);
    const std::uint64_t before = m.progress;
    alive -= run_round(place, holding);
    if (m.failure) break;  // the other threads' stacks are left as they are
    stands_still = m.progress == before;
    if (stands_still && holding.held == Holding::Held::none)
      throw std::logic_error(std::string(name) + ": threads wait at a barrier that others do not reach");
  }
  if (m.failure) std::rethrow_exception(std::exchange(m.failure, nullptr));
  for (const Block& block : place.cluster.blocks) {
    if (!block.bulk.empty())
      throw std::logic_error(std::string(name) + ": a block ended before its bulk copies");
  }
}

void set_up(Place& place, Index3 first_block, Index3 grid, unsigned threads) {
  Cluster& cluster = place.cluster;
  cluster.barrier = {cluster.size * threads, 0, 0};
  for (unsigned b = 0; b < cluster.size; ++b) {
    Block& block = cluster.blocks[b];
    block.barrier = {threads, 0, 0};
    block.bulk.clear();
    // Patterns of NaN, in float32 and bfloat16.
    std::memset(block.shared, 0xff, block.shared_bytes);
    for (std::size_t w = 0; w < block.warps.size(); ++w)
      block.warps[w].barrier = {std::min(32U, threads - static_cast<unsigned>(w) * 32U), 0, 0};
    for (unsigned t = 0; t < threads; ++t) {
      Thread& thread = place.threads[b * threads + t];
      thread.thread_index = {t, 0, 0};
      thread.block_index = {first_block.x + b, first_block.y, first_block.z};
      thread.block_dim = {threads, 1, 1};
      thread.grid_dim = grid;
      thread.block = &block;
      thread.warp = &block.warps[t / 32];
      thread.is_done = false;
      thread.open_copies.clear();
      thread.copy_groups.clear();
      prepare(thread, machine().stacks.top_of(b * threads + t));
    }
  }
}

}  // namespace

Thread& running() {
  return *machine().thread;
}

void set_order(Order order) {
  machine().order = order;
}
Order order() {
  return machine().order;
}

void note_progress() {
  ++machine().progress;
}
void let_others_run() {
  yield();
}

void check_grid(const char* name, Index3 grid, unsigned threads, unsigned cluster, std::size_t shared_bytes) {
  constexpr std::size_t kMostShared = 227 * 1024;  // sm_90
  if (threads == 0 || threads > kMostThreads || cluster == 0 || grid.x % cluster != 0 ||
      shared_bytes > kMostShared) {
    throw std::logic_error(std::string(name) + ": a launch that no GPU takes: " + std::to_string(threads) +
                           " threads, grid " + std::to_string(grid.x) + ", cluster " +
                           std::to_string(cluster) + ", " + std::to_string(shared_bytes) +
                           " bytes of shared memory");
  }
}

void run_grid(const char* name, Index3 grid, unsigned threads, unsigned cluster, std::size_t shared_bytes,
              const std::function<void()>& body) {
  Place place;
  place.cluster.size = cluster;
  place.cluster.blocks.resize(cluster);
  place.threads.resize(std::size_t{cluster} * threads);
  for (std::size_t i = 0; i < place.threads.size(); ++i) place.order.push_back(i);
  for (unsigned b = 0; b < cluster; ++b) {
    Block& block = place.cluster.blocks[b];
    void* memory = nullptr;
    if (posix_memalign(&memory, 128, shared_bytes + 1) != 0) throw std::bad_alloc();
    place.shared.emplace_back(static_cast<std::byte*>(memory), &std::free);
    block.cluster = &place.cluster;
    block.rank = b;
    block.shared = place.shared.back().get();
    block.shared_bytes = shared_bytes;
    block.warps.resize((threads + 31) / 32);
  }
  machine().body = &body;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; x += cluster) {
        set_up(place, {x, y, z}, grid, threads);
        run_cluster(name, place);
      }
    }
  }
}

void block_barrier() {
  wait_at(running().block->barrier);
}
void warp_barrier() {
  wait_at(running().warp->barrier);
}
void cluster_barrier() {
  wait_at(running().block->cluster->barrier);
}

void* in_block(void* mine, unsigned rank) {
  const Block& block = *running().block;
  const auto offset = static_cast<std::byte*>(mine) - block.shared;
  if (offset < 0 || static_cast<std::size_t>(offset) >= block.shared_bytes || rank >= block.cluster->size)
    throw std::logic_error(
        "in_cluster_block: not an address of this block's shared memory, or no such block");
  return block.cluster->blocks[rank].shared + offset;
}

}  // namespace reckon::emulator
