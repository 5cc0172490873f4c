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

const std::string kReplacement = "\xEF\xBF\xBD";

TEST(Utf8, ReplacesEachMaximalPartThatIsNoCharacter) {  // The Unicode Standard, tables 3-8 to 3-11
  const auto replaced = [](const std::string& bytes) {
    std::string text = utf8_with_replacements(bytes);
    for (std::size_t at = 0; (at = text.find(kReplacement, at)) != std::string::npos;)
      text.replace(at, 3, "?");
    return text;
  };
  EXPECT_EQ(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "????????A");
  EXPECT_EQ(replaced("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), "????????A");
  EXPECT_EQ(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), "?????A??B");
  EXPECT_EQ(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "????A");
  EXPECT_EQ(replaced("plain ASCII, \xC3\xA9 and \xF0\x9F\x98\x80"),
            "plain ASCII, \xC3\xA9 and \xF0\x9F\x98\x80");
  EXPECT_EQ(replaced("0123456\xF0\x9F\x98"), "0123456?");
  EXPECT_EQ(utf8_with_replacements(""), "");
}

TEST(Utf8, TellsWhatIsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("0123456789 \xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("0123456789\xFF"));
  EXPECT_FALSE(is_utf8("01234567\xF0\x9F\x98"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
}

TEST(Utf8, CountsTheBytesOfACharacterThatIsNotWhole) {
  EXPECT_EQ(unfinished_utf8_bytes(""), 0u);
  EXPECT_EQ(unfinished_utf8_bytes("a"), 0u);
  EXPECT_EQ(unfinished_utf8_bytes("a\xC3"), 1u);
  EXPECT_EQ(unfinished_utf8_bytes("a\xC3\xA9"), 0u);
  EXPECT_EQ(unfinished_utf8_bytes("\xE4\xB8"), 2u);
  EXPECT_EQ(unfinished_utf8_bytes("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(unfinished_utf8_bytes("\xF0\x9F\x98\x80"), 0u);
  EXPECT_EQ(unfinished_utf8_bytes("\xA9"), 0u);          // continues nothing
  EXPECT_EQ(unfinished_utf8_bytes("\xFF"), 0u);          // begins nothing
  EXPECT_EQ(unfinished_utf8_bytes("\xED\xA0"), 0u);      // would be a surrogate
  EXPECT_EQ(unfinished_utf8_bytes("\xC3\xA9\xA9"), 0u);  // one too many
}

TEST(Utf8, NamesCodePoints) {
  EXPECT_EQ(code_point_name(0xE9), "U+00E9");
  EXPECT_EQ(code_point_name(0x1F600), "U+1F600");
}

}  // namespace
}  // namespace reckon
