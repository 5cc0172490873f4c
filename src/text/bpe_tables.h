#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// Byte strings to ids: open addressing in one array, the strings one after another in another.
class TokenTable {
 public:
  static constexpr std::uint32_t kNoPlace = 0xFFFFFFFFu;

  /// Makes room for a number of tokens. To be called once, before the first add().
  void reserve(std::size_t num_tokens);
  /// \return false where the token is there already.
  bool add(std::string_view token, std::uint32_t id);

  /// The place of a token in the table, stable after the last add(); or kNoPlace.
  [[nodiscard]] std::uint32_t find(std::string_view token) const;
  [[nodiscard]] std::uint32_t id_at(std::uint32_t place) const { return slots_[place].id; }
  [[nodiscard]] std::optional<std::uint32_t> id_of(std::string_view token) const;
  [[nodiscard]] std::size_t num_places() const { return slots_.size(); }
  /// The longest token's bytes.
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t id = 0;
    std::uint32_t begin = 0;  ///< in bytes_
    std::uint32_t size = 0;   ///< 0: the slot is free, for no token is empty
  };
  [[nodiscard]] std::uint32_t place_of(std::string_view token, std::uint32_t hash) const;

  std::vector<Slot> slots_ = std::vector<Slot>(1);  ///< a power of two
  std::string bytes_;
  std::size_t longest_ = 0;
};

/// What a pair of adjacent tokens becomes.
struct Merge {
  std::uint32_t rank = 0xFFFFFFFFu;  ///< lower ones are done first; the highest number: no merge
  std::uint32_t id = 0;
  [[nodiscard]] bool exists() const { return rank != 0xFFFFFFFFu; }
};

/// Pairs of ids to merges, by open addressing.
class MergeTable {
 public:
  void reserve(std::size_t num_merges);
  /// A later merge of the same pair takes the place of the earlier one.
  void add(std::uint32_t left, std::uint32_t right, Merge merge);

  [[nodiscard]] Merge find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = (std::uint64_t{left} << 32) | right;
    for (std::size_t place = place_for(key);; place = (place + 1) & mask_) {
      if (slots_[place].key == key) return slots_[place].merge;
      if (slots_[place].key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge;
  };
  [[nodiscard]] std::size_t place_for(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 20) & mask_;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1);
  std::size_t mask_ = 0;
};

}  // namespace reckon
