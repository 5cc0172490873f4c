#include "bpe_tables.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace reckon {
namespace {

constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio

std::uint64_t load(const char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, count);
  return value;
}

std::uint64_t mix(std::uint64_t value) {
  value *= kOdd;
  return value ^ (value >> 32);
}

std::uint32_t hash_of(std::string_view token) {
  const char* at = token.data();
  std::size_t left = token.size();
  std::uint64_t hash = left;
  for (; left >= 8; at += 8, left -= 8) hash = mix(hash ^ load(at, 8));
  if (left >= 4) {
    hash = mix(hash ^ (load(at, 4) << 32 | load(at + left - 4, 4)));  // the two may overlap
  } else if (left > 0) {
    hash = mix(hash ^ (load(at, 1) << 16 | load(at + left / 2, 1) << 8 | load(at + left - 1, 1)));
  }
  return static_cast<std::uint32_t>(mix(hash) >> 32);
}

std::size_t room_for(std::size_t count) {
  return std::bit_ceil(count * 2 + 1);
}

}  // namespace

void TokenTable::reserve(std::size_t num_tokens) {
  slots_.assign(room_for(num_tokens), Slot{});
}

std::uint32_t TokenTable::place_of(std::string_view token, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash & mask;
  while (slots_[place].size != 0) {
    const Slot& slot = slots_[place];
    if (slot.hash == hash && std::string_view(bytes_).substr(slot.begin, slot.size) == token) break;
    place = (place + 1) & mask;
  }
  return static_cast<std::uint32_t>(place);
}

bool TokenTable::add(std::string_view token, std::uint32_t id) {
  const std::uint32_t hash = hash_of(token);
  Slot& slot = slots_[place_of(token, hash)];
  if (slot.size != 0) return false;
  slot = {hash, id, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(token.size())};
  bytes_ += token;
  longest_ = std::max(longest_, token.size());
  return true;
}

std::uint32_t TokenTable::find(std::string_view token) const {
  if (token.empty() || token.size() > longest_) return kNoPlace;
  const std::uint32_t place = place_of(token, hash_of(token));
  return slots_[place].size == 0 ? kNoPlace : place;
}

std::optional<std::uint32_t> TokenTable::id_of(std::string_view token) const {
  const std::uint32_t place = find(token);
  if (place == kNoPlace) return std::nullopt;
  return slots_[place].id;
}

void MergeTable::reserve(std::size_t num_merges) {
  slots_.assign(room_for(num_merges), Slot{});
  mask_ = slots_.size() - 1;
}

void MergeTable::add(std::uint32_t left, std::uint32_t right, Merge merge) {
  const std::uint64_t key = (std::uint64_t{left} << 32) | right;
  std::size_t place = place_for(key);
  while (slots_[place].key != kFree && slots_[place].key != key) place = (place + 1) & mask_;
  slots_[place] = {key, merge};
}

}  // namespace reckon
