// Copies that run on their own: a thread's (cp.async) and a block's (bulk copies on a barrier in shared
// memory).
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "emulator/scheduling.h"

namespace reckon::emulator {
namespace {

/// Asynchronous copies happen at any time from where they are asked for to where they are waited for: in half
/// of the orders at once, when others may still read what was there. \return bytes that are left to copy
std::size_t copy_early(void* to, const void* from, std::size_t bytes) {
  if (order() != Order::shuffled && order() != Order::warp_ahead) return bytes;
  std::memcpy(to, from, bytes);
  return 0;
}

}  // namespace

const void* aligned(const void* pointer, std::size_t alignment) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0)
    throw std::logic_error("a misaligned access of " + std::to_string(alignment) + " bytes");
  return pointer;
}

void start_copy(void* to, const void* from, std::size_t bytes) {
  running().open_copies.push_back({to, from, copy_early(to, from, bytes)});
}

void commit_copies() {
  Thread& me = running();
  me.copy_groups.push_back(std::move(me.open_copies));
  me.open_copies.clear();
}

void wait_copies(std::size_t pending) {
  Thread& me = running();
  while (me.copy_groups.size() > pending) {
    for (const Copy& copy : me.copy_groups.front()) std::memcpy(copy.to, copy.from, copy.bytes);
    me.copy_groups.erase(me.copy_groups.begin());
  }
}

// The word of a barrier: bytes expected and not asked for yet in the low half, phases that have ended in the
// high half.
void expect_bulk(const void* barrier, std::uint32_t bytes) {
  auto* word = static_cast<std::uint64_t*>(const_cast<void*>(barrier));
  if ((*word & 0xffffffffU) != 0)
    throw std::logic_error("barrier_expect: a bulk copy of the phase before is missing");
  *word += bytes;
  note_progress();
}

void start_bulk(void* to, const void* from, std::size_t bytes, const void* barrier) {
  auto* word = static_cast<std::uint64_t*>(const_cast<void*>(barrier));
  if (bytes % 16 != 0 || (*word & 0xffffffffU) < bytes)
    throw std::logic_error("bulk_load: " + std::to_string(bytes) +
                           " bytes (need a multiple of 16, expected before)");
  *word -= bytes;
  running().block->bulk.push_back({to, from, copy_early(to, from, bytes), barrier});
  note_progress();
}

void wait_bulk(const void* barrier, std::uint64_t* word, unsigned phase) {
  // Until this phase was asked for in full, and its copies, which then happen, or until it has ended before.
  std::vector<BulkCopy>& bulk = running().block->bulk;
  const auto is_ours = [&](const BulkCopy& copy) { return copy.barrier == barrier; };
  while ((*word >> 32) % 2 == phase % 2) {
    const bool asked = std::any_of(bulk.begin(), bulk.end(), is_ours);
    if (asked && (*word & 0xffffffffU) == 0) {
      for (const BulkCopy& copy : bulk) {
        if (is_ours(copy)) std::memcpy(copy.to, copy.from, copy.bytes);
      }
      std::erase_if(bulk, is_ours);
      *word += std::uint64_t{1} << 32;
      note_progress();
      return;
    }
    let_others_run();
  }
}

}  // namespace reckon::emulator
