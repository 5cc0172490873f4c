#include "reckon/text/utf8.h"

#include <gtest/gtest.h>

#include "reckon/base/error.h"

namespace reckon {
namespace {

TEST(Utf8, ReadsCharactersOfEachLength) {  // U+0041, U+00E9, U+20AC, U+1F600, from the Unicode tables
  const std::string text = "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  EXPECT_EQ(utf8_to_code_points(text, "test"), (std::u32string{0x41, 0xE9, 0x20AC, 0x1F600}));
}

TEST(Utf8, RefusesWhatRfc3629Forbids) {
  const std::string bad[] = {
      "\x80",              // a continuation byte alone
      "\xC3",              // cut off
      "\xC3(",             // no continuation
      "\xC0\xAF",          // overlong '/'
      "\xE0\x80\xAF",      // overlong
      "\xF0\x80\x80\xAF",  // overlong
      "\xED\xA0\x80",      // surrogate U+D800
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xFF",
  };
  for (const std::string& text : bad)
    EXPECT_FALSE(utf8_character_at(text, 0)) << testing::PrintToString(text);
}

TEST(Utf8, NamesTheFirstBadByte) {
  try {
    (void)utf8_to_code_points("ab\xFFz", "alphabet");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_STREQ(error.what(), "alphabet: byte 2 is not UTF-8 (need UTF-8 text)");
  }
}

TEST(Utf8, WritesWhatItReads) {  // every scalar value
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    const auto read = utf8_character_at(text, 0);
    ASSERT_TRUE(read) << code_point_name(code);
    ASSERT_EQ(read->code_point, code);
    ASSERT_EQ(read->num_bytes, text.size());
  }
}

TEST(Utf8, NamesCodePoints) {
  EXPECT_EQ(code_point_name(0xE9), "U+00E9");
  EXPECT_EQ(code_point_name(0x1F600), "U+1F600");
}

}  // namespace
}  // namespace reckon
