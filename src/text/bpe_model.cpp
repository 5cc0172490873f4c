#include "bpe_model.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "byte_alphabet.h"
#include "reckon/base/error.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

constexpr std::uint32_t kNoId = 0xFFFFFFFFu;
/// Up to this many units a scan of the whole word for each merge is faster than a heap.
constexpr std::size_t kShortWord = 48;

std::string fallback_token(std::size_t byte) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "<0x%02X>", static_cast<unsigned>(byte));
  return text.data();
}

}  // namespace

BpeModel::BpeModel(BpeUnit unit, std::size_t num_tokens, std::size_t num_merges) : unit_(unit) {
  tokens_.reserve(num_tokens);
  others_.reserve(unit == BpeUnit::byte ? num_tokens : 0);
  merges_.reserve(num_merges);
}

bool BpeModel::add_token(std::string_view token, std::uint32_t id) {
  if (unit_ == BpeUnit::character) return tokens_.add(token, id);
  const auto bytes = bytes_of_token(token);
  return bytes ? tokens_.add(*bytes, id) : others_.add(token, id);
}

std::optional<std::uint32_t> BpeModel::id_of(std::string_view token) const {
  if (unit_ == BpeUnit::character) return tokens_.id_of(token);
  const auto bytes = bytes_of_token(token);
  return bytes ? tokens_.id_of(*bytes) : others_.id_of(token);
}

void BpeModel::finish(bool ignore_merges, bool byte_fallback) {
  ignore_merges_ = ignore_merges;
  has_fallback_ = byte_fallback;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char unit = static_cast<char>(byte);
    byte_ids_[byte] = tokens_.id_of({&unit, 1}).value_or(kNoId);
    fallback_ids_[byte] = id_of(fallback_token(byte)).value_or(kNoId);
  }
  word_states_ = std::make_unique<std::atomic<WordState>[]>(tokens_.num_places());
}

void BpeModel::encode(std::string_view word, std::size_t offset, std::vector<std::uint32_t>& ids) const {
  const std::uint32_t place = tokens_.find(word);
  WordState state = WordState::is_split;
  if (place != TokenTable::kNoPlace) {
    state = ignore_merges_ ? WordState::is_itself : word_states_[place].load(std::memory_order_relaxed);
    if (state == WordState::is_itself) {
      ids.push_back(tokens_.id_at(place));
      return;
    }
  }
  const std::size_t begin = ids.size();
  append_units(word, offset, ids);
  if (ids.size() - begin <= kShortWord) {
    merge_short(ids, begin);
  } else {
    merge_long(ids, begin);
  }
  if (state == WordState::unknown) {
    const bool is_itself = ids.size() == begin + 1 && ids[begin] == tokens_.id_at(place);
    word_states_[place].store(is_itself ? WordState::is_itself : WordState::is_split,
                              std::memory_order_relaxed);
  }
}

void BpeModel::append_units(std::string_view word, std::size_t offset,
                            std::vector<std::uint32_t>& ids) const {
  for (std::size_t at = 0; at < word.size();) {
    std::size_t num_bytes = 1;
    std::uint32_t id = kNoId;
    if (unit_ == BpeUnit::byte || static_cast<std::uint8_t>(word[at]) < 0x80) {
      id = byte_ids_[static_cast<std::uint8_t>(word[at])];
    } else {
      num_bytes = utf8_character_at(word, at).value().num_bytes;
      id = tokens_.id_of(word.substr(at, num_bytes)).value_or(kNoId);
    }
    if (id == kNoId) {
      append_unknown(word, at, num_bytes, offset, ids);
    } else {
      ids.push_back(id);
    }
    at += num_bytes;
  }
}

void BpeModel::append_unknown(std::string_view word, std::size_t at, std::size_t num_bytes,
                              std::size_t offset, std::vector<std::uint32_t>& ids) const {
  const bool is_byte = unit_ == BpeUnit::byte;
  const std::string unit =
      is_byte ? byte_character(static_cast<std::uint8_t>(word[at])) : std::string(word.substr(at, num_bytes));
  const auto fallback_of = [&](char byte) { return fallback_ids_[static_cast<std::uint8_t>(byte)]; };
  if (has_fallback_ &&
      std::all_of(unit.begin(), unit.end(), [&](char byte) { return fallback_of(byte) != kNoId; })) {
    for (const char byte : unit) ids.push_back(fallback_of(byte));
    return;
  }
  const std::string name =
      is_byte ? "the byte " + std::to_string(static_cast<std::uint8_t>(word[at]))
              : code_point_name(utf8_character_at(word, at).value().code_point) + " '" + unit + "'";
  const std::string place = offset == kNoOffset ? "" : " at byte " + std::to_string(offset + at);
  throw Error(ExitCode::bad_data, "encode: " + name + place + " is not in the tokenizer's vocabulary");
}

}  // namespace reckon
