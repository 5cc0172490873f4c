#include <algorithm>
#include <functional>
#include <queue>

#include "bpe_model.h"

namespace reckon {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFu;

/// A pair that could be merged: its rank above its place, so that the least is the next to merge.
using Candidate = std::uint64_t;
using CandidateHeap = std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>>;

Candidate candidate(std::uint32_t rank, std::uint32_t place) {
  return (std::uint64_t{rank} << 32) | place;
}

}  // namespace

void BpeModel::merge_short(std::vector<std::uint32_t>& ids, std::size_t begin) const {
  constexpr std::size_t kRoom = 64;  // more than kShortWord
  std::array<Merge, kRoom> merges;   // of each id with the one behind it
  std::size_t size = ids.size() - begin;
  std::uint32_t* const at = ids.data() + begin;
  for (std::size_t i = 0; i + 1 < size; ++i) merges[i] = merges_.find(at[i], at[i + 1]);
  while (size > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < size; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (!merges[best].exists()) break;
    at[best] = merges[best].id;
    --size;
    for (std::size_t i = best + 1; i < size; ++i) {
      at[i] = at[i + 1];
      merges[i - 1] = merges[i];
    }
    if (best > 0) merges[best - 1] = merges_.find(at[best - 1], at[best]);
    if (best + 1 < size) merges[best] = merges_.find(at[best], at[best + 1]);
  }
  ids.resize(begin + size);
}

void BpeModel::merge_long(std::vector<std::uint32_t>& ids, std::size_t begin) const {
  // A linked list of the ids that are left; the pairs of a place are looked up again when their turn comes,
  // for they may have changed.
  const auto size = static_cast<std::uint32_t>(ids.size() - begin);
  std::uint32_t* const id = ids.data() + begin;
  std::vector<std::uint32_t> next(size);
  std::vector<std::uint32_t> previous(size);
  std::vector<Candidate> candidates;
  for (std::uint32_t i = 0; i < size; ++i) {
    previous[i] = i == 0 ? kNone : i - 1;
    next[i] = i + 1 == size ? kNone : i + 1;
    if (i + 1 == size) break;
    const Merge merge = merges_.find(id[i], id[i + 1]);
    if (merge.exists()) candidates.push_back(candidate(merge.rank, i));
  }
  CandidateHeap heap(std::greater<>(), std::move(candidates));
  const auto consider = [&](std::uint32_t left, std::uint32_t right) {
    const Merge merge = merges_.find(id[left], id[right]);
    if (merge.exists()) heap.push(candidate(merge.rank, left));
  };
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    const auto left = static_cast<std::uint32_t>(top);
    const std::uint32_t right = next[left];
    if (id[left] == kNone || right == kNone) continue;
    const Merge merge = merges_.find(id[left], id[right]);
    if (merge.rank != top >> 32) continue;  // another pair stands there now
    id[left] = merge.id;
    id[right] = kNone;
    next[left] = next[right];
    if (next[left] != kNone) {
      previous[next[left]] = left;
      consider(left, next[left]);
    }
    if (previous[left] != kNone) consider(previous[left], left);
  }
  ids.erase(std::remove(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end(), kNone), ids.end());
}

}  // namespace reckon
