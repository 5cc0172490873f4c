#pragma once

#include <cstddef>
#include <cstdint>

/// The tables of unicode_tables.cpp, whose layout scripts/make_unicode_tables.py describes. unicode.h reads
/// them.
namespace reckon::unicode_tables {

extern const std::uint32_t kCategoryRuns[];
extern const std::size_t kCategoryRunsSize;
extern const std::uint32_t kCombiningRuns[];
extern const std::size_t kCombiningRunsSize;
extern const std::uint32_t kDecompositions[];
extern const std::size_t kDecompositionsSize;
extern const std::uint32_t kDigitsOfUnicode17[];
extern const std::size_t kDigitsOfUnicode17Size;

}  // namespace reckon::unicode_tables
