#include "unicode.h"

#include <array>
#include <cstdint>

#include "unicode_tables.h"

namespace reckon {
namespace {

using Ranges = std::vector<CodePointSet::Range>;

// In the order of scripts/make_unicode_tables.py.
constexpr std::array<std::string_view, 30> kCategories = {
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

CodePointSet category_or_throw(std::string_view name) {
  return general_category(name).value();
}

/// Letters, marks, decimal digits and the rest of Alphabetic, connector punctuation. What Alphabetic has
/// besides letters, marks and letter numbers are the circled and squared Latin letters.
CodePointSet word_without_extras() {
  CodePointSet set(Ranges{{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}});
  for (const std::string_view name : {"L", "M", "Nd", "Nl", "Pc"}) set = set.united(category_or_throw(name));
  return set;
}

}  // namespace

std::optional<CodePointSet> general_category(std::string_view name) {
  if (name.empty() || name.size() > 2) return std::nullopt;
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < kCategories.size(); ++i) {
    if (kCategories[i].starts_with(name)) wanted |= std::uint32_t{1} << i;
  }
  if (wanted == 0) return std::nullopt;
  Ranges ranges;
  char32_t start = 0;
  for (std::size_t i = 0; i < unicode_tables::kCategoryRunsSize; ++i) {
    const std::uint32_t run = unicode_tables::kCategoryRuns[i];
    const char32_t length = run >> 5;
    if ((wanted >> (run & 31u)) & 1u) ranges.push_back({start, start + length - 1});
    start += length;
  }
  return CodePointSet(std::move(ranges));
}

const CodePointSet& white_space() {
  static const CodePointSet kSet = category_or_throw("Z").united(CodePointSet(Ranges{{9, 13}, {0x85, 0x85}}));
  return kSet;
}

const CodePointSet& oniguruma_word() {
  static const CodePointSet kSet = word_without_extras();
  return kSet;
}

const CodePointSet& oniguruma_bare_word() {
  static const CodePointSet kSet =
      word_without_extras().united(CodePointSet(Ranges{{0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE}}));
  return kSet;
}

const CodePointSet& rust_word() {
  static const CodePointSet kSet = word_without_extras().united(CodePointSet(Ranges{{0x200C, 0x200D}}));
  return kSet;
}

const CodePointSet& rust_numeric() {
  static const CodePointSet kSet = [] {
    Ranges newer;
    for (std::size_t i = 0; i + 1 < unicode_tables::kDigitsOfUnicode17Size; i += 2) {
      newer.push_back({unicode_tables::kDigitsOfUnicode17[i], unicode_tables::kDigitsOfUnicode17[i + 1]});
    }
    return category_or_throw("N").united(CodePointSet(std::move(newer)));
  }();
  return kSet;
}

}  // namespace reckon
