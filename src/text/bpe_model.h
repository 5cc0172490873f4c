#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bpe_tables.h"

namespace reckon {

/// What a word is cut into before the first merge.
enum class BpeUnit {
  character,  ///< the vocabulary holds plain text
  byte,       ///< the vocabulary writes bytes as characters (byte_alphabet.h)
};

/// Byte-pair encoding (Sennrich, Haddow and Birch, arXiv:1508.07909): of all adjacent pairs that have a
/// merge, the one of lowest rank is merged, leftmost first, until there is none.
/// Const methods may be called from several threads at once.
class BpeModel {
 public:
  static constexpr std::size_t kNoOffset = ~std::size_t{0};

  BpeModel(BpeUnit unit, std::size_t num_tokens, std::size_t num_merges);

  /// \param token  as the file writes it. \return false where it is there already.
  bool add_token(std::string_view token, std::uint32_t id);
  void add_merge(std::uint32_t left, std::uint32_t right, Merge merge) { merges_.add(left, right, merge); }
  /// To be called after the last add_...().
  /// \param ignore_merges  whether a word that is a token is that token, whatever the merges make of it.
  /// \param byte_fallback  whether what is not in the vocabulary becomes its bytes' tokens <0x00> .. <0xFF>.
  void finish(bool ignore_merges, bool byte_fallback);

  /// \param token  as the file writes it.
  [[nodiscard]] std::optional<std::uint32_t> id_of(std::string_view token) const;
  [[nodiscard]] BpeUnit unit() const { return unit_; }

  /// Appends the ids of a word. Takes n log n time for n bytes.
  /// \param word    UTF-8 where the unit is a character; not empty.
  /// \param offset  byte at which the word begins in the text, for messages; or kNoOffset.
  /// \throws Error(bad_data) where a unit is not in the vocabulary.
  void encode(std::string_view word, std::size_t offset, std::vector<std::uint32_t>& ids) const;

 private:
  enum class WordState : std::uint8_t { unknown, is_itself, is_split };

  void append_units(std::string_view word, std::size_t offset, std::vector<std::uint32_t>& ids) const;
  void append_unknown(std::string_view word, std::size_t at, std::size_t num_bytes, std::size_t offset,
                      std::vector<std::uint32_t>& ids) const;
  /// Merges the ids from a place on.
  void merge_short(std::vector<std::uint32_t>& ids, std::size_t begin) const;
  void merge_long(std::vector<std::uint32_t>& ids, std::size_t begin) const;

  BpeUnit unit_;
  bool ignore_merges_ = false;
  TokenTable tokens_;  ///< by what they stand for
  TokenTable others_;  ///< tokens that no word can be, by what the file writes
  MergeTable merges_;
  std::array<std::uint32_t, 256> byte_ids_{};
  std::array<std::uint32_t, 256> fallback_ids_{};
  bool has_fallback_ = false;
  /// By place in tokens_: what merging makes of a word that is a token; found out when it is met first.
  mutable std::unique_ptr<std::atomic<WordState>[]> word_states_;
};

}  // namespace reckon
