#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "reckon/text/utf8.h"
#include "unicode.h"
#include "unicode_tables.h"

namespace reckon {
namespace {

// Hangul syllables are computed (The Unicode Standard, section 3.12).
constexpr char32_t kHangulFirst = 0xAC00;
constexpr char32_t kLeadFirst = 0x1100;
constexpr char32_t kVowelFirst = 0x1161;
constexpr char32_t kTrailBefore = 0x11A7;  // one before the first trailing consonant
constexpr char32_t kNumLeads = 19;
constexpr char32_t kNumVowels = 21;
constexpr char32_t kNumTrails = 28;  // "no trailing consonant" counts
constexpr char32_t kNumHangul = kNumLeads * kNumVowels * kNumTrails;

constexpr char32_t kNone = 0xFFFFFFFFu;
constexpr std::uint32_t kNotComposed = 0x200000;

/// Characters by blocks of 256: most blocks are alike.
class BlockTable {
 public:
  BlockTable() { blocks_.emplace_back(); }
  void set(char32_t code_point, std::uint8_t value) {
    std::uint16_t& block = index_[code_point >> 8];
    if (block == 0) {
      block = static_cast<std::uint16_t>(blocks_.size());
      blocks_.emplace_back();
    }
    blocks_[block][code_point & 0xFF] = value;
  }
  [[nodiscard]] std::uint8_t at(char32_t code_point) const {
    return blocks_[index_[code_point >> 8]][code_point & 0xFF];
  }

 private:
  std::array<std::uint16_t, (kLastCodePoint >> 8) + 1> index_{};
  std::vector<std::array<std::uint8_t, 256>> blocks_;
};

struct Decomposition {
  char32_t code_point = 0;
  char32_t first = 0;
  char32_t second = 0;  ///< 0: none
};

struct Composition {
  char32_t first = 0;
  char32_t second = 0;
  char32_t composite = 0;
  [[nodiscard]] std::uint64_t key() const { return (std::uint64_t{first} << 32) | second; }
};

/// Everything NFC asks, unpacked from the tables at first use.
class NfcData {
 public:
  NfcData() {
    read_combining();
    read_decompositions();
    for (char32_t code = kVowelFirst; code < kVowelFirst + kNumVowels; ++code) not_inert_.set(code, 1);
    for (char32_t code = kTrailBefore + 1; code < kTrailBefore + kNumTrails; ++code) not_inert_.set(code, 1);
  }

  [[nodiscard]] std::uint8_t combining(char32_t code) const { return combining_.at(code); }
  /// Whether a character stays as it is whatever stands before it, and starts anew.
  [[nodiscard]] bool is_inert(char32_t code) const { return not_inert_.at(code) == 0; }

  void decompose(char32_t code, std::u32string& out) const {
    if (code >= kHangulFirst && code < kHangulFirst + kNumHangul) {
      const char32_t syllable = code - kHangulFirst;
      out.push_back(kLeadFirst + syllable / (kNumVowels * kNumTrails));
      out.push_back(kVowelFirst + syllable / kNumTrails % kNumVowels);
      if (syllable % kNumTrails != 0) out.push_back(kTrailBefore + syllable % kNumTrails);
      return;
    }
    const auto found = std::lower_bound(
        decompositions_.begin(), decompositions_.end(), code,
        [](const Decomposition& entry, char32_t wanted) { return entry.code_point < wanted; });
    if (found == decompositions_.end() || found->code_point != code) {
      out.push_back(code);
      return;
    }
    decompose(found->first, out);  // a few levels deep in the tables
    if (found->second != 0) decompose(found->second, out);
  }

  [[nodiscard]] char32_t compose(char32_t first, char32_t second) const {
    const char32_t lead = first - kLeadFirst;
    const char32_t vowel = second - kVowelFirst;
    if (lead < kNumLeads && vowel < kNumVowels) {
      return kHangulFirst + (lead * kNumVowels + vowel) * kNumTrails;
    }
    const char32_t syllable = first - kHangulFirst;
    const char32_t trail = second - kTrailBefore;
    if (syllable < kNumHangul && syllable % kNumTrails == 0 && trail > 0 && trail < kNumTrails) {
      return first + trail;
    }
    const std::uint64_t key = Composition{first, second, 0}.key();
    const auto found =
        std::lower_bound(compositions_.begin(), compositions_.end(), key,
                         [](const Composition& entry, std::uint64_t wanted) { return entry.key() < wanted; });
    return found != compositions_.end() && found->key() == key ? found->composite : kNone;
  }

 private:
  void read_combining() {
    const std::uint32_t* runs = unicode_tables::kCombiningRuns;
    char32_t code = 0;
    for (std::size_t i = 0; i + 2 < unicode_tables::kCombiningRunsSize; i += 3) {
      code += runs[i];
      for (std::uint32_t k = 0; k < runs[i + 1]; ++k, ++code) {
        combining_.set(code, static_cast<std::uint8_t>(runs[i + 2]));
        not_inert_.set(code, 1);
      }
    }
  }

  void read_decompositions() {
    const std::uint32_t* entries = unicode_tables::kDecompositions;
    char32_t code = 0;
    for (std::size_t i = 0; i + 2 < unicode_tables::kDecompositionsSize; i += 3) {
      code += entries[i];
      const bool composed = entries[i + 1] < kNotComposed;
      const Decomposition entry{code, composed ? entries[i + 1] : entries[i + 1] - kNotComposed,
                                entries[i + 2]};
      decompositions_.push_back(entry);
      if (composed) {
        compositions_.push_back({entry.first, entry.second, code});
        not_inert_.set(entry.second, 1);
      } else {
        not_inert_.set(code, 1);
      }
    }
    std::sort(compositions_.begin(), compositions_.end(),
              [](const Composition& a, const Composition& b) { return a.key() < b.key(); });
  }

  BlockTable combining_;
  BlockTable not_inert_;
  std::vector<Decomposition> decompositions_;  ///< sorted by code point
  std::vector<Composition> compositions_;      ///< sorted by key
};

const NfcData& nfc_data() {
  static const NfcData kData;
  return kData;
}

/// Puts runs of combining marks into canonical order.
void reorder_marks(std::u32string& text, const NfcData& data) {
  for (std::size_t i = 0; i < text.size();) {
    if (data.combining(text[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && data.combining(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i),
                     text.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](char32_t a, char32_t b) { return data.combining(a) < data.combining(b); });
    i = end;
  }
}

/// Composes in place what can be composed with the last starter.
void compose_all(std::u32string& text, const NfcData& data) {
  std::size_t starter = text.size();  // none yet
  std::size_t length = 0;
  int last_class = -1;  // of the characters kept after the starter; -1: none
  for (const char32_t code : text) {
    const int its_class = data.combining(code);
    if (starter < length && last_class < its_class) {
      const char32_t composite = data.compose(text[starter], code);
      if (composite != kNone) {
        text[starter] = composite;
        continue;
      }
    }
    if (its_class == 0) {
      starter = length;
      last_class = -1;
    } else {
      last_class = its_class;
    }
    text[length++] = code;
  }
  text.resize(length);
}

/// The character at a place of text that is known to be UTF-8.
Utf8Character character_at(std::string_view text, std::size_t at) {
  return utf8_character_at(text, at).value();
}

}  // namespace

std::uint8_t combining_class(char32_t code_point) {
  return nfc_data().combining(code_point);
}

bool is_surely_nfc(std::string_view text) {
  // U+0300, the first character that can change anything, starts with the byte 0xCC.
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<std::uint8_t>(c) >= 0xCC; })) {
    return true;
  }
  const NfcData& data = nfc_data();
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<std::uint8_t>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Character character = character_at(text, at);
    if (!data.is_inert(character.code_point)) return false;
    at += character.num_bytes;
  }
  return true;
}

std::string nfc(std::string_view text) {
  const NfcData& data = nfc_data();
  std::string out;
  out.reserve(text.size());
  std::u32string piece;
  std::size_t copied = 0;  // text before this is in `out`
  std::size_t inert = 0;   // where the last inert character starts: pieces are cut there
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = character_at(text, at);
    if (data.is_inert(character.code_point)) {
      inert = at;
      at += character.num_bytes;
      continue;
    }
    out.append(text.substr(copied, inert - copied));
    std::size_t end = at + character.num_bytes;
    while (end < text.size()) {
      const Utf8Character next = character_at(text, end);
      if (data.is_inert(next.code_point)) break;
      end += next.num_bytes;
    }
    piece.clear();
    for (std::size_t i = inert; i < end;) {
      const Utf8Character part = character_at(text, i);
      data.decompose(part.code_point, piece);
      i += part.num_bytes;
    }
    reorder_marks(piece, data);
    compose_all(piece, data);
    for (const char32_t code : piece) append_utf8(out, code);
    copied = inert = at = end;
  }
  out.append(text.substr(copied));
  return out;
}

}  // namespace reckon
