#include "text/unicode.h"

#include <gtest/gtest.h>

#include <string>

#include "reckon/text/utf8.h"

namespace reckon {
namespace {

std::string text_of(std::u32string_view code_points) {
  std::string text;
  for (const char32_t code : code_points) append_utf8(text, code);
  return text;
}

std::u32string nfc_of(std::u32string_view code_points) {
  return utf8_to_code_points(nfc(text_of(code_points)), "nfc");
}

std::size_t size_of(const CodePointSet& set) {
  std::size_t size = 0;
  for (const auto& range : set.ranges()) size += range.last - range.first + 1;
  return size;
}

TEST(CodePointSet, IsMadeOfRangesInAnyOrder) {
  const CodePointSet set({{5, 7}, {1, 2}, {3, 3}, {6, 9}});  // 1-3 touch, 5-9 overlap
  EXPECT_EQ(set.ranges(), (std::vector<CodePointSet::Range>{{1, 3}, {5, 9}}));
  EXPECT_TRUE(set.contains(1) && set.contains(3) && set.contains(5) && set.contains(9));
  EXPECT_FALSE(set.contains(0) || set.contains(4) || set.contains(10));
  EXPECT_EQ(set.complement().ranges(),
            (std::vector<CodePointSet::Range>{{0, 0}, {4, 4}, {10, kLastCodePoint}}));
  EXPECT_EQ(set.complement().complement().ranges(), set.ranges());
  EXPECT_EQ(CodePointSet().complement().ranges(), (std::vector<CodePointSet::Range>{{0, kLastCodePoint}}));
  EXPECT_TRUE(CodePointSet({{0, kLastCodePoint}}).complement().ranges().empty());
}

TEST(Unicode, KnowsGeneralCategories) {
  EXPECT_TRUE(general_category("Lu")->contains('A'));
  EXPECT_FALSE(general_category("Lu")->contains('a'));
  EXPECT_TRUE(general_category("Lt")->contains(0x1C5));  // D with small letter z with caron
  EXPECT_TRUE(general_category("Mn")->contains(0x301));
  EXPECT_TRUE(general_category("Nl")->contains(0x2167));  // roman numeral eight
  EXPECT_TRUE(general_category("Cs")->contains(0xD800));
  EXPECT_TRUE(general_category("Cn")->contains(0x10FFFF));
  EXPECT_TRUE(general_category("P")->contains('_'));
  EXPECT_FALSE(general_category("P")->contains('$'));
  EXPECT_FALSE(general_category("").has_value());
  EXPECT_FALSE(general_category("X").has_value());
  EXPECT_FALSE(general_category("lu").has_value());
  EXPECT_FALSE(general_category("Letter").has_value());
}

TEST(Unicode, CategoriesDivideTheCodePoints) {
  std::size_t size = 0;
  for (const char* group : {"L", "M", "N", "P", "S", "Z", "C"}) size += size_of(*general_category(group));
  EXPECT_EQ(size, 0x110000u);
  EXPECT_EQ(size_of(*general_category("Cs")), 2048u);
  EXPECT_EQ(size_of(*general_category("Co")), 6400u + 65534u + 65534u);  // the private use areas
  EXPECT_EQ(size_of(*general_category("Nd")), 760u);                     // Unicode 16: 76 scripts' digits
}

TEST(Unicode, KnowsWhiteSpace) {
  EXPECT_EQ(size_of(white_space()), 25u);  // PropList.txt
  EXPECT_TRUE(white_space().contains(0x85) && white_space().contains(0x3000));
  EXPECT_FALSE(white_space().contains(0x200B) || white_space().contains(0x1C) ||
               white_space().contains(0x180E));
}

TEST(Unicode, KnowsCombiningClasses) {
  EXPECT_EQ(combining_class('a'), 0);
  EXPECT_EQ(combining_class(0x301), 230);
  EXPECT_EQ(combining_class(0x323), 220);
  EXPECT_EQ(combining_class(0x334), 1);
  EXPECT_EQ(combining_class(0x3099), 8);
  EXPECT_EQ(combining_class(0x345), 240);
}

TEST(Nfc, ComposesAndReorders) {
  EXPECT_EQ(nfc_of(U"e\u0301"), U"\u00E9");
  EXPECT_EQ(nfc_of(U"a\u0323\u0302"), U"\u1EAD");         // through U+1EA1
  EXPECT_EQ(nfc_of(U"a\u0302\u0323"), U"\u1EAD");         // the dot below comes first
  EXPECT_EQ(nfc_of(U"\u00E2\u0323"), U"\u1EAD");          // and gets into a composed letter
  EXPECT_EQ(nfc_of(U"q\u0307\u0323"), U"q\u0323\u0307");  // nothing to compose
  EXPECT_EQ(nfc_of(U"a\u0301\u0301"), U"\u00E1\u0301");   // the second is blocked by the first
  EXPECT_EQ(nfc_of(U"a\u05B0\u0301"), U"\u00E1\u05B0");   // a lower class in between does not block
  EXPECT_EQ(nfc_of(U"aX\u0301"), U"aX\u0301");
}

TEST(Nfc, ReplacesSingletonsAndExcludedCompositions) {
  EXPECT_EQ(nfc_of(U"\u212B"), U"\u00C5");        // angstrom sign
  EXPECT_EQ(nfc_of(U"\u2126"), U"\u03A9");        // ohm sign
  EXPECT_EQ(nfc_of(U"\u0958"), U"\u0915\u093C");  // Devanagari qa stays apart
  EXPECT_EQ(nfc_of(U"\u0915\u093C"), U"\u0915\u093C");
  EXPECT_EQ(nfc_of(U"\uFB1D"), U"\u05D9\u05B4");
  EXPECT_EQ(nfc_of(U"\u0344"), U"\u0308\u0301");
  EXPECT_EQ(nfc_of(U"\u2ADC"), U"\u2ADD\u0338");
  EXPECT_EQ(nfc_of(U"\uF900\u0301"), U"\u8C48\u0301");
}

TEST(Nfc, ComposesHangul) {
  EXPECT_EQ(nfc_of(U"\u1100\u1161"), U"\uAC00");
  EXPECT_EQ(nfc_of(U"\u1100\u1161\u11A8"), U"\uAC01");
  EXPECT_EQ(nfc_of(U"\uAC00\u11A8"), U"\uAC01");
  EXPECT_EQ(nfc_of(U"\uAC01\u11A8"), U"\uAC01\u11A8");  // it has one already
  EXPECT_EQ(nfc_of(U"\u1112\u1175\u11C2"), U"\uD7A3");  // the last
  EXPECT_EQ(nfc_of(U"\u1100\u0301\u1161"), U"\u1100\u0301\u1161");
  EXPECT_EQ(nfc_of(U"\uAC00\u11A7"), U"\uAC00\u11A7");  // one before the first trailing consonant
}

TEST(Nfc, LeavesTextAloneThatIsInFormC) {
  for (const char* text :
       {"", "plain", "\xC3\xA9t\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 \xEA\xB0\x80 \xF0\x9F\x98\x80"}) {
    EXPECT_TRUE(is_surely_nfc(text)) << text;
    EXPECT_EQ(nfc(text), text);
  }
  EXPECT_FALSE(is_surely_nfc(text_of(U"e\u0301")));
  EXPECT_FALSE(is_surely_nfc(text_of(U"\u212B")));
}

TEST(Nfc, TakesLongRunsOfMarks) {  // sorted, not swapped one by one
  std::u32string marks(200000, U'\u0301');
  for (std::size_t i = 0; i < marks.size(); i += 2) marks[i] = U'\u0323';
  const std::u32string expected =
      std::u32string(U"q") + std::u32string(100000, U'\u0323') + std::u32string(100000, U'\u0301');
  EXPECT_EQ(nfc_of(U"q" + marks), expected);
}

}  // namespace
}  // namespace reckon
